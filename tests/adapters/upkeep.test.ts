// The process that upkeep runs in, where it cannot be had.

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
