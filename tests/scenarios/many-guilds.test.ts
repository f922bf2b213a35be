// One process for many guilds: what it keeps open stays bounded, and nobody waits behind a large one. Ten thousand are measured in
// bench/parts/guilds.ts.

import { afterEach, expect, test } from "vitest";
import { noCounters, type Run } from "../../src/backfill/run/run.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import { channel, history, hoursAgo, message, openSetup, type Setup, testEmbedder, until } from "../support/engine.ts";

const MANY = 300;
/** See open-indexes.ts. */
const MOST_OPEN = 128;
const PATIENCE_MS = 120_000;

let setup: Setup;
afterEach(() => setup.close());

const guildId = (n: number): Snowflake => String(1_000 + n);
const guilds = (count: number) => Array.from({ length: count }, (_, n) => guildId(n));

test(`what was left undone in ${MANY} guilds is done, with few tables open at any time`, async () => {
  setup = await openSetup({ embedder: testEmbedder(), claim: false });
  const all = guilds(MANY);
  for (const id of all) await setup.archive.save(id, [message(hoursAgo(1), `hello from ${id}`)], { pending: true });
  let mostOpen = 0;
  setup.indexes.onChange(() => {
    mostOpen = Math.max(mostOpen, setup.indexes.openTables);
  });
  await setup.ownership.claim(...all);
  expect(all.every((id) => setup.ownership.mayCommit(id))).toBe(true);
  await until(async () => (await setup.archive.marked()).length === 0, "all is searchable", PATIENCE_MS);
  await setup.live.idle();
  for (const id of all) expect(await (await setup.indexes.open(id)).index.count()).toBe(1);
  // A message in each, all at once.
  await Promise.all(all.map((id) => setup.live.messageSaved(id, message(hoursAgo(0), "and again"), channel("10"))));
  await setup.live.idle();
  for (const id of all) expect(await (await setup.indexes.open(id)).index.count()).toBe(2);
  expect(mostOpen).toBeGreaterThan(MOST_OPEN / 2);
  expect(setup.indexes.openTables).toBeLessThanOrEqual(MOST_OPEN);
}, 240_000);

test("of many backfills at once the small ones are done long before the large one, however early that came", async () => {
  setup = await openSetup({ embedder: testEmbedder(() => {}, { textsPerRequest: 10 }), claim: false });
  const [large = "", ...small] = guilds(31);
  const left = async (id: Snowflake, records: number) => {
    await setup.archive.save(id, history(records), { pending: false });
    const saved = await setup.runStore.save(id, interrupted(id, records), undefined);
    expect(typeof saved).toBe("object");
  };
  await left(large, 8_000);
  for (const id of small) await left(id, 30);
  /** In the order in which all of a guild's pages were settled. */
  const done: Snowflake[] = [];
  const { save } = setup.runStore;
  setup.runStore.save = (id, run, ...rest) => {
    const isDone = run.phases.every(({ cursor }) => cursor === undefined);
    if (isDone && !done.includes(id)) done.push(id);
    return save(id, run, ...rest);
  };
  await setup.ownership.claim(large, ...small);
  await until(() => done.length === small.length + 1, "all are done", PATIENCE_MS);
  expect(done.at(-1)).toBe(large);
  for (const id of [large, ...small]) await setup.engine.done(id);
  for (const id of small) expect((await setup.runStore.load(id))?.value.status).toBe("succeeded");
}, 240_000);

/** As a process leaves it that ends before it has begun. */
function interrupted(id: Snowflake, records: number): Run {
  const [newestId, oldestId] = [hoursAgo(0), hoursAgo(records + 1)];
  return {
    version: 1,
    id: `run-${id}`,
    guildId: id,
    status: "interrupted",
    reason: { kind: "process-stopped" },
    statusAt: 0,
    startedAt: 0,
    startedBy: "1",
    cutoffId: newestId,
    pace: "full",
    source: "archive",
    phases: [
      { name: "recent", kind: "message", newestId, oldestId, planned: records, cursor: newestId, counters: noCounters },
    ],
    runningMs: 0,
    skippedBy: {},
    batches: { sent: 0, failed: 0 },
    fingerprint: setup.indexes.space.fingerprint,
    indexTag: "t",
  };
}
