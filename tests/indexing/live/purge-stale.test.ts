// What is taken out of the index at once, however much it is.

import { afterEach, expect, test } from "vitest";
import { createStalePurge } from "../../../src/indexing/live/purge-stale.ts";
import { recordingLogger } from "../../support/archive.ts";
import { GUILD, type House, history, openHouse, testEmbedder } from "../../support/engine.ts";

let house: House;
afterEach(() => house.close());

test("thousands of marks are looked through in parts, so that few rows are in memory at once", async () => {
  house = await openHouse({ embedder: testEmbedder() });
  const records = history(1_100);
  await house.archive.save(GUILD, records, { pending: true });
  house.live.kick(GUILD);
  await house.live.idle(GUILD);
  const { index } = await house.indexes.open(GUILD);
  expect(await index.count()).toBe(records.length);
  const { rows } = index;
  const asked: number[] = [];
  Object.assign(index, {
    rows(...given: Parameters<typeof rows>) {
      asked.push(given[0].length);
      return rows(...given);
    },
  });
  const ids = records.map(({ id }) => id);
  await house.archive.remove(GUILD, "message", ids);
  const { logger, complaints } = recordingLogger();
  await createStalePurge({ ...house, logger }).ofMarked(GUILD);
  expect(complaints).toEqual([]);
  expect(Math.max(...asked)).toBeLessThanOrEqual(500);
  expect(await index.count()).toBe(0);
});
