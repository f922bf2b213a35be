// The house's vocabulary and its contracts. One word per idea:
//
//   record        a message or a note, as stored in the archive
//   archive       Deno KV: the source of truth for records
//   index         the LanceDB table of one guild and embedding space: rows derived from records, always rebuildable
//   row           one vector: a record, or one chunk of a long record
//   pending       a durable mark on an id: the index may disagree with the archive about it and must be reconciled
//   embedder      what turns texts into vectors
//   fingerprint   identity of an embedding space (model, dimensions, prefixes); different spaces never mix
//   page / batch  consecutive records read together / texts sent in one embedding request
//   presence      a process's sign of life; a guild is owned by the process whose presence it names (its lease is the proof)
//   run / phase   one backfill of one guild / its parts (recent, medium, full, notes)
//   quarantined   a record that cannot be embedded, listed with its reason, retryable
//   skipped       a record with nothing to embed
//
// Every port has one contract suite under tests/contracts, run on each implementation.

import type { Snowflake } from "./snowflake.ts";

// ---------------------------------------------------------------- records

export type RecordKind = "message" | "note";

export interface Attachment {
  readonly name: string;
  /** The alt text its author gave it. */
  readonly alt?: string;
  /** MIME type as Discord reports it, e.g. "image/png". */
  readonly contentType?: string;
}

/** A message or a note, as stored. `id` decides its place in time. */
export interface ArchivedRecord {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  /** Where it was written: a channel, or a thread. */
  readonly channelId: Snowflake;
  /** Whose permissions govern it: the parent for public threads, the thread itself for private ones. */
  readonly accessChannelId: Snowflake;
  readonly authorId: Snowflake;
  /** The author's name when it was stored; part of what is embedded. */
  readonly authorName: string;
  /** True for messages of bots and webhooks. */
  readonly bot?: boolean;
  /** The original text. May be empty (an attachment alone, a poll). */
  readonly content: string;
  readonly attachments?: readonly Attachment[];
  /** Text of each embed: title, description, fields. */
  readonly embeds?: readonly string[];
  /** A poll's question and answers. */
  readonly poll?: string;
  /** Text of a forwarded message. */
  readonly forwarded?: string;
  /** Names of the users, roles and channels that `content` or `forwarded` mention (`<@id>`, `<@&id>`, `<#id>`), as stored. */
  readonly mentions?: readonly { readonly id: Snowflake; readonly name: string }[];
  readonly replyToId?: Snowflake;
  /** Milliseconds since 1970. */
  readonly editedAt?: number;
  /** Notes only: who may see it. Private notes are seen by `authorId` alone. */
  readonly visibility?: "private" | "channel";
  /** Notes only: the message it was saved from. */
  readonly sourceMessageId?: Snowflake;
}

/** A record with the hash of everything in it that can change what is embedded (see `contentHash` in indexing/text.ts). */
export interface StoredRecord {
  readonly record: ArchivedRecord;
  readonly contentHash: string;
}

/** A key whose value does not decode or does not validate; reported, never thrown. */
export interface DamagedRecord {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  readonly reason: string;
}

export interface Page {
  /** Newest first. */
  readonly records: readonly StoredRecord[];
  readonly damaged: readonly DamagedRecord[];
  /** How far this page reached: every id in [reachedId, newestId asked for] has been seen. `undefined` when the range is exhausted. */
  readonly nextNewestId: Snowflake | undefined;
}

/** Both ends included. */
export interface IdRange {
  readonly newestId: Snowflake;
  readonly oldestId: Snowflake;
}

export type ChannelType = "text" | "announcement" | "voice" | "forum" | "public-thread" | "private-thread" | "other";

/** What the archive remembers of a channel or thread: enough to name it and to know whose permissions govern it. */
export interface ChannelInfo {
  readonly id: Snowflake;
  readonly name: string;
  readonly type: ChannelType;
  /** Threads only. */
  readonly parentId?: Snowflake;
  readonly accessChannelId: Snowflake;
}

/** How far a channel's or thread's history has been brought into the archive. */
export interface HistoryCursor {
  /** Everything from here ... */
  readonly oldestId: Snowflake;
  /** ... to here is in the archive. */
  readonly newestId: Snowflake;
  /** True when nothing older exists on Discord. */
  readonly complete: boolean;
}

export interface GuildSettings {
  readonly adminChannelId?: Snowflake;
  /** The bot (Discord user) that was last in it. */
  readonly botId?: Snowflake;
}

