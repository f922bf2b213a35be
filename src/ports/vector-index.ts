// The index of one guild: rows derived from records, always rebuildable.

import type { Snowflake } from "../snowflake.ts";
import type { IdRange, RemovalScope } from "./archive.ts";
import type { EmbeddingSpace } from "./embedder.ts";
import type { RecordKind } from "./records.ts";

export interface IndexRow {
  readonly id: Snowflake;
  /** 0 for a record that fits one row. */
  readonly chunk: number;
  readonly kind: RecordKind;
  readonly channelId: Snowflake;
  readonly accessChannelId: Snowflake;
  /** Private notes only. */
  readonly ownerId?: Snowflake;
  readonly authorId: Snowflake;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly contentHash: string;
  /** The run that wrote it; undefined for live rows. */
  readonly runId?: string;
  /** The neighbour whose words are in `searchText`; the row must be rewritten when that one changes. */
  readonly contextId?: Snowflake;
  /** What operators narrow a search by, e.g. "has:link"; see tags.ts. */
  readonly tags: readonly string[];
  readonly authorName: string;
  /** What is shown. */
  readonly text: string;
  /** What the full-text index holds: context + author + text. */
  readonly searchText: string;
  /** N-grams of the record's own letters, with spaces between; empty where full text alone serves (see indexing/text/prepare.ts). */
  readonly ngrams: string;
  readonly vector: Float32Array;
}

/** What of a row is needed to tell whether it is current. */
export interface RowKey {
  readonly id: Snowflake;
  readonly chunk: number;
  readonly contentHash: string;
  readonly runId?: string;
}

/** Who looks and what they narrow it to. Applied inside the query, never after it. */
export interface SearchFilter {
  /** Channels (and private threads) the viewer can read right now. Empty: nothing but own notes. */
  readonly accessChannelIds: readonly Snowflake[];
  /** Whose private notes may show; undefined: nobody's. */
  readonly viewerId?: Snowflake;
  readonly kinds?: readonly RecordKind[];
  /** Where it was written (channels or threads). */
  readonly channelIds?: readonly Snowflake[];
  /** By any of these people, or under one of these names (as `nameKey` leaves them). */
  readonly authorIds?: readonly Snowflake[];
  readonly authorNames?: readonly string[];
  /** Only ids greater / smaller than these. */
  readonly afterId?: Snowflake;
  readonly beforeId?: Snowflake;
  /** At least one tag of each of these lists. */
  readonly tags?: readonly (readonly string[])[];
  /** Left out of the results. */
  readonly excludeIds?: readonly Snowflake[];
  /** What any of these fits is left out, too. */
  readonly except?: Pick<SearchFilter, "channelIds" | "authorIds" | "kinds"> & { readonly tags?: readonly string[] };
}

/** A row as a search finds it: what it takes to rank it. What is shown of it comes from the archive. */
export interface FoundRow
  extends Pick<
    IndexRow,
    "id" | "chunk" | "kind" | "channelId" | "authorId" | "contextId" | "text" | "searchText" | "vector"
  > {
  /** BM25 of the full-text query; absent when full text did not find it. */
  readonly textScore?: number;
}

/** A row as a sample has it. */
export type SampledRow = Pick<IndexRow, "text" | "authorName" | "accessChannelId" | "ownerId">;

export interface IndexStats {
  readonly rows: number;
  /** That upkeep has to put into an index: all, where one is missing. */
  readonly unindexedRows: number;
  readonly fragments: number;
  /** Kept on disk, the present one included. */
  readonly versions: number;
  readonly diskBytes: number;
  /** Old versions take more than they are worth. Upkeep drops them as soon as they are old enough. */
  readonly isBulky: boolean;
  readonly vectorIndex: boolean;
  readonly textIndex: boolean;
}

export interface UpkeepOptions {
  /** Versions older than this are dropped; tagged ones stay. Milliseconds. Left out: as soon as nobody is in the middle of reading them. */
  readonly keepVersionsMs?: number;
  /** Breaks it off. */
  readonly signal?: AbortSignal;
  /**
   * So that removed words are in no file any more. "rebuild": indexes of words are built anew. "sweep": files that no version knows go
   * too, whatever their age; nobody may write meanwhile.
   */
  readonly erase?: "rebuild" | "sweep";
}

export interface AffectedRows {
  /** Which of the ids asked about have rows. */
  readonly present: readonly Snowflake[];
  /** Ids of the rows whose context is one of them; some may be among them. */
  readonly dependents: readonly Snowflake[];
}

/**
 * The rows of one guild in one embedding space. Writes must come from one writer (indexing/guild-index/writer.ts); a read sees every
 * write that finished before it.
 */
