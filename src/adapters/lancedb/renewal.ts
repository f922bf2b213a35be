// Removed rows stay in their file until the rows beside them are moved to another: LanceDB only notes that they are gone, and its
// compaction lets a file be until a tenth of it is.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Table } from "@lancedb/lancedb";
import type { IndexLocation } from "./location.ts";
import { objectsOf } from "./objects.ts";

/** Moved in one commit: some megabytes. */
const ROWS_AT_ONCE = 10_000;
/** A row's id is its file's number and its place in it. */
const ROWS_OF_PART = 2 ** 32;

/**
 * Numbers of the files in which rows have been removed, in any version that is still there: each has a file that says which, named after
 * it ("12-7-123.arrow").
 */
export async function partsWithRemovedRows(location: IndexLocation, table: string): Promise<number[]> {
  const folder = `${table}.lance/_deletions`;
  const names =
    typeof location === "string"
      ? await readdir(join(location, folder)).catch((thrown: NodeJS.ErrnoException) => {
          // Nothing was ever removed.
          if (thrown.code === "ENOENT") return [];
          throw thrown;
        })
      : (await objectsOf(location).list(folder)).map(({ path }) => path.split("/").at(-1) ?? "");
  const parts = names.map((name) => Number(/^(\d+)-/.exec(name)?.[1])).filter(Number.isSafeInteger);
  return [...new Set(parts)].sort((one, other) => one - other);
}

/** A filter for some of the rows that are still in a part; undefined: there are none. */
export async function firstRowsOf(table: Table, part: number): Promise<string | undefined> {
  const from = BigInt(part) * BigInt(ROWS_OF_PART);
  const within = `_rowid >= ${from} AND _rowid < ${from + BigInt(ROWS_OF_PART)}`;
  const found = (await table.query().where(within).select(["id"]).withRowId().limit(1).toArray()) as {
    readonly _rowid: bigint | number;
  }[];
  const [first] = found;
  if (first === undefined) return undefined;
  const start = BigInt(first._rowid);
  const end = start + BigInt(ROWS_AT_ONCE);
  const partEnd = from + BigInt(ROWS_OF_PART);
  return `_rowid >= ${start} AND _rowid < ${end < partEnd ? end : partEnd}`;
}
