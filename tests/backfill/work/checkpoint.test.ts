// The checkpoint moves only over a contiguous prefix of finished batches, however out of order they finish. And what is sent when.

import { afterEach, expect, test } from "vitest";
import { isBalanced, type PaceName, totals } from "../../../src/backfill/run/run.ts";
import { CANARY } from "../../../src/embedding/canary.ts";
import { TransientError } from "../../../src/errors.ts";
import type { Ticket } from "../../../src/indexing/guild-index/changes.ts";
import type { Embedder } from "../../../src/ports/embedder.ts";
import { GUILD, history, hoursAgo, message, openSetup, type Setup, testEmbedder, until } from "../../support/engine.ts";

const RECORDS = 600;
/** What is sent of the archive: a canary goes along with one batch in many, and takes a place in its request. */
const withoutCanary = (texts: readonly string[]) => texts.filter((text) => text !== CANARY);
let setup: Setup;
afterEach(() => setup.close());

test("a batch that is late holds the checkpoint back, not the batches after it; when it comes all is booked at once", async () => {
  let answer: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const isLate = (text: string) => text.endsWith("token7");
  // A batch has 20; with the first goes a canary.
  const recordsLate = 19;
  const embedder: Embedder = testEmbedder(
    async (texts) => {
      if (isRunning && texts.some(isLate)) await late;
    },
    { textsPerRequest: 20, parallelRequests: 4 },
  );
  let isRunning = false;
  setup = await openSetup({ embedder });
  await setup.archive.save(GUILD, history(RECORDS), { pending: false });
  const { writer } = await setup.indexes.open(GUILD);
  const { write } = writer;
  const stored: { readonly durable: number; readonly read: number }[] = [];
  let durable = 0;
  writer.write = async (rows, options) => {
    const outcome = await write(rows, options);
    durable += rows.length;
    return outcome;
  };
  const { save } = setup.runStore;
  Object.assign(setup.runStore, {
    save: (...given: Parameters<typeof save>) => {
      isRunning = true;
      stored.push({ durable, read: totals(given[1]).read });
      return save(...given);
    },
  });

  await setup.start();
  await until(() => durable === RECORDS - recordsLate, "all but the late batch are in the index");
  expect(totals(await setup.run())).toMatchObject({ read: 0, embedded: 0 });
  expect((await setup.run()).phases[0]?.cursor).toBe((await setup.run()).phases[0]?.newestId);
  answer();
  const run = await setup.settled();
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, remaining: 0 });
  expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
  // Never was more booked than was durable.
  expect(stored.filter(({ durable, read }) => read > durable)).toEqual([]);
});

test("a page that could not be begun is given up with all it holds, and begun anew", async () => {
  setup = await openSetup({ embedder: testEmbedder() });
  await setup.archive.save(GUILD, [...history(60), message(hoursAgo(80), "no", { replyToId: "5" })], {
    pending: false,
  });
  const { writer } = await setup.indexes.open(GUILD);
  const { ticket } = writer;
  const open = new Set<Ticket>();
  writer.ticket = (at) => {
    const real = ticket(at);
    const counted = {
      ...real,
      release() {
        open.delete(counted);
        real.release();
      },
    };
    open.add(counted);
    return counted;
  };
  const { get } = setup.archive;
  let asked = 0;
  Object.assign(setup.archive, {
    async get(...given: Parameters<typeof get>) {
      if (given[2].includes("5")) asked += 1;
      // The first to ask is the analysis.
      if (asked === 2) throw new TransientError("the archive does not answer");
      return await get(...given);
    },
  });
  await setup.start();
  const run = await setup.impatiently(() => setup.settled());
  expect(setup.log.filter(({ event }) => event === "run:left")).toHaveLength(1);
  expect(totals(run)).toMatchObject({ read: 61, embedded: 61 });
  expect(open).toEqual(new Set());
});

/** What a run sends, request by request: the numbers of `history`. */
async function sentBy(textsPerRequest: number, pace: PaceName): Promise<number[][]> {
  const sent: number[][] = [];
  let isRunning = false;
  const embedder = testEmbedder(
    (texts) => {
      // What comes after all is embedded are the final check's questions.
      if (isRunning && sent.flat().length < RECORDS) {
        sent.push(withoutCanary(texts).map((text) => Number(/token(\d+)$/.exec(text)?.[1])));
      }
    },
    { textsPerRequest },
  );
  setup = await openSetup({ embedder });
  await setup.archive.save(GUILD, history(RECORDS), { pending: false });
  const { save } = setup.runStore;
  Object.assign(setup.runStore, {
    save: (...given: Parameters<typeof save>) => {
      isRunning = true;
      return save(...given);
    },
  });
  const run = await setup.impatiently(async () => {
    await setup.start({ pace });
    return await setup.settled();
  });
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS });
  return sent;
}

test("pages are read ahead, and their batches are sent page by page", async () => {
  const sent = await sentBy(20, "full");
  const full = (batches: number) => Array(batches).fill(20);
  // With the first goes a canary; the second is in line before that is known. The texts that it leaves no room for come last of their page.
  expect(sent.map((batch) => batch.length)).toEqual([19, 19, ...full(8), 2, ...full(10), ...full(10)]);
  expect(sent.map((batch) => Math.floor(Math.min(...batch) / 200))).toEqual([
    ...Array(11).fill(0),
    ...Array(10).fill(1),
    ...Array(10).fill(2),
  ]);
});

test("each batch is as large as the pace allows when it is sent, within a page too", async () => {
  const sent = await sentBy(400, "auto");
  expect(sent.map((batch) => batch.length)).toEqual([100, 175, 250, 75]);
});
