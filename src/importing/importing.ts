// Stores an export in the archive of a guild. Nothing is marked pending: a backfill finds what is missing from the index.

import type { Archive, ChannelInfo } from "../ports/archive.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import { compareSnowflakes, LAST_SNOWFLAKE, newest, type Snowflake } from "../snowflake.ts";
import { added } from "../sums.ts";
import type { ExportEntry, ExportedMessage } from "./export-entry.ts";

const RECORDS_PER_SAVE = 2_000;

export interface ImportSummary {
  readonly created: number;
  readonly changed: number;
  readonly same: number;
  /** Lines that could not be used. */
  readonly skipped: number;
  /** Discord's own notices ("… joined the server"). */
  readonly leftOut: number;
}

/**
 * @param onSaved told after each commit what has been done so far
 * @param onProblem told of each line that could not be used
 * @throws whatever the entries or the archive throw; what came before is stored
 */
export async function importEntries(
  archive: Archive,
  guildId: Snowflake,
  entries: AsyncIterable<ExportEntry>,
  told: {
    onSaved?(soFar: ImportSummary): void;
    onProblem?(line: number, problem: string): void;
  } = {},
): Promise<ImportSummary> {
  let summary: ImportSummary = { created: 0, changed: 0, same: 0, skipped: 0, leftOut: 0 };
  // What the archive knows of a channel is from Discord itself, or from an earlier import: no worse than this.
  const known = new Set((await archive.channels(guildId)).map(({ id }) => id));
  const parents = new Map<Snowflake, ArchivedRecord | undefined>();
  let records: ArchivedRecord[] = [];
  let channels: ChannelInfo[] = [];
  const ends = new Map<Snowflake, Snowflake>();

  /** What was written after the export is fetched when the bot first looks, unless it has listened to the channel already. */
  async function rememberEnds(): Promise<void> {
    const since = (await archive.listenedSince(guildId)) ?? LAST_SNOWFLAKE;
    const complete = await archive.completeTo(guildId);
    for (const [channelId, id] of ends) {
      if (!complete.has(channelId) && compareSnowflakes(id, since) < 0) {
        await archive.saveCompleteTo(guildId, channelId, id);
      }
    }
  }

  async function flush(): Promise<void> {
    await archive.saveChannels(guildId, channels);
    const saved = await archive.save(guildId, records, { pending: false });
    summary = added(summary, { ...saved, skipped: 0, leftOut: 0 });
    channels = [];
    records = [];
    told.onSaved?.(summary);
  }

  try {
    for await (const entry of entries) {
      if ("problem" in entry) {
        summary = { ...summary, skipped: summary.skipped + 1 };
        told.onProblem?.(entry.line, entry.problem);
      } else if ("leftOut" in entry) {
        summary = { ...summary, leftOut: summary.leftOut + 1 };
      } else {
        const { record, channel, parent } = await underItsParent(archive, guildId, entry, parents);
        for (const each of [parent, channel]) {
          if (each === undefined || known.has(each.id)) continue;
          known.add(each.id);
          channels.push(each);
        }
        records.push(record);
        const { kind, id, channelId } = record;
        if (kind === "message") ends.set(channelId, newest([ends.get(channelId) ?? id, id]));
        if (records.length >= RECORDS_PER_SAVE) await flush();
      }
    }
  } finally {
    // Also when the file breaks off: what could be read is kept.
    await flush();
    await rememberEnds();
  }
  return summary;
}

/**
 * Some exports of a thread do not tell the channel above it. If the message that the thread began from, which has its id, is in the archive,
 * it is that one's channel.
 */
async function underItsParent(
  archive: Archive,
  guildId: Snowflake,
  entry: ExportedMessage,
  origins: Map<Snowflake, ArchivedRecord | undefined>,
): Promise<ExportedMessage> {
  const { channel, record } = entry;
  if (channel.type !== "public-thread" || channel.parentId !== undefined) return entry;
  if (!origins.has(channel.id)) {
    origins.set(channel.id, (await archive.get(guildId, "message", [channel.id])).get(channel.id)?.record);
  }
  const origin = origins.get(channel.id);
  if (origin === undefined || origin.channelId === channel.id) return entry;
  const { channelId: parentId, accessChannelId } = origin;
  return { channel: { ...channel, parentId, accessChannelId }, record: { ...record, accessChannelId } };
}
