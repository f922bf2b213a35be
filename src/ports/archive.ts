// The archive: the source of truth for records, ordered by id. Knows no vectors.

import type { Snowflake } from "../snowflake.ts";
import type { Deed } from "./deeds.ts";
import type { ArchivedRecord, DamagedRecord, RecordKind, StoredRecord } from "./records.ts";

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
  /** Absent for threads, and for what is in no category. */
  readonly categoryId?: Snowflake;
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
  /** Since when the bot is not in it any more; absent while it is. */
  readonly left?: OutOfReach;
}

/** What the bot may no longer read. */
export interface OutOfReach {
  /** When that was first noticed. Milliseconds since 1970. */
  readonly since: number;
  /** When people were told that what is stored of it will be deleted. */
  readonly toldAt?: number;
}

/** A set of records deleted together. But for `bots`, none of these scans the whole archive. */
export type RemovalScope =
  | { readonly by: "channel"; readonly id: Snowflake }
  /** Messages, notes, and what others have saved of the messages as notes. `beforeId`: only what is older. */
  | { readonly by: "author"; readonly id: Snowflake; readonly beforeId?: Snowflake }
  /** Messages older than an id. `days`: the bound moves on every day, so many days behind. */
  | { readonly by: "age"; readonly beforeId: Snowflake; readonly days?: number }
  /** Messages of bots and webhooks. */
  | { readonly by: "bots" }
  | { readonly by: "guild" };

/** A scope that is not to be stored at all: an author who has opted out, a channel or category that is left out, what is too old. */
export type Exclusion = Exclude<RemovalScope, { readonly by: "guild" }>;

/** What is to be fetched from Discord again, because it is not left out any more. */
export interface Refetch {
  readonly scope: Exclusion;
  /** Channels are read one after the other, by their ids: everything before this one is done, and of it what is newer. */
  readonly reached?: { readonly channelId: Snowflake; readonly beforeId: Snowflake };
}

/** What one step of a removal has deleted. Asking for the next one says that the index is in order about it. */
export interface RemovalStep {
  readonly kind: RecordKind;
  readonly ids: readonly Snowflake[];
  /**
   * An earlier attempt has ended before the index was in order about these: records that it had deleted, and others whose rows it was
   * writing anew, which may be lost.
   */
  readonly isLeftOver: boolean;
  /** To be called before rows of these other messages are written anew: they are remembered with the step. */
  rewriting(ids: readonly Snowflake[]): Promise<void>;
}

export interface PendingEntry {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  /** Opaque; pass back to `clearPending`, which does nothing if the mark was renewed meanwhile. */
  readonly stamp: string;
}

/** Some of what an author has in the archive. */
export type AuthoredRecords =
  /** Messages of one channel or thread. */
  | { readonly kind: "message"; readonly channelId: Snowflake; readonly ids: readonly Snowflake[] }
  | { readonly kind: "note"; readonly ids: readonly Snowflake[] }
  /** Notes that others have saved from the author's messages. */
  | { readonly kind: "saved-by-others"; readonly ids: readonly Snowflake[] };

/** A moment before Discord is asked: see `Archive.reading`. */
export interface Reading {
  /** To be called when what Discord answered has been stored or given up. */
  release(): void;
}

/** How far a channel's archived messages have been compared with Discord's since a moment; see sync/recheck.ts. */
export interface RecheckCursor {
  /** When the comparison began. Milliseconds since 1970. */
  readonly since: number;
  /** Everything from here up has been compared; undefined when all has. */
  readonly reachedId?: Snowflake;
}

/** What is remembered of a guild beside its records, and which guilds there are. */
export interface GuildState {
  /**
   * The messages that carry a thread's name (the one it began from, which has its id, and the first in it) get a pending mark in the same
   * commit when it is new or renamed. Of what is left out no name is stored; what moves into a category that is left out is removed.
   */
  saveChannels(guildId: Snowflake, channels: readonly ChannelInfo[]): Promise<void>;
  /** @param range only those with ids in it */
  channels(guildId: Snowflake, range?: IdRange): Promise<ChannelInfo[]>;
  channel(guildId: Snowflake, channelId: Snowflake): Promise<ChannelInfo | undefined>;
  cursor(guildId: Snowflake, channelId: Snowflake): Promise<HistoryCursor | undefined>;
  saveCursor(guildId: Snowflake, channelId: Snowflake, cursor: HistoryCursor): Promise<void>;
  /** Those of all channels and threads that have one. */
  cursors(guildId: Snowflake): Promise<Map<Snowflake, HistoryCursor>>;
  /**
   * Of each channel and thread that has it: everything written there up to this id, since the server began to be listened to, is
   * in the archive. One without it is complete up to `listenedSince`, or to its own beginning if that is later.
   */
  completeTo(guildId: Snowflake): Promise<Map<Snowflake, Snowflake>>;
  /** To be called when everything up to the id is durably archived. Never moves back. */
  saveCompleteTo(guildId: Snowflake, channelId: Snowflake, id: Snowflake): Promise<void>;
  /** The newest id there was in the guild when the bot began to listen to it: what is older waits for a backfill. */
  listenedSince(guildId: Snowflake): Promise<Snowflake | undefined>;
  saveListenedSince(guildId: Snowflake, id: Snowflake): Promise<void>;
  recheckCursor(guildId: Snowflake, channelId: Snowflake): Promise<RecheckCursor | undefined>;
  saveRecheckCursor(guildId: Snowflake, channelId: Snowflake, cursor: RecheckCursor): Promise<void>;
  /** Channels and threads that the bot may not read any more. */
  outOfReach(guildId: Snowflake): Promise<ReadonlyMap<Snowflake, OutOfReach>>;
  /** @param state undefined: it can be read again */
  saveOutOfReach(guildId: Snowflake, channelId: Snowflake, state: OutOfReach | undefined): Promise<void>;
  settings(guildId: Snowflake): Promise<GuildSettings>;
  saveSettings(guildId: Snowflake, settings: GuildSettings): Promise<void>;
  /** Guilds with at least one record, setting or run. */
  guilds(): Promise<Snowflake[]>;
  /** Guilds with pending marks or unfinished removals, whichever process left them. Costs a read for each of them, whatever they hold. */
  marked(): Promise<Snowflake[]>;
}

