// What upkeep does to a table, and in which order. In this process; tests/scenarios/upkeep.test.ts has the real one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Table } from "@lancedb/lancedb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toArrow } from "../../../src/adapters/lancedb/columns.ts";
import { putInOrder } from "../../../src/adapters/lancedb/upkeep-work.ts";
import { tallSpace, upkeepRows } from "../../support/upkeep-rows.ts";

const { dimensions } = tallSpace;
/** Enough for a vector index of vectors as long as these. */
const ROWS = 10_400;
const INDEXED = ["accessChannelId", "authorId", "channelId", "contextId", "id", "kind", "ngrams", "ownerId", "runId"];
const COLUMNS = [...INDEXED, "searchText", "tags", "vector"];

let folder: string;
let table: Table;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-upkeep-work-"));
  table = await (await connect(folder)).createTable("rows", toArrow(upkeepRows(1, ROWS), dimensions));
});
afterEach(async () => {
  vi.restoreAllMocks();
  table.close();
  await rm(folder, { recursive: true });
});

/** @returns what it did to the table, in order */
async function upkeep(): Promise<string[]> {
  const done: string[] = [];
  const any = Object.getPrototypeOf(table) as Table;
  const { optimize, createIndex, dropIndex } = any;
  vi.spyOn(any, "optimize").mockImplementation(function (this: Table, ...given) {
    done.push("compact");
    return optimize.apply(this, given);
  });
  vi.spyOn(any, "createIndex").mockImplementation(function (this: Table, ...given) {
    done.push(`build ${given[0]}`);
    return createIndex.apply(this, given);
  });
  vi.spyOn(any, "dropIndex").mockImplementation(function (this: Table, ...given) {
    done.push(`drop ${given[0]}`);
    return dropIndex.apply(this, given);
  });
  await putInOrder({ location: folder, table: "rows", dimensions, keepVersionsMs: 0 });
  vi.restoreAllMocks();
  await table.checkoutLatest();
  return done;
}

const indexedColumns = async () => (await table.listIndices()).flatMap(({ columns }) => columns).sort();

test("moves rows before it builds the indexes that would have to follow them, and has them all in the end", async () => {
  const [first, ...others] = await upkeep();
  expect(first).toBe("compact");
  expect(others.map((done) => done.replace(/^build /, "")).sort()).toEqual(COLUMNS);
  expect(await indexedColumns()).toEqual(COLUMNS);
  await table.add(toArrow(upkeepRows(50_000, 300), dimensions));
  expect(await upkeep()).toEqual(["compact"]);
});

test("drops a vector index that most rows are not in before it moves them, and builds it again, of all rows", async () => {
  await upkeep();
  await table.add(toArrow(upkeepRows(50_000, ROWS + 100), dimensions));
  expect(await upkeep()).toEqual(["drop vector_idx", "compact", "build vector"]);
  expect(await indexedColumns()).toEqual(COLUMNS);
  expect(await table.indexStats("vector_idx")).toMatchObject({ numIndexedRows: 2 * ROWS + 100, numUnindexedRows: 0 });
});
