// The set difference against a world in which every kind of state occurs, whatever the size of pages and of windows of row keys.

import { openKv } from "@deno/kv";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeV8, encodeV8 } from "../../../src/adapters/denokv/codec.ts";
import { recordKey } from "../../../src/adapters/denokv/keys.ts";
import { createDifference, type Sources } from "../../../src/backfill/compare/difference.ts";
import { contentHash } from "../../../src/content-hash.ts";
import { createIndexWriter, type IndexWriter } from "../../../src/indexing/guild-index/writer.ts";
import type { QuarantineEntry } from "../../../src/ports/quarantine.ts";
import type { IndexRow, VectorIndex } from "../../../src/ports/vector-index.ts";
import {
  FIRST_SNOWFLAKE,
  LAST_SNOWFLAKE,
  type Snowflake,
  snowflakeAfter,
  snowflakeBefore,
} from "../../../src/snowflake.ts";
import { openTestArchive, type TestArchive, testId, testMessage, testNote } from "../../support/archive.ts";
import { EVERYTHING } from "../../support/engine.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../../support/index-store.ts";

const GUILD = "1";
const COUNT = 66;
const kinds = [
  "embedded",
  "missing",
  "stale",
  "skipped",
  "quarantined",
  "orphan",
  "duplicate",
  "damaged",
  "chunked",
  "skipped-with-row",
  "half-stale",
] as const;
type Kind = (typeof kinds)[number];
const kindOf = (n: number): Kind => kinds[n % kinds.length] ?? "embedded";
const idsOf = (...wanted: Kind[]) => numbers.filter((n) => wanted.includes(kindOf(n))).map(testId);
const numbers = Array.from({ length: COUNT }, (_, n) => n);

let archive: TestArchive;
let temp: TempIndexStore;
let index: VectorIndex;
let writer: IndexWriter;
let sources: Sources;

beforeAll(async () => {
  archive = await openTestArchive();
  temp = await openTempIndexStore();
  index = await temp.store.open(GUILD, testSpace);
  writer = createIndexWriter(index, {
    mayCommit: () => true,
    isOwner: () => true,
    onOvertaken: async () => undefined,
    newestArchived: async () => LAST_SNOWFLAKE,
  });
  sources = { archive: archive.archive, index, writer, quarantine: archive.quarantine };
  const rows: IndexRow[] = [];
  const quarantine: QuarantineEntry[] = [];
  for (const n of numbers) {
    const kind = kindOf(n);
    const empty = kind === "skipped" || kind === "skipped-with-row";
    const record = testMessage(n, empty ? { content: "" } : {});
    const hash = contentHash(record);
    if (kind !== "orphan") await archive.archive.save(GUILD, [record], { pending: false });
    const row = (chunk: number, contentHash = hash) =>
      indexRow({ id: record.id, chunk, contentHash, runId: `run-${n % 2}` });
    if (kind === "quarantined")
      quarantine.push({ kind: "message", id: record.id, contentHash: hash, reason: "refused", attempts: 3, at: 1 });
    // Refused once, edited since: not quarantined any more.
    if (kind === "missing")
      quarantine.push({ kind: "message", id: record.id, contentHash: "older", reason: "refused", attempts: 3, at: 1 });
    if (kind === "embedded" || kind === "orphan" || kind === "skipped-with-row" || kind === "damaged")
      rows.push(row(0));
    if (kind === "stale") rows.push(row(0, "older"));
    if (kind === "duplicate") rows.push(row(0), row(0));
    if (kind === "chunked") rows.push(row(0), row(1), row(2));
    if (kind === "half-stale") rows.push(row(0), row(1, "older"));
  }
  await index.write(rows, { fresh: true });
  await archive.quarantine.add(GUILD, quarantine);
  const kv = await openKv(archive.location, { encodeV8, decodeV8, implementation: "sqlite" });
  for (const id of idsOf("damaged")) await kv.set(recordKey(GUILD, "message", id), { v: 99 });
  kv.close();
});
afterAll(async () => {
  await temp.close();
  await archive.close();
});

interface Walked {
  readonly states: Map<Snowflake, string>;
  readonly orphans: Snowflake[];
  readonly duplicates: Snowflake[];
  readonly damaged: Snowflake[];
  readonly runIds: Map<Snowflake, string | undefined>;
}

async function walk(keysAtOnce: number, limit: number, range = EVERYTHING): Promise<Walked> {
  const found: Walked = { states: new Map(), orphans: [], duplicates: [], damaged: [], runIds: new Map() };
  const difference = createDifference(sources, GUILD, "message", keysAtOnce);
  for (let newestId: Snowflake | undefined = range.newestId; newestId !== undefined; ) {
    const page = await difference.page({ newestId, oldestId: range.oldestId }, limit);
    page.ticket.release();
    for (const { stored, state, runId } of page.records) {
      expect(found.states.has(stored.record.id), "each record once").toBe(false);
      found.states.set(stored.record.id, state);
      found.runIds.set(stored.record.id, runId);
    }
    found.orphans.push(...page.orphans);
    found.duplicates.push(...page.duplicates);
    found.damaged.push(...page.damaged.map(({ id }) => id));
    newestId = page.nextNewestId;
  }
  difference.close();
  return found;
}