export interface VectorIndex {
  readonly space: EmbeddingSpace;
  /**
   * Makes the index hold exactly these rows for the ids they name. `fresh`: the caller knows that none of the ids has a row yet,
   * which makes it a plain append. Rows of one id must come together. One durable commit where possible; safe to repeat.
   */
  write(rows: readonly IndexRow[], options: { readonly fresh: boolean }): Promise<void>;
  removeIds(ids: readonly Snowflake[]): Promise<void>;
  removeScope(scope: RemovalScope): Promise<void>;
  /** Rows written by a run. @returns how many went */
  removeRun(runId: string): Promise<number>;

  /** Row keys with id <= newestId and >= oldestId, ordered by id descending then chunk; at most `limit` rows. */
  keys(kind: RecordKind, range: IdRange, limit: number): Promise<RowKey[]>;
  /** What a change of these records concerns. */
  affected(ids: readonly Snowflake[]): Promise<AffectedRows>;
  /** Which of these ids have rows, whoever may see them. */
  holds(ids: readonly Snowflake[]): Promise<Snowflake[]>;
  /** The newest id that a row has, or names as its context; the smallest there can be when there are no rows. */
  newestId(): Promise<Snowflake>;
  /** Takes the words of these neighbours out of all rows that carry them, in one commit. */
  removeContext(ids: readonly Snowflake[]): Promise<void>;
  /** Rows of these ids, with vectors. */
  rows(ids: readonly Snowflake[], filter?: SearchFilter): Promise<IndexRow[]>;

  /**
   * The nearest rows by cosine and the best full-text matches on `searchText`, up to `limit` of either, each row once, in no order; with
   * `textScore` where full text found it. The words are looked up while the vector is still on its way; undefined: by words alone.
   */
  candidates(asked: {
    readonly text: string;
    /** The text's n-grams: rows that share some of them are candidates, too. */
    readonly ngrams?: string | undefined;
    /**
     * Only rows that may hold these words next to each other, in one of these spellings, or all n-grams of one of these texts: of those
     * that are not indexed yet, all that hold the words.
     */
    readonly phrase?: { readonly spellings: readonly string[]; readonly ngrams?: readonly string[] } | undefined;
    /** Other rows are no candidates, and it is looked further down for those that are: of a phrase, until there are no more. */
    readonly fits?: ((row: Pick<FoundRow, "searchText">) => boolean) | undefined;
    readonly vector: Promise<Float32Array | undefined>;
    /** At most so many of those near the vector; `limit`, if left out. */
    readonly nearest?: number;
    readonly filter: SearchFilter;
    readonly limit: number;
  }): Promise<FoundRow[]>;
  /** Newest first, no ranking. */
  latest(filter: SearchFilter, limit: number, offset: number): Promise<IndexRow[]>;
  /** A sample of rows, whoever may see them, for statistics of words and people. */
  sampleRows(limit: number): Promise<SampledRow[]>;
  /** A sample of vectors, to tell how alike unrelated ones are. */
  sampleVectors(limit: number): Promise<Float32Array[]>;
  count(filter?: SearchFilter): Promise<number>;

  stats(): Promise<IndexStats>;
  /**
   * Upkeep: builds the full-text, scalar and (from some tens of thousands of rows) vector indexes where they are missing, folds new
   * rows into them, compacts and drops old versions. Searches and writes go on meanwhile.
   * @throws the signal's reason when it aborts; the index is sound all the same
   */
  optimize(options: UpkeepOptions): Promise<void>;
  /** Names the present version, for an emergency restore. */
  tag(name: string): Promise<void>;
  /**
   * Gives up named versions, which hold what has been removed since. Upkeep then drops them as it does others.
   * @param olderThanMs only those made so long ago. Milliseconds
   * @returns how many are left
   */
  untag(olderThanMs?: number): Promise<number>;
  /** Which parts of the table's files may still hold removed rows. */
  wornParts(): Promise<number[]>;
  /** Moves some of the rows of such a part to a new file, in one commit. @returns false when none is left in it: it can be dropped */
  renewPart(part: number): Promise<boolean>;
  /** Sees what another process has written: to be called by whoever takes over from it. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** An index of an earlier generation: rows only ever leave it. Its table may have other columns than those that are made now. */
export type FormerIndex = Omit<VectorIndex, "write" | "removeRun" | "tag">;

/** Opens the indexes of all guilds. */
export interface IndexStore {
  /** Identity of the columns that tables are made with: part of the fingerprint of what is in them. */
  readonly columns: string;
  /** Creates the table when it does not exist. @throws UserError when what is on disk cannot be used, saying why */
  open(guildId: Snowflake, space: EmbeddingSpace): Promise<VectorIndex>;
  /** Opens a table that is there, with the columns and dimensions it has. @returns undefined when it is gone */
  openExisting(guildId: Snowflake, space: EmbeddingSpace): Promise<VectorIndex | undefined>;
  /** Fingerprints that have a table for this guild. */
  fingerprints(guildId: Snowflake): Promise<string[]>;
  /** Deletes one of a guild's tables for good, or all of them. */
  drop(guildId: Snowflake, fingerprint?: string): Promise<void>;
  close(): Promise<void>;
}
