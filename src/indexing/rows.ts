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

/**
 * Prepares records of one guild; those with nothing to embed are left out.
 * @param known records already at hand (newest first or in any order), to spare the archive a look-up
 */
export async function prepareRecords(
  archive: Archive,
  guildId: Snowflake,
  records: readonly StoredRecord[],
  recipe: TextRecipe,
  known: PreviousInChannel = previousInChannel([]),
): Promise<PreparedRecord[]> {
  const prepared: PreparedRecord[] = [];
  for (const stored of records) {
    const context = recipe.context ? await contextOf(archive, guildId, stored, known) : undefined;
    const chunks = prepare(stored.record, context?.record, recipe);
    if (chunks.length > 0) prepared.push({ stored, contextId: context?.record.id, chunks });
  }
  return prepared;
}

/** For a message, the message just before it in its channel: undefined when the page does not tell. */
export type PreviousInChannel = ReadonlyMap<Snowflake, StoredRecord>;

/** From consecutive records of a guild, newest first: which of them comes just before which. */
export function previousInChannel(newestFirst: readonly StoredRecord[]): PreviousInChannel {
  const previous = new Map<Snowflake, StoredRecord>();
  const newerInChannel = new Map<Snowflake, Snowflake>();
  for (const stored of newestFirst) {
    const { id, channelId } = stored.record;
    const newer = newerInChannel.get(channelId);
    if (newer !== undefined) previous.set(newer, stored);
    newerInChannel.set(channelId, id);
  }
  return previous;
}

async function contextOf(
  archive: Archive,
  guildId: Snowflake,
  { record }: StoredRecord,
  known: PreviousInChannel,
): Promise<StoredRecord | undefined> {
  if (record.kind === "note") return undefined;
  const before =
    known.get(record.id) ?? (await archive.neighbours(guildId, record.channelId, record.id, "before", 1))[0];
  if (before === undefined) return undefined;
  return snowflakeTime(record.id) - snowflakeTime(before.record.id) > CONTEXT_GAP_MS ? undefined : before;
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
