// From records to rows: finds each record's context in the archive, prepares its texts and, once they are vectors, makes the rows.

import { createTurns } from "../../async/turns.ts";
import type { Archive, ChannelInfo } from "../../ports/archive.ts";
import type { StoredRecord } from "../../ports/records.ts";
import type { IndexRow } from "../../ports/vector-index.ts";
import { newest, oldest, type Snowflake, snowflakeTime } from "../../snowflake.ts";
import { tagsOf } from "../../tags.ts";
import { CONTEXT_GAP_MS, type PreparedChunk, prepare, skipReason, type TextRecipe } from "./prepare.ts";

/** A record with its texts ready to embed. */
export interface PreparedRecord {
  readonly stored: StoredRecord;
  readonly contextId: Snowflake | undefined;
  /** At least one. */
  readonly chunks: readonly PreparedChunk[];
}

/** What is at hand of the messages around others, to spare the archive a look-up for each. */
export interface KnownContext {
  readonly records: ReadonlyMap<Snowflake, StoredRecord>;
  /** For a message, the message just before it in its channel. */
  readonly previous: ReadonlyMap<Snowflake, StoredRecord>;
  /** Nothing newer than this was left out; milliseconds since 1970. */
  readonly sinceMs: number;
}

const nothingKnown: KnownContext = { records: new Map(), previous: new Map(), sinceMs: Number.POSITIVE_INFINITY };

/**
 * Prepares records of one guild; those with nothing to embed are left out.
 * @param known spares the archive a look-up where it tells
 */
export async function prepareRecords(
  archive: Archive,
  guildId: Snowflake,
  records: readonly StoredRecord[],
  recipe: TextRecipe,
  known: KnownContext = nothingKnown,
): Promise<PreparedRecord[]> {
  const prepared: PreparedRecord[] = [];
  const parents = recipe.context && recipe.replies ? await parentsOf(archive, guildId, records, known) : new Map();
  const previous = createPrevious(archive, guildId, known);
  const alone = records.filter(({ record }) => record.kind === "message" && !parents.has(record.id));
  // What is not at hand may still be known to be too long ago.
  if (recipe.context) await previous.load(alone.filter(({ record }) => known.sinceMs >= earliestMs(record)));
  const titles = recipe.title ? await titlesOf(archive, guildId, records, previous) : new Map<Snowflake, string>();
  const takeTurns = createTurns();
  for (const stored of records) {
    await takeTurns();
    const neighbour = recipe.context ? (parents.get(stored.record.id) ?? nearBefore(stored, previous)) : undefined;
    const title = titles.get(stored.record.id);
    const chunks = prepare(stored.record, { neighbour: neighbour?.record, title }, recipe);
    if (chunks.length > 0) prepared.push({ stored, contextId: neighbour?.record.id, chunks });
  }
  return prepared;
}

/** For messages, the message just before each in its channel. */
interface Previous {
  /** Looks up those that are not at hand. */
  load(records: readonly StoredRecord[]): Promise<void>;
  /** Of what is at hand, or was loaded. */
  of(id: Snowflake): StoredRecord | undefined;
}

function createPrevious(archive: Archive, guildId: Snowflake, known: KnownContext): Previous {
  const looked = new Set<Snowflake>(known.previous.keys());
  const found = new Map<Snowflake, StoredRecord>();
  return {
    async load(records) {
      const unknown = records.map(({ record }) => record).filter(({ id }) => !looked.has(id));
      for (const channelId of new Set(unknown.map((record) => record.channelId))) {
        const ids = unknown.filter((record) => record.channelId === channelId).map(({ id }) => id);
        for (const [id, previous] of await archive.previous(guildId, channelId, ids)) found.set(id, previous);
        for (const id of ids) looked.add(id);
      }
    },
    of: (id) => known.previous.get(id) ?? found.get(id),
  };
}

/**
 * What consecutive records of a guild tell of each other.
 * @param oldestId as far back as they go: every message from there on is among them
 */
export function knownContext(newestFirst: readonly StoredRecord[], oldestId: Snowflake): KnownContext {
  const records = new Map<Snowflake, StoredRecord>();
  const previous = new Map<Snowflake, StoredRecord>();
  const newerInChannel = new Map<Snowflake, Snowflake>();
  for (const stored of newestFirst) {
    const { id, channelId } = stored.record;
    records.set(id, stored);
    const newer = newerInChannel.get(channelId);
    if (newer !== undefined) previous.set(newer, stored);
    newerInChannel.set(channelId, id);
  }
  return { records, previous, sinceMs: snowflakeTime(oldestId) };
}

