// The checkpoint moves only over a contiguous prefix of finished batches, however out of order they finish. And what is sent when.

import { afterEach, expect, test } from "vitest";
import { isBalanced, type PaceName, totals } from "../../src/backfill/run.ts";
import type { Embedder } from "../../src/ports.ts";
import { GUILD, type House, history, openHouse, testEmbedder, until } from "../support/engine.ts";

const RECORDS = 600;
let house: House;
afterEach(() => house.close());

test("a batch that is late holds the checkpoint back, not the batches after it; when it comes all is booked at once", async () => {
  let answer: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const isLate = (text: string) => text.endsWith("token7");
  const embedder: Embedder = testEmbedder(
    async (texts) => {
      if (isRunning && texts.some(isLate)) await late;
    },
    { textsPerRequest: 20, parallelRequests: 4 },
  );
  let isRunning = false;
  house = await openHouse({ embedder });
  await house.archive.save(GUILD, history(RECORDS), { pending: false });
  const { writer } = await house.indexes.open(GUILD);
  const { write } = writer;
  const stored: { readonly durable: number; readonly read: number }[] = [];
  let durable = 0;
  writer.write = async (rows, options) => {
    const outcome = await write(rows, options);
    durable += rows.length;
    return outcome;
  };
  const { save } = house.runStore;
  Object.assign(house.runStore, {
    save: (...given: Parameters<typeof save>) => {
      isRunning = true;
      stored.push({ durable, read: totals(given[1]).read });
      return save(...given);
    },
  });

  await house.start();
  await until(() => durable === RECORDS - 20, "all but the late batch are in the index");
  expect(totals(await house.run())).toMatchObject({ read: 0, embedded: 0 });
  expect((await house.run()).phases[0]?.cursor).toBe((await house.run()).phases[0]?.newestId);
  answer();
  const run = await house.settled();
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, remaining: 0 });
  expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
  // Never was more booked than was durable.
  expect(stored.filter(({ durable, read }) => read > durable)).toEqual([]);
});

/** What a run sends, request by request: the numbers of `history`. */
async function sentBy(textsPerRequest: number, pace: PaceName): Promise<number[][]> {
  const sent: number[][] = [];
  let isRunning = false;
  const embedder = testEmbedder(
    (texts) => {
      // What comes after all is embedded are the final check's questions.
      if (isRunning && sent.flat().length < RECORDS) {
        sent.push(texts.map((text) => Number(/token(\d+)$/.exec(text)?.[1])));
      }
    },
    { textsPerRequest },
  );
  house = await openHouse({ embedder });
  await house.archive.save(GUILD, history(RECORDS), { pending: false });
  const { save } = house.runStore;
  Object.assign(house.runStore, {
    save: (...given: Parameters<typeof save>) => {
      isRunning = true;
      return save(...given);
    },
  });
  const run = await house.impatiently(async () => {
    await house.start({ pace });
    return await house.settled();
  });
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS });
  return sent;
}

test("pages are read ahead, and their batches are sent page by page", async () => {
  const sent = await sentBy(20, "full");
  expect(sent.every((batch) => batch.length === 20)).toBe(true);
  expect(sent.map((batch) => Math.floor(Math.min(...batch) / 200))).toEqual(
    [0, 1, 2].flatMap((page) => Array(10).fill(page)),
  );
});

test("each batch is as large as the pace allows when it is sent, within a page too", async () => {
  const sent = await sentBy(400, "auto");
  expect(sent.map((batch) => batch.length)).toEqual([100, 175, 250, 75]);
});
