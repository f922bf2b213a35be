import { expect, test } from "vitest";
import { packRows, unpackRow } from "../../src/adapters/lancedb/packed-rows.ts";
import { joinSearchText } from "../../src/content-hash.ts";
import type { IndexRow } from "../../src/ports/vector-index.ts";
import { indexRow, unitVector } from "../support/index-store.ts";

const DIMENSIONS = 24;

function read(rows: readonly IndexRow[], searchTextOf: (row: IndexRow) => string = ({ searchText }) => searchText) {
  const { data, valueOffsets } = packRows(rows, DIMENSIONS);
  return rows.map((row, n) => unpackRow(data.subarray(valueOffsets[n], valueOffsets[n + 1]), searchTextOf(row)));
}

const rowOf = (row: Partial<IndexRow>) =>
  indexRow({ id: "1343714078748708976", vector: unitVector(3, DIMENSIONS), ...row });

test("a text that the search text tells is not kept twice, any other is", () => {
  const rows = [
    rowOf({ text: "it is 5 V", searchText: joinSearchText("why?", "Ada: ", "it is 5 V") }),
    rowOf({ text: "", searchText: "Ada" }),
    rowOf({ text: "two\nlines, 🦊 and <@1>", searchText: "two lines, and @Zoë" }),
    rowOf({ text: "short", searchText: "short" }),
  ];
  expect(read(rows).map(({ text }) => text)).toEqual(rows.map(({ text }) => text));
  const sizes = packRows(rows, DIMENSIONS).valueOffsets;
  expect([1, 2, 4].map((n) => (sizes[n] ?? 0) - (sizes[n - 1] ?? 0))).toEqual([68, 68, 68]);
});

test("a vector keeps its direction to a thousandth, whatever its length, and one of zeros stays so", () => {
  const vectors = [1, 2, 3].map((seed) => unitVector(seed, DIMENSIONS));
  const rows = [...vectors, ...vectors.map((vector) => vector.map((value) => value * 40))].map((vector) =>
    rowOf({ vector }),
  );
  for (const [n, { vector }] of read(rows).entries()) {
    const kept = rows[n]?.vector ?? new Float32Array();
    const dot = vector.reduce((sum, value, i) => sum + value * (kept[i] ?? 0), 0);
    expect(dot / Math.hypot(...vector) / Math.hypot(...kept)).toBeGreaterThan(0.9999);
    expect(Math.hypot(...vector) / Math.hypot(...kept)).toBeCloseTo(1, 2);
  }
  expect([...(read([rowOf({ vector: new Float32Array(DIMENSIONS) })])[0]?.vector ?? [])]).toEqual(
    new Array(DIMENSIONS).fill(0),
  );
});

test("a row whose neighbour's words were taken out has no neighbour any more; one that never had words of it still has", () => {
  const carrying = rowOf({ contextId: "77", searchText: joinSearchText("why?", "Ada: ", "5 V") });
  const silent = rowOf({ contextId: "77", searchText: joinSearchText("", "Ada: ", "5 V") });
  const own = () => joinSearchText("", "Ada: ", "5 V");
  expect(read([carrying, silent]).map(({ contextId }) => contextId)).toEqual(["77", "77"]);
  expect(read([carrying, silent], own).map(({ contextId }) => contextId)).toEqual([undefined, "77"]);
});