/** For each reply, the message it answers: if that is in the same channel, whose readers may see both, and has words. */
async function parentsOf(
  archive: Archive,
  guildId: Snowflake,
  records: readonly StoredRecord[],
  known: KnownContext,
): Promise<Map<Snowflake, StoredRecord>> {
  const replies = records.flatMap(({ record }) =>
    record.kind === "message" && record.replyToId !== undefined ? [{ record, parentId: record.replyToId }] : [],
  );
  const unknown = replies.map(({ parentId }) => parentId).filter((id) => !known.records.has(id));
  const found = unknown.length > 0 ? await archive.get(guildId, "message", [...new Set(unknown)]) : new Map();
  const parents = new Map<Snowflake, StoredRecord>();
  for (const { record, parentId } of replies) {
    const parent: StoredRecord | undefined = known.records.get(parentId) ?? found.get(parentId);
    if (parent === undefined || skipReason(parent.record) !== undefined) continue;
    const { channelId, accessChannelId } = parent.record;
    if (channelId === record.channelId && accessChannelId === record.accessChannelId) parents.set(record.id, parent);
  }
  return parents;
}

const earliestMs = ({ id }: StoredRecord["record"]) => snowflakeTime(id) - CONTEXT_GAP_MS;

function nearBefore({ record }: StoredRecord, previous: Previous): StoredRecord | undefined {
  if (record.kind === "note") return undefined;
  const before = previous.of(record.id);
  return before !== undefined && snowflakeTime(before.record.id) >= earliestMs(record) ? before : undefined;
}

/**
 * The name of a thread is the title of the message it began from (which has its id: a forum post, or a message of the channel above), and
 * of the first message in it.
 */
async function titlesOf(
  archive: Archive,
  guildId: Snowflake,
  records: readonly StoredRecord[],
  previous: Previous,
): Promise<Map<Snowflake, string>> {
  const titles = new Map<Snowflake, string>();
  const messages = records.filter(({ record }) => record.kind === "message");
  if (messages.length === 0) return titles;
  const ids = messages.map(({ record }) => record.id);
  const range = { oldestId: oldest(ids), newestId: newest(ids) };
  const begun = new Map((await archive.channels(guildId, range)).map((thread) => [thread.id, thread]));
  const channels = new Map<Snowflake, ChannelInfo | undefined>();
  const within: StoredRecord[] = [];
  for (const stored of messages) {
    const { id, channelId, accessChannelId } = stored.record;
    const thread = begun.get(id);
    if (thread !== undefined) {
      const isAbove = thread.parentId === channelId && thread.accessChannelId === accessChannelId;
      if (isAbove || thread.id === channelId) titles.set(id, thread.name);
    } else if (previous.of(id) === undefined) {
      if (!channels.has(channelId)) channels.set(channelId, await archive.channel(guildId, channelId));
      if (channels.get(channelId)?.parentId !== undefined) within.push(stored);
    }
  }
  await previous.load(within);
  for (const { record } of within) {
    const name = channels.get(record.channelId)?.name;
    if (name !== undefined && previous.of(record.id) === undefined) titles.set(record.id, name);
  }
  return titles;
}

/** The rows of a prepared record. @param vectors one per chunk, in order */
export function toRows(prepared: PreparedRecord, vectors: readonly Float32Array[], runId?: string): IndexRow[] {
  const { record, contentHash } = prepared.stored;
  const tags = tagsOf(record);
  return prepared.chunks.map((chunk, position) => {
    const vector = vectors[position];
    if (vector === undefined) throw new Error("a chunk has no vector");
    return {
      id: record.id,
      chunk: chunk.chunk,
      kind: record.kind,
      channelId: record.channelId,
      accessChannelId: record.accessChannelId,
      ...(record.kind === "note" && record.visibility !== "channel" ? { ownerId: record.authorId } : {}),
      authorId: record.authorId,
      createdAt: snowflakeTime(record.id),
      contentHash,
      ...(runId === undefined ? {} : { runId }),
      ...(prepared.contextId === undefined ? {} : { contextId: prepared.contextId }),
      tags,
      authorName: record.authorName,
      text: chunk.text,
      searchText: chunk.searchText,
      ngrams: chunk.ngrams,
      vector,
    };
  });
}