/** A set of records deleted together; none of these scans the whole archive. */
export type RemovalScope =
  | { readonly by: "channel"; readonly id: Snowflake }
  | { readonly by: "author"; readonly id: Snowflake }
  | { readonly by: "guild" };

export interface PendingEntry {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  /** Opaque; pass back to `clearPending`, which does nothing if the mark was renewed meanwhile. */
  readonly stamp: string;
}

/** A moment before Discord is asked: see `Archive.reading`. */
export interface Reading {
  /** To be called when what Discord answered has been stored or given up. */
  release(): void;
}

/** How far a channel's archived messages have been compared with Discord's since a moment; see indexing/reread.ts. */
export interface RereadCursor {
  /** When the comparison began. Milliseconds since 1970. */
  readonly since: number;
  /** Everything from here up has been compared; undefined when all has. */
  readonly reachedId?: Snowflake;
}

/** Source of truth for records: durable, ordered by id. All methods are safe to repeat. Nothing here knows vectors. */
export interface Archive {
  /**
   * Creates or replaces records. With `pending: true` each changed record's pending mark is written in the record's own commit.
   * Records equal to what is stored (same hash and fields) are left alone and get no mark, and so are those edited earlier
   * than what is stored.
   * @param options.asOf these are Discord's answer to this reading: what has changed since, or been removed, is left alone
   * @returns how many were new, changed or the same
   */
  save(
    guildId: Snowflake,
    records: readonly ArchivedRecord[],
    options: { readonly pending: boolean; readonly asOf?: Reading },
  ): Promise<{ readonly created: number; readonly changed: number; readonly same: number }>;
  /**
   * Deletes records by id; each one that existed gets a pending mark in the same commit, so that its rows go too.
   * @param asOf they were absent from Discord's answer to this reading: what has changed since is left alone
   */
  remove(
    guildId: Snowflake,
    kind: RecordKind,
    ids: readonly Snowflake[],
    asOf?: Reading,
  ): Promise<{ readonly removed: number }>;
  /** To be taken before Discord is asked, so that an event that comes before its answer is stored is not undone by it. */
  reading(guildId: Snowflake): Reading;
  /**
   * Starts a durable removal of a whole scope: remembered until `finishRemoval`, so that a crash in between is taken up again.
   * The caller removes the index rows of the scope before it calls `finishRemoval`.
   */
  beginRemoval(guildId: Snowflake, scope: RemovalScope): Promise<void>;
  /**
   * Deletes the scope's records (in bounded commits) and then forgets the removal. Also safe after a crash. Messages of an author
   * leave a pending mark each: rows beside theirs carry their words.
   */
  finishRemoval(guildId: Snowflake, scope: RemovalScope): Promise<{ readonly removed: number }>;
  /** Removals begun and not finished, oldest first. */
  unfinishedRemovals(guildId: Snowflake): Promise<RemovalScope[]>;

  /** Records by id; absent ids are absent from the map, damaged ones too. */
  get(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): Promise<Map<Snowflake, StoredRecord>>;
  /** Consecutive records of a range, newest first. At most `limit` keys are looked at. */
  page(guildId: Snowflake, kind: RecordKind, range: IdRange, limit: number): Promise<Page>;
  /** Messages of one channel or thread just before (newest first) or just after (oldest first) an id, which is not included. */
  neighbours(
    guildId: Snowflake,
    channelId: Snowflake,
    id: Snowflake,
    direction: "before" | "after",
    limit: number,
  ): Promise<StoredRecord[]>;
  /** Notes of one owner, newest first. */
  notesOf(guildId: Snowflake, ownerId: Snowflake, limit: number): Promise<StoredRecord[]>;
  /** Ids of one channel's or thread's messages in a range, newest first. */
  idsInChannel(guildId: Snowflake, channelId: Snowflake, range: IdRange): Promise<Snowflake[]>;

  /** Marks ids for reconciliation whatever the archive holds. @returns these marks, in the order of the ids */
  markPending(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): Promise<PendingEntry[]>;
  /** Oldest mark first is not promised; any order, bounded. */
  pending(guildId: Snowflake, limit: number): Promise<PendingEntry[]>;
  clearPending(guildId: Snowflake, entries: readonly PendingEntry[]): Promise<void>;
  /** Guilds with pending marks, whichever process set them. Costs a read for each of them, whatever they hold. */
  marked(): Promise<Snowflake[]>;

