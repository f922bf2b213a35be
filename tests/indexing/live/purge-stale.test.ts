// What is taken out of the index at once, however much it is.

import { afterEach, expect, test } from "vitest";
import { createStalePurge } from "../../../src/indexing/live/purge-stale.ts";
import { recordingLogger } from "../../support/archive.ts";
import { GUILD, history, hoursAgo, message, openSetup, type Setup, testEmbedder } from "../../support/engine.ts";

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

test("what was left over is looked through once a lease, and again when that failed", async () => {
  setup = await openSetup({ embedder: testEmbedder() });
  const { archive, ownership } = setup;
  const { logger, complaints } = recordingLogger();
  let [looks, isAway] = [0, true];
  const purge = createStalePurge({
    ...setup,
    archive: {
      ...archive,
      async pending(...given) {
        looks += 1;
        if (isAway) throw new Error("the archive is away");
        return await archive.pending(...given);
      },
    },
    logger,
  });
  await purge.ofLeftOver(GUILD);
  expect([looks, complaints.length]).toEqual([1, 1]);
  isAway = false;
  await purge.ofLeftOver(GUILD);
  await purge.ofLeftOver(GUILD);
  expect(looks).toBe(2);
  await ownership.release(GUILD);
  await purge.ofLeftOver(GUILD);
  await purge.ofMarked(GUILD);
  expect(looks).toBe(2);
  await ownership.claim(GUILD);
  await purge.ofLeftOver(GUILD);
  expect([looks, complaints.length]).toEqual([3, 1]);
});

test("rows that say what the archive says stay, with their vectors; those of another text, or of none, go", async () => {
  setup = await openSetup({ embedder: testEmbedder() });
  const [same, edited, gone, neighbour] = [4, 3, 2, 1].map((n) => message(hoursAgo(0, n), `text ${n}`));
  if (!same || !edited || !gone || !neighbour) throw new Error("no records");
  const records = [same, edited, gone, neighbour];
  await setup.archive.save(GUILD, records, { pending: true });
  setup.live.kick(GUILD);
  await setup.live.idle(GUILD);
  const { index } = await setup.indexes.open(GUILD);
  const vectorOf = async (id: string) => (await index.rows([id]))[0]?.vector;
  const before = await vectorOf(same.id);
  await setup.archive.save(GUILD, [{ ...edited, content: "other words" }], { pending: true });
  await setup.archive.remove(GUILD, "message", [gone.id]);
  const { logger } = recordingLogger();
  await createStalePurge({ ...setup, logger }).of(
    GUILD,
    records.map(({ id }) => id),
  );
  expect((await index.holds(records.map(({ id }) => id))).sort()).toEqual([neighbour.id, same.id]);
  expect(await vectorOf(same.id)).toEqual(before);
  const words = (await index.rows([same.id])).map(({ searchText }) => searchText).join();
  expect(words).toContain("other words");
  expect(words).not.toContain("text 3");
});
