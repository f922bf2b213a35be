import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Table } from "@lancedb/lancedb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toArrow } from "../../../src/adapters/lancedb/columns.ts";
import {
  buildIndexes,
  dropMostlyUnindexed,
  indexCoverage,
  upkeepCoverage,
} from "../../../src/adapters/lancedb/table-indexes.ts";
import { indexRow } from "../../support/index-store.ts";

const DIMENSIONS = 8;
const IS_REMOTE = true;

describe("the vector index", () => {
  let folder: string;
  let table: Table;
  let serial = 0;
  const rows = (count: number) =>
    toArrow(
      Array.from({ length: count }, () => {
        serial += 1;
        const vector = Float32Array.from({ length: DIMENSIONS }, (_, i) => Math.sin(serial * (i + 1)));
        return indexRow({ id: String(serial), vector });
      }),
      DIMENSIONS,
    );
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "backscroll-indexes-"));
    table = await (await connect(folder)).createTable("rows", rows(10_000));
    await buildIndexes(table, DIMENSIONS, IS_REMOTE);
  });
  afterEach(async () => {
    table.close();
    await rm(folder, { recursive: true });
  });

  async function builtAgain(): Promise<string[]> {
    const create = vi.spyOn(table, "createIndex");
    await dropMostlyUnindexed(table);
    await buildIndexes(table, DIMENSIONS, IS_REMOTE);
    return create.mock.calls.map(([column]) => column);
  }
  const coverage = () => upkeepCoverage(table, DIMENSIONS, IS_REMOTE);

  it("stays where most rows are in it, for the others to be folded in", async () => {
    await table.add(rows(9_900));
    expect(await builtAgain()).toEqual([]);
    expect((await indexCoverage(table)).unindexedRows).toBe(9_900);
  });

  it("is made anew, of all rows, where most are not in it", async () => {
    await table.add(rows(10_100));
    expect(await builtAgain()).toEqual(["vector"]);
    expect(await table.indexStats("vector_idx")).toMatchObject({ numIndexedRows: 20_100, numUnindexedRows: 0 });
  });

  it("is missed by upkeep where it is to be and is not, as any other: then all rows are still to be indexed", async () => {
    expect(await coverage()).toMatchObject({ unindexedRows: 0, vectorIndex: true });
    for (const name of ["vector_idx", "runId_idx"]) {
      await table.dropIndex(name);
      expect((await coverage()).unindexedRows).toBe(10_000);
      expect((await indexCoverage(table)).unindexedRows).toBe(0);
      await buildIndexes(table, DIMENSIONS, IS_REMOTE);
      expect((await coverage()).unindexedRows).toBe(0);
    }
  });

  it("is not missed where there are too few rows for it, nor an index of a column that the table lacks", async () => {
    await table.dropIndex("vector_idx");
    expect((await upkeepCoverage(table, DIMENSIONS, !IS_REMOTE)).unindexedRows).toBe(0);
    await buildIndexes(table, DIMENSIONS, IS_REMOTE);
    await table.dropColumns(["tags"]);
    expect((await coverage()).unindexedRows).toBe(0);
  });
});
