import type { Table } from "@lancedb/lancedb";
import { beforeEach, expect, test } from "vitest";
import { createKnown } from "../../../src/adapters/lancedb/known-of-version.ts";

let version: number;
let rows: number;
let asked: string[];
let fault: Error | undefined;

beforeEach(() => {
  [version, rows, asked, fault] = [1, 10, [], undefined];
});

const table = {
  version: async () => version,
  async countRows(where: string) {
    asked.push(where);
    if (fault !== undefined) throw fault;
    return rows;
  },
  async listIndices() {
    asked.push("indexes");
    return [{ columns: ["searchText"], numUnindexedRows: rows }];
  },
} as unknown as Table;

test("of one version, each filter is counted once, however many ask at a time, and the indexes are looked at once", async () => {
  const known = createKnown(table);
  const counts = await Promise.all(["a", "b", "a"].map(async (where) => (await known()).count(where)));
  expect(counts).toEqual([10, 10, 10]);
  expect(await (await known()).coverage()).toMatchObject({ unindexedRows: 10, textIndex: true });
  await (await known()).coverage();
  expect(asked).toEqual(["a", "b", "indexes"]);
});

test("the next version is asked anew, and whoever holds the former keeps its answers", async () => {
  const known = createKnown(table);
  const former = await known();
  expect(await former.count("a")).toBe(10);
  [version, rows] = [2, 12];
  expect(await (await known()).count("a")).toBe(12);
  expect(await former.count("a")).toBe(10);
  // Back again, as after a restore: what was known of it is not trusted.
  [version, rows] = [1, 9];
  expect(await (await known()).count("a")).toBe(9);
});

test("what could not be answered is asked again", async () => {
  const known = createKnown(table);
  fault = new Error("the store is away");
  await expect((await known()).count("a")).rejects.toThrow("away");
  fault = undefined;
  expect(await (await known()).count("a")).toBe(10);
});

test("a thousand filters are remembered at most", async () => {
  const { count } = await createKnown(table)();
  for (let n = 0; n < 1_000; n += 1) await count(`filter ${n}`);
  await count("filter 0");
  expect(asked).toHaveLength(1_000);
  await count("one more");
  await count("filter 0");
  expect(asked.slice(1_000)).toEqual(["one more", "filter 0"]);
});
