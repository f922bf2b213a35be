// Which indexes a table has, and how each is built. The full-text index exists from the first moment (LanceDB then also finds
// rows that are not in it yet, by scanning them); the vector index waits for enough rows.

import { Index, type Table } from "@lancedb/lancedb";

/** Below this an exact search is as fast as an index, ... */
const EXACT_ROWS = 50_000;
/** ... unless the vectors are long: a million numbers compared take 4 ms of CPU, so this is 50 ms. */
const EXACT_NUMBERS = 12_800_000;
/** What an index needs to learn from. */
const TRAINING_ROWS = 10_000;

/**
 * IVF_RQ: recall of PQ and HNSW at a fraction of their building time. With one bit a number, as by default, 300 rows a search must be compared
 * again by their full vectors, which costs more than all else. A search looks into all partitions, so it is no use to find the best ones: with
 * 50 rounds over 256 rows a partition, as by default, recall is the same and building takes half as long again.
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
 * Those that are missing, and the vector index anew where most rows are not in it: of a million rows, 744,000 took 34 s of CPU to be folded in, and
 * another index of all of them takes 33 s, at twice the speed.
 * @param isRemote in an object store, an exact search fetches every vector anew: an index is worth it as soon as it can learn
 */
export async function buildIndexes(table: Table, dimensions: number, isRemote = false): Promise<void> {
  const indexes = await table.listIndices();
  const present = new Set(indexes.flatMap((index) => index.columns));
  // A table of an earlier version may not have every column.
  const columns = new Set((await table.schema()).fields.map(({ name }) => name));
  const lacksIndex = (column: string) => columns.has(column) && !present.has(column);
  const rows = await table.countRows();
  if (!present.has("searchText")) await buildTextIndex(table);
  // A table of an earlier version may not have the column.
  if (lacksIndex("ngrams")) await buildNgramIndex(table);
  if (rows > 0) {
    for (const column of BTREES) if (lacksIndex(column)) await table.createIndex(column, { config: Index.btree() });
    for (const column of BITMAPS) if (lacksIndex(column)) await table.createIndex(column, { config: Index.bitmap() });
    for (const column of LABEL_LISTS)
      if (lacksIndex(column)) await table.createIndex(column, { config: Index.labelList() });
  }
  const vectorIndex = indexes.find((index) => index.columns.includes("vector"));
  const isMostlyUnindexed = vectorIndex === undefined || (vectorIndex.numUnindexedRows ?? 0) > rows / 2;
  if (isMostlyUnindexed && wantsVectorIndex(rows, dimensions, isRemote)) {
    await table.createIndex("vector", { config: Index.ivfRq(VECTOR_INDEX) });
  }
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
  const indexes = await table.listIndices();
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