/** Source of truth for records: durable, ordered by id. All methods are safe to repeat. Nothing here knows vectors. */
export interface Archive extends GuildState {
  /**
   * Creates or replaces records. With `pending: true` each changed record's pending mark is written in the record's own commit.
   * Records equal to what is stored (same hash and fields) are left alone and get no mark, and so are those edited earlier
   * than what is stored. Those that an exclusion concerns are left out.
   * @param options.asOf these are Discord's answer to this reading: what has changed since, or been removed, is left alone
   * @param options.completes everything before each message in its channel is archived: `completeTo` moves in the message's own commit
   * @returns how many were new, changed or the same
   */
  save(
    guildId: Snowflake,
    records: readonly ArchivedRecord[],
    options: { readonly pending: boolean; readonly asOf?: Reading; readonly completes?: boolean },
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
   * One of the same kind and id that is under way is replaced. The work is done by who owns the guild (indexing/live/removals.ts).
   */
  beginRemoval(guildId: Snowflake, scope: RemovalScope): Promise<void>;
  /**
   * Deletes the scope's records, but not a guild's, in small steps with nothing locked in between; may be left at any step, and begins
   * with what an earlier attempt has left. It ends early when another removal has taken its place, or somebody else has taken it up.
   * Records that leave more than their own rows behind are remembered until the next step is asked for: rows beside an author's messages
   * carry their words. The removal stays remembered.
   */
  removeInSteps(guildId: Snowflake, scope: RemovalScope, recordsPerStep: number): AsyncIterable<RemovalStep>;
  /**
   * Deletes what is left of the scope's records (in bounded commits; with pending marks) and then forgets the removal, unless another has
   * taken its place meanwhile, or a step of it is not finished. Also safe after a crash. The caller removes the index rows of the scope
   * before.
   */
  finishRemoval(guildId: Snowflake, scope: RemovalScope): Promise<{ readonly removed: number }>;
  /** Removals begun and not finished, oldest first. */
  unfinishedRemovals(guildId: Snowflake): Promise<RemovalScope[]>;

  /**
   * From now on `save` stores nothing of the scope, in whichever process, and the removal of what there is begins, all in one commit.
   * One of the same kind and id is replaced. A channel's holds for the threads in it, a category's for the channels in it.
   * @param deed to be recorded in the same commit
   */
  exclude(guildId: Snowflake, exclusion: Exclusion, deed?: Deed): Promise<void>;
  /**
   * Takes an exclusion back; what it left out, but for an author's, is remembered as to be fetched (`refetches`). A removal under way
   * goes on with what was written before `now`.
   * @returns whether there was one
   */
  include(guildId: Snowflake, exclusion: Exclusion, now: number, deed?: Deed): Promise<boolean>;
  /** All there are; kept when everything else of the guild is removed. */
  exclusions(guildId: Snowflake): Promise<readonly Exclusion[]>;
  /** Those of some records that no exclusion concerns: what `save` would store. */
  admitted(guildId: Snowflake, records: readonly ArchivedRecord[]): Promise<readonly ArchivedRecord[]>;
  /** Those of some channels and threads of which nothing is stored. */
  channelsLeftOut(guildId: Snowflake, channels: readonly ChannelInfo[]): Promise<ReadonlySet<Snowflake>>;
  refetches(guildId: Snowflake): Promise<readonly Refetch[]>;
  /** Stores how far it came, unless it has been called off by another exclusion meanwhile. */
  saveRefetch(guildId: Snowflake, refetch: Refetch): Promise<void>;
  finishRefetch(guildId: Snowflake, scope: Exclusion): Promise<void>;

  /** Adds a line to the guild's record of who did what. */
  addDeed(guildId: Snowflake, deed: Deed): Promise<void>;
  /** Newest first. */
  deeds(guildId: Snowflake, limit: number): Promise<readonly Deed[]>;
  /** Deletes those from before a moment. Milliseconds since 1970. */
  forgetDeeds(guildId: Snowflake, before: number): Promise<void>;

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
  /** For each of these messages of one channel or thread, there or not, the one just before it; absent where there is none. */
  previous(guildId: Snowflake, channelId: Snowflake, ids: readonly Snowflake[]): Promise<Map<Snowflake, StoredRecord>>;
  /** Notes of one owner, newest first. */
  notesOf(guildId: Snowflake, ownerId: Snowflake, limit: number): Promise<StoredRecord[]>;
  /** All that is an author's, bit by bit: messages by channel, each oldest first; then notes. */
  authored(guildId: Snowflake, authorId: Snowflake): AsyncIterable<AuthoredRecords>;
  /** Ids of one channel's or thread's messages in a range, newest first. */
  idsInChannel(guildId: Snowflake, channelId: Snowflake, range: IdRange): Promise<Snowflake[]>;

  /** Marks ids for reconciliation whatever the archive holds. @returns these marks, in the order of the ids */
  markPending(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): Promise<PendingEntry[]>;
  /** Newest first, notes before messages: what was just written does not wait behind what a removal, or a time away, has left. */
  pending(guildId: Snowflake, limit: number): Promise<PendingEntry[]>;
  clearPending(guildId: Snowflake, entries: readonly PendingEntry[]): Promise<void>;
}