  /** A renamed thread's first message, which carries its title and has its id, gets a pending mark in the same commit. */
  saveChannels(guildId: Snowflake, channels: readonly ChannelInfo[]): Promise<void>;
  channels(guildId: Snowflake): Promise<ChannelInfo[]>;
  channel(guildId: Snowflake, channelId: Snowflake): Promise<ChannelInfo | undefined>;
  cursor(guildId: Snowflake, channelId: Snowflake): Promise<HistoryCursor | undefined>;
  saveCursor(guildId: Snowflake, channelId: Snowflake, cursor: HistoryCursor): Promise<void>;
  rereadCursor(guildId: Snowflake, channelId: Snowflake): Promise<RereadCursor | undefined>;
  saveRereadCursor(guildId: Snowflake, channelId: Snowflake, cursor: RereadCursor): Promise<void>;
  settings(guildId: Snowflake): Promise<GuildSettings>;
  saveSettings(guildId: Snowflake, settings: GuildSettings): Promise<void>;
  /** Guilds with at least one record, setting or run. */
  guilds(): Promise<Snowflake[]>;
}

// ---------------------------------------------------------------- runs, owners, quarantine

/** A process's sign of life, which it must prolong. For as long as it lasts, the guilds that the process has taken are its own. */
export interface Presence {
  /** Made for this presence; never used again. */
  readonly id: string;
  /** Names the process to people. */
  readonly holder: string;
  /** Milliseconds since 1970, by the process's own clock. */
  readonly expiresAt: number;
}

/** Proof of owning a guild, good for as long as its presence lasts. `token` grows with every change of owner. */
export interface Lease {
  readonly guildId: Snowflake;
  readonly presenceId: string;
  readonly token: number;
}

/** Which process owns which guild. The cost of staying an owner does not depend on the number of guilds. */
export interface OwnerStore {
  /** A new presence, that owns nothing yet. */
  appear(holder: string, now: number, durationMs: number): Promise<Presence>;
  /**
   * Lasts from `now` on; also when it had expired and nobody has ended it since.
   * @returns undefined when it has been ended: none of its guilds is its own any more
   */
  prolong(presence: Presence, now: number, durationMs: number): Promise<Presence | undefined>;
  /** Its end, for good: all its guilds are free at once, and what was to be saved by their leases is refused. */
  end(presence: Presence): Promise<void>;
  /**
   * Takes those of the guilds that are free, and says who holds the others. A presence that has expired at `now` and holds one of
   * them is ended first, for good, so that its process can never go on as if nothing had happened. What is this presence's
   * already stays so.
   */
  take(
    presence: Presence,
    guildIds: readonly Snowflake[],
    now: number,
  ): Promise<{
    readonly taken: readonly Lease[];
    readonly held: readonly { readonly guildId: Snowflake; readonly by: Presence }[];
  }>;
  /** Whose a guild is, if anybody's; its presence may have expired. */
  ownerOf(guildId: Snowflake): Promise<Presence | undefined>;
  /** Gives one guild up. */
  release(lease: Lease): Promise<void>;
}

export interface QuarantineEntry {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  readonly channelId?: Snowflake;
  /** What was refused; a record whose hash has changed since gets a fresh chance. */
  readonly contentHash: string;
  readonly reason: string;
  readonly attempts: number;
  readonly at: number;
}

/** A value with the version it was read at. */
export interface Versioned<T> {
  readonly value: T;
  readonly stamp: string;
}

/** Durable state of backfills. Every write is one atomic commit, guarded by compare-and-set and, where given, by the lease. */
export interface RunStore<Run> extends OwnerStore {
  /** A guild's current or latest run. A stored value that does not validate reads as `damaged`. */
  load(guildId: Snowflake): Promise<Versioned<Run> | undefined>;
  /**
   * Stores the run if nobody changed it since `expected` (undefined: if there is none), and, where a lease is given, if it is
   * still the guild's owner; without one, as somebody else who asks its owner for something. Quarantine entries given go into the
   * same commit.
   * @returns the new version, or "changed" / "lease-lost"
   */
  save(
    guildId: Snowflake,
    run: Run,
    expected: string | undefined,
    guard?: { readonly lease?: Lease; readonly quarantine?: readonly QuarantineEntry[] },
  ): Promise<Versioned<Run> | "changed" | "lease-lost">;
  /** Keeps a finished run for the record. */
  archiveRun(guildId: Snowflake, run: Run): Promise<void>;
  /** Finished runs, newest first. */
  finished(guildId: Snowflake, limit: number): Promise<Run[]>;

  quarantine(guildId: Snowflake, entries: readonly QuarantineEntry[]): Promise<void>;
  /** Entries of a range, newest first. */
  quarantined(guildId: Snowflake, kind: RecordKind, range: IdRange, limit: number): Promise<QuarantineEntry[]>;
  releaseQuarantine(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): Promise<void>;
}

