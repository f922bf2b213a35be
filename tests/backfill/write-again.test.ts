// What a run makes of rows that the writer dropped because it was told of a change meanwhile.

import { afterEach, beforeEach, expect, test } from "vitest";
import { totals } from "../../src/backfill/run.ts";
import type { IndexRow } from "../../src/ports.ts";
import { channel, GUILD, type House, history, message, openHouse } from "../support/engine.ts";

const RECORDS = 60;
const records = history(RECORDS);
let house: House;
beforeEach(async () => {
  house = await openHouse({ textsPerRequest: 20 });
  await house.archive.save(GUILD, records, { pending: false });
});
afterEach(() => house.close());

/** Lets something happen between the reading of a batch's records and the writing of its rows, for the first batch. */
async function beforeFirstWrite(happen: (rows: readonly IndexRow[]) => Promise<void>): Promise<void> {
  const { writer } = await house.indexes.open(GUILD);
  const { write } = writer;
  writer.write = async (rows, options) => {
    writer.write = write;
    await happen(rows);
    return await write(rows, options);
  };
}

test("records that only seemed to have changed are written all the same, and counted as embedded", async () => {
  const { writer } = await house.indexes.open(GUILD);
  let told = 0;
  await beforeFirstWrite(async (rows) => {
    writer.changed(rows.map(({ id }) => id));
    told = rows.length;
  });
  await house.start();
  const run = await house.settled();
  expect(told).toBeGreaterThan(0);
  expect(run).toMatchObject({ status: "succeeded", skippedBy: {} });
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, skipped: 0 });
  expect((await house.rows()).size).toBe(RECORDS);
  expect(await house.archive.pending(GUILD, 1)).toEqual([]);
});

test("one that was really edited is left to live indexing, and rows beside it get its new words", async () => {
  const heard = records.find(({ content }) => content.includes("number 20 "));
  if (heard === undefined) throw new Error("no such record");
  await beforeFirstWrite(async () => {
    const edited = message(heard.id, "completely different", { channelId: heard.channelId, editedAt: Date.now() });
    await house.live.messageSaved(GUILD, edited, channel(heard.channelId));
  });
  await house.start();
  const run = await house.settled();
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, quarantined: 0 });
  const { index } = await house.indexes.open(GUILD);
  const rows = await index.rows(records.map(({ id }) => id));
  expect(rows).toHaveLength(RECORDS);
  expect(rows.find(({ id }) => id === heard.id)?.text).toBe("completely different");
  expect(rows.filter(({ searchText }) => searchText.includes("number 20 "))).toEqual([]);
  expect(rows.find(({ contextId }) => contextId === heard.id)?.searchText).toContain("completely different");
});
