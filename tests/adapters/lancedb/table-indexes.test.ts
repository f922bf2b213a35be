import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Table } from "@lancedb/lancedb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toArrow } from "../../../src/adapters/lancedb/columns.ts";
import { buildIndexes, indexCoverage } from "../../../src/adapters/lancedb/table-indexes.ts";
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
    await buildIndexes(table, DIMENSIONS, IS_REMOTE);
    return create.mock.calls.map(([column]) => column);
  }

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
});
