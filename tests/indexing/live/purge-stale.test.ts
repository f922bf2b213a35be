// What is taken out of the index at once, however much it is.

import { afterEach, expect, test } from "vitest";
import { createStalePurge } from "../../../src/indexing/live/purge-stale.ts";
import { recordingLogger } from "../../support/archive.ts";
import { GUILD, history, openSetup, type Setup, testEmbedder } from "../../support/engine.ts";

let setup: Setup;
afterEach(() => setup.close());

test("thousands of marks are looked through in parts, so that few rows are in memory at once", async () => {
  setup = await openSetup({ embedder: testEmbedder() });
  const records = history(1_100);
  await setup.archive.save(GUILD, records, { pending: true });
  setup.live.kick(GUILD);
  await setup.live.idle(GUILD);
  const { index } = await setup.indexes.open(GUILD);
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
  await setup.archive.remove(GUILD, "message", ids);
  const { logger, complaints } = recordingLogger();
  await createStalePurge({ ...setup, logger }).ofMarked(GUILD);
  expect(complaints).toEqual([]);
  expect(Math.max(...asked)).toBeLessThanOrEqual(500);
  expect(await index.count()).toBe(0);
});
