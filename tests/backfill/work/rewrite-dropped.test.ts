// What a run makes of rows that the writer dropped because it was told of a change meanwhile.

import { afterEach, beforeEach, expect, test } from "vitest";
import { totals } from "../../../src/backfill/run/run.ts";
import type { IndexRow } from "../../../src/ports/vector-index.ts";
import { channel, GUILD, history, message, openSetup, type Setup } from "../../support/engine.ts";

const RECORDS = 60;
const records = history(RECORDS);
let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ textsPerRequest: 20 });
  await setup.archive.save(GUILD, records, { pending: false });
});
afterEach(() => setup.close());

/** Lets something happen between the reading of records and the writing of their rows, each time. */
async function beforeWrites(happen: (rows: readonly IndexRow[]) => Promise<void>): Promise<void> {
  const { writer } = await setup.indexes.open(GUILD);
  const { write } = writer;
  writer.write = async (rows, options) => {
    await happen(rows);
    return await write(rows, options);
  };
}

test.each([
  ["", 1],
  ["again and again ", 3],
])("records that only seemed to have changed %sare written all the same, and counted as embedded", async (_, times) => {
  const { writer } = await setup.indexes.open(GUILD);
  let told = 0;
  await beforeWrites(async (rows) => {
    if (told === times || !rows.some(({ id }) => id === records[0]?.id)) return;
    writer.changed(rows.map(({ id }) => id));
    told += 1;
  });
  await setup.start();
  const run = await setup.settled();
  expect(told).toBe(times);
  expect(run).toMatchObject({ status: "succeeded", skippedBy: {} });
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, skipped: 0 });
  expect((await setup.rows()).size).toBe(RECORDS);
  expect(await setup.archive.pending(GUILD, 1)).toEqual([]);
});

test("those that seem to change without end are left to live indexing, and told so", async () => {
  const { writer } = await setup.indexes.open(GUILD);
  await beforeWrites(async (rows) => {
    if (rows.every(({ runId }) => runId !== undefined)) writer.changed(rows.map(({ id }) => id));
  });
  await setup.start();
  const run = await setup.settled();
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: 0, skipped: RECORDS });
  await setup.live.idle();
  expect((await setup.rows()).size).toBe(RECORDS);
  expect(await setup.archive.pending(GUILD, 1)).toEqual([]);
});

test("one that was really edited is left to live indexing, and rows beside it get its new words", async () => {
  const heard = records.find(({ content }) => content.includes("number 20 "));
  if (heard === undefined) throw new Error("no such record");
  let isEdited = false;
  await beforeWrites(async () => {
    if (isEdited) return;
    isEdited = true;
    const edited = message(heard.id, "completely different", { channelId: heard.channelId, editedAt: Date.now() });
    await setup.live.messageSaved(GUILD, edited, channel(heard.channelId));
  });
  await setup.start();
  const run = await setup.settled();
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, quarantined: 0 });
  const { index } = await setup.indexes.open(GUILD);
  const rows = await index.rows(records.map(({ id }) => id));
  expect(rows).toHaveLength(RECORDS);
  expect(rows.find(({ id }) => id === heard.id)?.text).toBe("completely different");
  expect(rows.filter(({ searchText }) => searchText.includes("number 20 "))).toEqual([]);
  expect(rows.find(({ contextId }) => contextId === heard.id)?.searchText).toContain("completely different");
});
