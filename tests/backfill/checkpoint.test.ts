// The checkpoint moves only over a contiguous prefix of finished batches, however out of order they finish.

import { afterEach, expect, test } from "vitest";
import { isBalanced, totals } from "../../src/backfill/run.ts";
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
