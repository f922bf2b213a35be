// What upkeep does to a table: compacts it, folds new rows into its indexes, drops old versions, and builds the indexes it lacks. Runs in the
// upkeep process (upkeep-process.ts).

import { Session } from "@lancedb/lancedb";
import { commit } from "./commit.ts";
import { diskBytes } from "./disk-bytes.ts";
import { closeHandle } from "./handles.ts";
import { connectTo, type IndexLocation } from "./location.ts";
import { buildIndexes, dropMostlyUnindexed, rebuildWordIndexes } from "./table-indexes.ts";
import { pruneBefore } from "./versions.ts";

/** Everything it takes to find the table and put it in order. */
export interface UpkeepJob {
  /** Of the database. */
  readonly location: IndexLocation;
  readonly table: string;
  readonly dimensions: number;
  /** Versions older than this go; tagged ones stay. Milliseconds. */
  readonly keepVersionsMs: number;
  /** See `UpkeepOptions`. */
  readonly erase?: "rebuild" | "sweep";
}

/** Each part of a table is read once. */
const CACHE_BYTES = 64n * 1024n * 1024n;

export async function putInOrder(job: UpkeepJob): Promise<void> {
  const isRemote = typeof job.location !== "string";
  const session = new Session(CACHE_BYTES, CACHE_BYTES);
  const database = await connectTo(job.location, session);
  const table = await database.openTable(job.table);
  try {
    await commit(table, () => dropMostlyUnindexed(table));
    if (job.erase === "rebuild") await commit(table, () => rebuildWordIndexes(table));
    const cleanupOlderThan = await pruneBefore(table, job.keepVersionsMs, () => diskBytes(job.location, job.table));
    await commit(table, () => table.optimize({ cleanupOlderThan, deleteUnverified: job.erase === "sweep" }));
    // Last: what is there while rows move together has to follow them, which costs as much as to be made.
    await commit(table, () => buildIndexes(table, job.dimensions, isRemote));
  } finally {
    closeHandle(table);
    closeHandle(database);
  }
}
