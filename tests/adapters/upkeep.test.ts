// The process that upkeep runs in, where it cannot be had, or was broken off.

import { connect } from "@lancedb/lancedb";
import { afterEach, expect, test } from "vitest";
import { putInOrder } from "../../src/indexing/guild-index/upkeep.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../support/index-store.ts";

const { execPath } = process;
let temp: TempIndexStore;
afterEach(async () => {
  process.execPath = execPath;
  await temp.close();
});

test("upkeep whose process cannot be started fails, and the next one starts another", async () => {
  temp = await openTempIndexStore();
  const index = await temp.store.open("1", testSpace);
  await index.write([indexRow({ id: "1" })], { fresh: true });
  const never = new AbortController().signal;
  process.execPath = "/nowhere/node";
  await expect(putInOrder(index, never)).rejects.toThrow(/ENOENT/);
  process.execPath = execPath;
  await putInOrder(index, never);
  expect(await index.stats()).toMatchObject({ rows: 1, unindexedRows: 0 });
});

test("upkeep that was broken off before it built the indexes shows as rows to be indexed, and the next one builds them", async () => {
  temp = await openTempIndexStore();
  const index = await temp.store.open("1", testSpace);
  const rows = Array.from({ length: 2_000 }, (_, n) => indexRow({ id: String(1_000 + n) }));
  await index.write(rows, { fresh: true });
  const table = await (await connect(temp.folder)).openTable("g1_test-8");
  // As far as it had come.
  await table.optimize();
  await index.refresh();
  expect(await index.stats()).toMatchObject({ unindexedRows: 2_000, fragments: 1 });
  await putInOrder(index, new AbortController().signal);
  expect(await index.stats()).toMatchObject({ unindexedRows: 0 });
  await table.checkoutLatest();
  expect((await table.listIndices()).flatMap(({ columns }) => columns)).toContain("runId");
  table.close();
});