// ---------------------------------------------------------------- embedding

export interface EmbeddingSpace {
  /** As people know it, e.g. "nomic-embed-text" or "backscroll-static". */
  readonly modelId: string;
  readonly dimensions: number;
  /** Short, file-name-safe identity of model, dimensions and prefixes. Vectors of different fingerprints never meet. */
  readonly fingerprint: string;
}

/** Turns texts into vectors. Implementations: an OpenAI-compatible server, the built-in model. */
export interface Embedder {
  /** Known after the first successful `embed` at the latest; `probe()` settles it. */
  readonly space: EmbeddingSpace;
  readonly limits: {
    readonly textsPerRequest: number;
    readonly tokensPerText: number;
    readonly tokensPerRequest: number;
    readonly parallelRequests: number;
  };
  /**
   * @returns one unit-length Float32Array of `space.dimensions` per text, in the order given
   * @throws TransientError when the server cannot answer now (with retryAfterMs if it said so)
   * @throws RejectedInputError when these texts themselves are refused
   */
  embed(texts: readonly string[], use: "document" | "query", signal?: AbortSignal): Promise<Float32Array[]>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- the index

/** What a message carries; columns of the index, so that `has:` filters run inside the query. */
export type Has = "link" | "image" | "file" | "code" | "poll";

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
  readonly has: readonly Has[];
  readonly authorName: string;
  /** What is shown. */
  readonly text: string;
  /** What the full-text index holds: context + author + text. */
  readonly searchText: string;
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
  readonly authorIds?: readonly Snowflake[];
  /** Only ids greater / smaller than these. */
  readonly afterId?: Snowflake;
  readonly beforeId?: Snowflake;
  readonly has?: readonly Has[];
  /** Left out of the results. */
  readonly excludeIds?: readonly Snowflake[];
}

/** A row as a search finds it: what it takes to rank it. What is shown of it comes from the archive. */
export interface FoundRow extends Pick<IndexRow, "id" | "chunk" | "kind" | "text" | "searchText" | "vector"> {
  /** BM25 of the full-text query; absent when full text did not find it. */
  readonly textScore?: number;
}

export interface IndexStats {
  readonly rows: number;
  readonly unindexedRows: number;
  readonly fragments: number;
  /** Kept on disk, the present one included. */
  readonly versions: number;
  readonly diskBytes: number;
  readonly vectorIndex: boolean;
  readonly textIndex: boolean;
}

export interface UpkeepOptions {
  /** Versions older than this are dropped; tagged ones stay. Milliseconds. */
  readonly keepVersionsMs: number;
  /** Breaks it off. */
  readonly signal?: AbortSignal;
}

export interface AffectedRows {
  /** Which of the ids asked about have rows. */
  readonly present: readonly Snowflake[];
  /** Ids of the rows whose context is one of them; some may be among them. */
  readonly dependents: readonly Snowflake[];
}

/**
 * The rows of one guild in one embedding space. Writes must come from one writer (indexing/index-writer.ts); a read sees every
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
  /** Rows of these ids, with vectors. */
  rows(ids: readonly Snowflake[], filter?: SearchFilter): Promise<IndexRow[]>;

  /**
   * What `nearest` and `matching` find together, each row once, in no order; with `textScore` where full text found it. The words
   * are looked up while the vector is still on its way; undefined: by words alone.
   */
  candidates(asked: {
    readonly text: string;
    /** Only rows that may hold these words next to each other: of those that are not indexed yet, all that hold the words. */
    readonly phrase?: string | undefined;
    readonly vector: Promise<Float32Array | undefined>;
    readonly filter: SearchFilter;
    readonly limit: number;
  }): Promise<FoundRow[]>;
  /** The nearest rows by cosine, best first. */
  nearest(vector: Float32Array, filter: SearchFilter, limit: number): Promise<FoundRow[]>;
  /** The best full-text matches on `searchText`, best first, with `textScore`. */
  matching(query: string, filter: SearchFilter, limit: number): Promise<FoundRow[]>;
  /** Newest first, no ranking. */
  latest(filter: SearchFilter, limit: number, offset: number): Promise<IndexRow[]>;
  /** A sample of shown texts, for word statistics. */
  sampleTexts(limit: number): Promise<string[]>;
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
  /** Sees what another process has written: to be called by whoever takes over from it. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the indexes of all guilds. */
