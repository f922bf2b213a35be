// From records to rows: finds each record's context in the archive, prepares its texts and, once they are vectors, makes the rows.

import type { Archive, IndexRow, StoredRecord } from "../ports.ts";
import { type Snowflake, snowflakeTime } from "../snowflake.ts";
import { CONTEXT_GAP_MS, type PreparedChunk, prepare, type TextRecipe, whatItHas } from "./text.ts";

/** A record with its texts ready to embed. */
export interface PreparedRecord {
  readonly stored: StoredRecord;
  readonly contextId: Snowflake | undefined;
  /** At least one. */
  readonly chunks: readonly PreparedChunk[];
}

/** What is at hand of the messages before others, to spare the archive a look-up for each. */
export interface KnownContext {
  /** For a message, the message just before it in its channel. */
  readonly previous: ReadonlyMap<Snowflake, StoredRecord>;
  /** Nothing newer than this was left out; milliseconds since 1970. */
  readonly sinceMs: number;
}

const nothingKnown: KnownContext = { previous: new Map(), sinceMs: Number.POSITIVE_INFINITY };

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
  for (const stored of records) {
    const context = recipe.context ? await contextOf(archive, guildId, stored, known) : undefined;
    const chunks = prepare(stored.record, context?.record, recipe);
    if (chunks.length > 0) prepared.push({ stored, contextId: context?.record.id, chunks });
  }
  return prepared;
}

/**
 * What consecutive records of a guild tell of each other.
 * @param oldestId as far back as they go: every message from there on is among them
 */
export function knownContext(newestFirst: readonly StoredRecord[], oldestId: Snowflake): KnownContext {
  const previous = new Map<Snowflake, StoredRecord>();
  const newerInChannel = new Map<Snowflake, Snowflake>();
  for (const stored of newestFirst) {
    const { id, channelId } = stored.record;
    const newer = newerInChannel.get(channelId);
    if (newer !== undefined) previous.set(newer, stored);
    newerInChannel.set(channelId, id);
  }
  return { previous, sinceMs: snowflakeTime(oldestId) };
}

async function contextOf(
  archive: Archive,
  guildId: Snowflake,
  { record }: StoredRecord,
  known: KnownContext,
): Promise<StoredRecord | undefined> {
  if (record.kind === "note") return undefined;
  const earliestMs = snowflakeTime(record.id) - CONTEXT_GAP_MS;
  let before = known.previous.get(record.id);
  // What is not at hand may still be known to be too long ago.
  if (before === undefined && known.sinceMs >= earliestMs) {
    [before] = await archive.neighbours(guildId, record.channelId, record.id, "before", 1);
  }
  return before !== undefined && snowflakeTime(before.record.id) >= earliestMs ? before : undefined;
}

/** The rows of a prepared record. @param vectors one per chunk, in order */
export function toRows(prepared: PreparedRecord, vectors: readonly Float32Array[], runId?: string): IndexRow[] {
  const { record, contentHash } = prepared.stored;
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
      has: whatItHas(record),
      authorName: record.authorName,
      text: chunk.text,
      searchText: chunk.searchText,
      vector,
    };
  });
}
