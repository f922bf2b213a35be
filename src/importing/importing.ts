// Stores an export in the archive of a guild. Nothing is marked pending: a backfill finds what is missing from the index.

import type { Archive, ChannelInfo } from "../ports/archive.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import type { Snowflake } from "../snowflake.ts";
import type { ExportEntry } from "./export-entry.ts";

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
  let records: ArchivedRecord[] = [];
  let channels: ChannelInfo[] = [];

  async function flush(): Promise<void> {
    await archive.saveChannels(guildId, channels);
    const { created, changed, same } = await archive.save(guildId, records, { pending: false });
    summary = {
      ...summary,
      created: summary.created + created,
      changed: summary.changed + changed,
      same: summary.same + same,
    };
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
        for (const channel of [entry.parent, entry.channel]) {
          if (channel === undefined || known.has(channel.id)) continue;
          known.add(channel.id);
          channels.push(channel);
        }
        records.push(entry.record);
        if (records.length >= RECORDS_PER_SAVE) await flush();
      }
    }
  } finally {
    // Also when the file breaks off: what could be read is kept.
    await flush();
  }
  return summary;
}