export interface IndexStore {
  /** Creates the table when it does not exist. @throws UserError when what is on disk cannot be used, saying why */
  open(guildId: Snowflake, space: EmbeddingSpace): Promise<VectorIndex>;
  /** Spaces that have a table for this guild (an earlier model's, for instance). */
  spaces(guildId: Snowflake): Promise<{ readonly fingerprint: string; readonly rows: number }[]>;
  /** Deletes all of a guild's tables. */
  drop(guildId: Snowflake): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- Discord, seen from inside

/** A channel or thread whose history can, or cannot, be read. */
export interface HistoryChannel extends ChannelInfo {
  /** Why it cannot be read; absent when it can. */
  readonly unreadable?: string;
}

/** History that is only on Discord. Keeps Discord's rate limits. */
export interface History {
  /** Every channel and thread (active and archived) that can hold messages. */
  channels(guildId: Snowflake): Promise<HistoryChannel[]>;
  /**
   * The next messages before (newest first) or after (oldest first) an id: at least 100, at most 199, and fewer only when there is
   * nothing further, never because they may not be read. System messages and the bot's own are left out.
   * @throws TransientError, UserError; the signal's reason when it aborts
   */
  messages(
    channel: HistoryChannel,
    range: { readonly before: Snowflake } | { readonly after: Snowflake },
    signal?: AbortSignal,
  ): Promise<ArchivedRecord[]>;
  /** Whether message content is readable at all (MESSAGE CONTENT intent). */
  canReadContent(): Promise<boolean>;
}

/** Where a guild's admins read. `content` is a Discord payload that a view made; the engine does not look into it. */
export interface AdminChannel<Content> {
  /** @returns the new message's id @throws UserError when the channel is missing or unwritable */
  post(channelId: Snowflake, content: Content): Promise<Snowflake>;
  /** @returns false when the message is gone or Discord no longer lets us edit it: post a fresh one */
  edit(channelId: Snowflake, messageId: Snowflake, content: Content): Promise<boolean>;
}

/** What happens in guilds, as far as the archive cares. Each call resolves when it is safely in the archive. */
export interface GuildEvents {
  /** A message was written or edited. */
  messageSaved(guildId: Snowflake, record: ArchivedRecord, channel: ChannelInfo): Promise<void>;
  messagesDeleted(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** A channel or thread appeared or was renamed. */
  channelSaved(guildId: Snowflake, channel: ChannelInfo): Promise<void>;
  /** A channel (its threads are reported one by one or found through the archive's `channels`) or a thread is gone. */
  channelDeleted(guildId: Snowflake, channelId: Snowflake): Promise<void>;
  /** The bot was removed from a guild (not an outage). */
  guildLeft(guildId: Snowflake): Promise<void>;
}

/** Who looks. Roles are as of this moment, from the interaction that asks. */
export interface Viewer {
  readonly userId: Snowflake;
  readonly roleIds: readonly Snowflake[];
  /** Where they ask. Whoever does so in an age-restricted channel is of age: Discord has let them in. */
  readonly channelId?: Snowflake;
}

/** Who can read what on Discord at this moment: View Channel and Read Message History, and membership for private threads. */
export interface Permissions {
  /** Channels (not threads) this member can read. `ageRestricted`: so many are left out, because they do not ask in such a one. */
  readableChannels(
    guildId: Snowflake,
    viewer: Viewer,
  ): Promise<{ readonly channelIds: readonly Snowflake[]; readonly ageRestricted: number }>;
  /** Of these private threads, the ones this member can read. No answer from Discord counts as no. */
  readableThreads(guildId: Snowflake, viewer: Viewer, privateThreadIds: readonly Snowflake[]): Promise<Snowflake[]>;
  /** Channels that everyone who can read `channelId` can certainly read too: what may be shared there. Includes itself. */
  readableByReadersOf(guildId: Snowflake, channelId: Snowflake): Promise<Snowflake[]>;
}

// ---------------------------------------------------------------- the machine

export interface SystemProbe {
  /** Memory in use and its limit: of the cgroup less its page cache, or of the machine. Bytes. */
  memory(): Promise<{ readonly usedBytes: number; readonly limitBytes: number }>;
  /** Free space where the data lies. Bytes; Infinity where it does not lie on this machine. */
  disk(): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
  /** 1-minute load average divided by the number of cores. */
  cpuLoad(): number;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back, and stands still while the process or its machine sleeps. For durations. */
  elapsed(): number;
  /** Resolves after `ms` awake, or at once when the signal aborts (never rejects: stopping is an outcome). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Structured log. `event` is `subject:action`; fields never hold message content or tokens. */
export interface Logger {
  debug(event: string, fields?: Record<string, unknown>): void;
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}