const inState = (found: Walked, state: string) =>
  [...found.states].filter(([, each]) => each === state).map(([id]) => id);
const sorted = (ids: readonly Snowflake[]) => [...ids].sort();

// Windows smaller than a page, than a record's chunks, as large as all rows, and borders that fall on chunked records.
const sizes = [1, 2, 3, 4, 5, 7, 11, 48, 49, 1_000].flatMap((keysAtOnce) =>
  [1, 4, 10, 500].map((limit) => [keysAtOnce, limit] as const),
);

test.each(sizes)(
  "with %i row keys in memory and pages of %i, every record has its state",
  async (keysAtOnce, limit) => {
    const found = await walk(keysAtOnce, limit);
    expect(sorted(inState(found, "embedded"))).toEqual(sorted(idsOf("embedded", "chunked")));
    expect(sorted(inState(found, "missing"))).toEqual(sorted(idsOf("missing")));
    expect(sorted(inState(found, "stale"))).toEqual(sorted(idsOf("stale", "duplicate", "half-stale")));
    expect(sorted(inState(found, "skipped"))).toEqual(sorted(idsOf("skipped", "skipped-with-row")));
    expect(sorted(inState(found, "quarantined"))).toEqual(sorted(idsOf("quarantined")));
    expect(sorted(found.orphans)).toEqual(sorted(idsOf("orphan", "skipped-with-row")));
    expect(sorted(found.duplicates)).toEqual(sorted(idsOf("duplicate")));
    expect(sorted(found.damaged)).toEqual(sorted(idsOf("damaged")));
    for (const id of idsOf("embedded")) expect(found.runIds.get(id)).toMatch(/^run-[01]$/);
  },
);

test("a range holds what lies in it, both ends included, and nothing else", async () => {
  const [newestId, oldestId] = [testId(40), testId(20)];
  const found = await walk(5, 6, { newestId, oldestId });
  const inside = (id: Snowflake) => BigInt(id) <= BigInt(newestId) && BigInt(id) >= BigInt(oldestId);
  expect(sorted(found.orphans)).toEqual(sorted(idsOf("orphan", "skipped-with-row").filter(inside)));
  expect(sorted([...found.states.keys(), ...found.damaged])).toEqual(
    sorted(
      numbers
        .filter((n) => kindOf(n) !== "orphan")
        .map(testId)
        .filter(inside),
    ),
  );
});

test("rows newer and older than every record are orphans too, and kinds do not mix", async () => {
  const [first, last] = [snowflakeBefore(testId(0)), snowflakeAfter(testId(COUNT))];
  const note = testNote(3, {});
  await archive.archive.save(GUILD, [note], { pending: false });
  await index.write([indexRow({ id: first }), indexRow({ id: last }), indexRow({ id: testId(5), kind: "note" })], {
    fresh: true,
  });
  try {
    const found = await walk(4, 7);
    expect(found.orphans).toEqual(expect.arrayContaining([first, last]));
    const notes = createDifference(sources, GUILD, "note", 4);
    const page = await notes.page({ newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE }, 10);
    page.ticket.release();
    notes.close();
    expect(page.orphans).toEqual([testId(5)]);
    expect(page.records.map(({ stored, state }) => [stored.record.id, state])).toEqual([[note.id, "missing"]]);
  } finally {
    await index.removeIds([first, last]);
  }
});

test("a page's ticket is as old as the row keys it was compared with", async () => {
  const difference = createDifference(sources, GUILD, "message", 1_000);
  const first = await difference.page(EVERYTHING, 5);
  // Live indexing writes a record of the second page after the keys were read, before that page is.
  const missing = idsOf("missing")[0] ?? "0";
  await writer.write([indexRow({ id: missing, contentHash: "live" })], {
    ticket: writer.ticket(),
    fresh: false,
    isRun: false,
  });
  const second = await difference.page({ newestId: first.nextNewestId ?? "0", oldestId: FIRST_SNOWFLAKE }, 500);
  expect(second.records.find(({ stored }) => stored.record.id === missing)?.state).toBe("missing");
  const outcome = await writer.write([indexRow({ id: missing, contentHash: "backfill" })], {
    ticket: second.ticket,
    fresh: true,
    isRun: true,
  });
  expect(outcome.superseded).toEqual(new Set([missing]));
  expect((await index.rows([missing])).map((row) => row.contentHash)).toEqual(["live"]);
  first.ticket.release();
  second.ticket.release();
  difference.close();
  await index.removeIds([missing]);
});
