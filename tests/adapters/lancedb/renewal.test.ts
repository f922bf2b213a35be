// Removed rows, and the files that hold them.

import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { connect } from "@lancedb/lancedb";
import { afterEach, beforeEach, expect, test } from "vitest";
import { firstRowsOf, partsWithRemovedRows } from "../../../src/adapters/lancedb/renewal.ts";
import { temporaryFolder } from "../../support/backscroll.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../../support/index-store.ts";
import { listenForTest } from "../../support/listen.ts";

const TABLE = "g1_test-8";

test("parts are told by the names of the files that say what was removed: once each, in order, and no others", async () => {
  const folder = await temporaryFolder();
  expect(await partsWithRemovedRows(folder, TABLE)).toEqual([]);
  const deletions = join(folder, `${TABLE}.lance`, "_deletions");
  await mkdir(deletions, { recursive: true });
  const names = ["12-7-123.arrow", "2-9-4.bin", "12-8-55.arrow", "0-1-1.arrow", "README", "x3-1-1.arrow", "7.arrow"];
  for (const name of names) await writeFile(join(deletions, name), "");
  expect(await partsWithRemovedRows(folder, TABLE)).toEqual([0, 2, 12]);
});

test("a place that cannot be looked at is not taken for one where nothing was removed", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, `${TABLE}.lance`));
  await writeFile(join(folder, `${TABLE}.lance`, "_deletions"), "no folder");
  await expect(partsWithRemovedRows(folder, TABLE)).rejects.toThrow("ENOTDIR");
});

test("in an object store they are listed, of that table alone", async () => {
  const asked: string[] = [];
  const keys = ["5-1-1.arrow", "3-1-1.arrow"].map((name) => `backscroll/${TABLE}.lance/_deletions/${name}`);
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? "", "http://store").searchParams.get("prefix") ?? "");
    const entries = keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`);
    response.end(`<ListBucketResult>${entries.join("")}</ListBucketResult>`);
  });
  const endpoint = await listenForTest(server);
  const store = { uri: "s3://bucket/backscroll", accessKey: "key", secretKey: "secret", endpoint };
  expect(await partsWithRemovedRows(store, TABLE)).toEqual([3, 5]);
  expect(asked).toEqual([`backscroll/${TABLE}.lance/_deletions/`]);
});

let temp: TempIndexStore;
beforeEach(async () => {
  temp = await openTempIndexStore();
});
afterEach(() => temp.close());

test("a part's rows are moved ten thousand at a time, and those of its neighbours are left alone", async () => {
  const index = await temp.store.open("1", testSpace);
  const rows = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => indexRow({ id: String(from + n) }));
  await index.write(rows(1_000, 5), { fresh: true });
  await index.write(rows(20_000, 10_000), { fresh: true });
  await index.write(rows(50_000, 5), { fresh: true });
  const database = await connect(temp.folder);
  const table = await database.openTable(TABLE);
  const idsIn = async (where: string | undefined) => {
    const found = (await table
      .query()
      .where(where ?? "false")
      .select(["id"])
      .toArray()) as { id: bigint }[];
    return found.map(({ id }) => Number(id)).sort((one, other) => one - other);
  };
  expect(await idsIn(await firstRowsOf(table, 0))).toEqual([1_000, 1_001, 1_002, 1_003, 1_004]);
  expect(await idsIn(await firstRowsOf(table, 1))).toEqual(rows(20_000, 10_000).map(({ id }) => Number(id)));
  expect(await idsIn(await firstRowsOf(table, 2))).toHaveLength(5);
  expect(await firstRowsOf(table, 3)).toBeUndefined();
  // What is gone from its beginning is not looked at again and again.
  await index.removeIds(["20000", "20001"]);
  await table.checkoutLatest();
  expect((await idsIn(await firstRowsOf(table, 1)))[0]).toBe(20_002);
  table.close();
  database.close();
});
