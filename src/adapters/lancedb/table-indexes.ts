// Which indexes a table has, and how each is built. The full-text index exists from the first moment (LanceDB then also finds
// rows that are not in it yet, by scanning them); the vector index waits for enough rows.

import { Index, type IndexConfig, type Table } from "@lancedb/lancedb";

/** Below this an exact search is as fast as an index, ... */
const EXACT_ROWS = 50_000;
/** ... unless the vectors are long: a million numbers compared take 4 ms of CPU, so this is 50 ms. */
const EXACT_NUMBERS = 12_800_000;
/** What an index needs to learn from. */
const TRAINING_ROWS = 10_000;

/**
 * IVF_RQ: recall of PQ and HNSW at a fraction of their building time. With one bit a number, as by default, 300 rows a search must be compared
 * again by their full vectors, which costs more than all else. A search looks into all partitions, so it is no use to find the best ones: with
 * 50 rounds over 256 rows a partition, as by default, recall is the same and building takes half as long again. Partitions stay at LanceDB's
 * 4,096 rows: beyond four times that it splits them when rows are folded in, which costs as much as the index did.
 */
const VECTOR_INDEX = { distanceType: "cosine", numBits: 4, maxIterations: 8, sampleRate: 64 } as const;

/** For `id IN (…)` and ranges of ids, and for finding the rows that hold a neighbour's words. */
const BTREES = ["id", "contextId"];
/**
 * What searches filter by. `ownerId` is null almost everywhere: as a bitmap "is null" costs 1 ms, as a B-tree 6. Without an index
 * on `runId`, looking for what is not indexed yet costs 30 ms at a million rows.
 */
const BITMAPS = ["accessChannelId", "channelId", "authorId", "ownerId", "kind", "runId"];
/** For rows that have one of some tags: 1 ms among 200,000 rows, without it 9. */
const LABEL_LISTS = ["tags"];

/**
 * Words are split by Unicode's rules with dictionaries (Chinese, Japanese, Thai) and at punctuation ("github.com" is two words),
 * then stemmed as English. Stop words stay and positions are kept, for phrases.
 */
export async function buildTextIndex(table: Table): Promise<void> {
  const config = Index.fts({
    baseTokenizer: "icu/split",
    language: "English",
    stem: true,
    lowercase: true,
    asciiFolding: true,
    removeStopWords: false,
    withPosition: true,
    // A token of 40 bytes or more would be in no index: a commit's hash, a wallet's address, a long word in Cyrillic.
    maxTokenLength: 400,
  });
  await table.createIndex("searchText", { config });
}

/** Of n-grams, which come with spaces between and folded. Their order is in themselves. */
export async function buildNgramIndex(table: Table): Promise<void> {
  const config = Index.fts({
    baseTokenizer: "whitespace",
    stem: false,
    lowercase: false,
    asciiFolding: false,
    removeStopWords: false,
    withPosition: false,
  });
  await table.createIndex("ngrams", { config });
}

/** Those that hold words of rows: what was removed stays in them when rows are folded in. */
export async function rebuildWordIndexes(table: Table): Promise<void> {
  const present = new Set((await table.listIndices()).flatMap((index) => index.columns));
  if (present.has("searchText")) await buildTextIndex(table);
  if (present.has("ngrams")) await buildNgramIndex(table);
  for (const column of LABEL_LISTS)
    if (present.has(column)) await table.createIndex(column, { config: Index.labelList() });
}

/**
 * The vector index, if most rows are not in it: searches compare these anyway, and to fold them in costs more than an index of all
 * (of a million rows, 744,000 took 34 s of CPU, all together 33), beside having the index follow the rows that compaction moves.
 */
export async function dropMostlyUnindexed(table: Table): Promise<void> {
  const vectorIndex = (await table.listIndices()).find(({ columns }) => columns.includes("vector"));
  if (vectorIndex === undefined) return;
  const rows = await table.countRows();
  if ((vectorIndex.numUnindexedRows ?? 0) > rows / 2) await table.dropIndex(vectorIndex.name);
}

/**
 * Those that are missing.
 * @param isRemote in an object store, an exact search fetches every vector anew: an index is worth it as soon as it can learn
 */
export async function buildIndexes(table: Table, dimensions: number, isRemote = false): Promise<void> {
  const missing = await missingIndexes(table, await table.listIndices(), dimensions, isRemote);
  const build = async (columns: readonly string[], make: (column: string) => Promise<void>) => {
    for (const column of columns) if (missing.has(column)) await make(column);
  };
  await build(["searchText"], () => buildTextIndex(table));
  await build(["ngrams"], () => buildNgramIndex(table));
  await build(BTREES, (column) => table.createIndex(column, { config: Index.btree() }));
  await build(BITMAPS, (column) => table.createIndex(column, { config: Index.bitmap() }));
  await build(LABEL_LISTS, (column) => table.createIndex(column, { config: Index.labelList() }));
  await build(["vector"], (column) => table.createIndex(column, { config: Index.ivfRq(VECTOR_INDEX) }));
}

/** Columns that are to have an index and have none. A table of an earlier version may not have every column. */
async function missingIndexes(
  table: Table,
  indexes: readonly IndexConfig[],
  dimensions: number,
  isRemote: boolean,
): Promise<ReadonlySet<string>> {
  const present = new Set(indexes.flatMap((index) => index.columns));
  const [rows, { fields }] = await Promise.all([table.countRows(), table.schema()]);
  const columns = new Set(fields.map(({ name }) => name));
  const wanted = [
    "searchText",
    "ngrams",
    ...(rows > 0 ? [...BTREES, ...BITMAPS, ...LABEL_LISTS] : []),
    ...(wantsVectorIndex(rows, dimensions, isRemote) ? ["vector"] : []),
  ];
  return new Set(wanted.filter((column) => columns.has(column) && !present.has(column)));
}

/** Whether an exact search has become too slow. IVF_RQ wants a multiple of eight dimensions; other vectors are searched exactly. */
export function wantsVectorIndex(rows: number, dimensions: number, isRemote = false): boolean {
  if (rows < TRAINING_ROWS || dimensions % 8 !== 0) return false;
  return isRemote || rows >= EXACT_ROWS || rows * dimensions >= EXACT_NUMBERS;
}

export interface IndexCoverage {
  /** Of the index that lacks most. */
  readonly unindexedRows: number;
  readonly textIndex: boolean;
  readonly ngramIndex: boolean;
  readonly vectorIndex: boolean;
}

/** Of the version that the table is at. */
export async function indexCoverage(table: Table): Promise<IndexCoverage> {
  return coverageOf(await table.listIndices());
}

/** The same for upkeep: where an index is missing, all rows are still to be indexed. */
export async function upkeepCoverage(table: Table, dimensions: number, isRemote: boolean): Promise<IndexCoverage> {
  const indexes = await table.listIndices();
  const missing = await missingIndexes(table, indexes, dimensions, isRemote);
  return { ...coverageOf(indexes), ...(missing.size > 0 && { unindexedRows: await table.countRows() }) };
}

function coverageOf(indexes: readonly IndexConfig[]): IndexCoverage {
  const searched = indexes.filter(({ columns }) =>
    ["searchText", "ngrams", "vector"].some((column) => columns.includes(column)),
  );
  return {
    unindexedRows: Math.max(0, ...searched.map((index) => index.numUnindexedRows ?? 0)),
    textIndex: searched.some(({ columns }) => columns.includes("searchText")),
    ngramIndex: searched.some(({ columns }) => columns.includes("ngrams")),
    vectorIndex: searched.some(({ columns }) => columns.includes("vector")),
  };
}
