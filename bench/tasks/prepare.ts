// Task: an archive with so many records, all there are, and no index.

import { openArchive } from "../../src/adapters/denokv/open.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { newest, type Snowflake } from "../../src/snowflake.ts";
import { channels, composeRecords, guildIds, type RecordKind } from "../records.ts";
import { archiveFile, listeningLogger } from "../setup.ts";

const RECORDS_PER_SAVE = 10_000;

/** `plain` is as the stand-in for Discord will show them, so that nothing seems edited. */
export interface PrepareOptions extends RecordKind {
  readonly folder: string;
  readonly records: number;
  readonly endsAtMs: number;
  /** Dealt out to so many guilds, each a stretch of time. Default: 1. */
  readonly guilds?: number;
}

export async function run({ folder, records, endsAtMs, guilds = 1, ...kind }: PrepareOptions) {
  const { archive, close } = await openArchive({ location: archiveFile(folder), logger: listeningLogger() });
  const startedAt = performance.now();
  const composed = composeRecords(records, endsAtMs, kind);
  for (const guildId of guildIds(guilds)) {
    await archive.saveChannels(guildId, channels);
    const reaches = new Map<Snowflake, Snowflake>();
    for (let left = Math.ceil(records / guilds); left > 0; left -= RECORDS_PER_SAVE) {
      const some = next(composed, Math.min(left, RECORDS_PER_SAVE));
      await archive.save(guildId, some, { pending: false });
      for (const { channelId, id } of some) reaches.set(channelId, newest([id, reaches.get(channelId) ?? id]));
    }
    // As an import does: a bot that finds it fetches all that is not known to be complete anew, while it is being measured.
    for (const [channelId, id] of reaches) await archive.saveCompleteTo(guildId, channelId, id);
  }
  await close();
  return { recordsPerSecond: (records * 1000) / (performance.now() - startedAt) };
}

/** Fewer at the end. */
function next(records: Iterator<ArchivedRecord>, count: number): ArchivedRecord[] {
  const some: ArchivedRecord[] = [];
  while (some.length < count) {
    const { done, value } = records.next();
    if (done) break;
    some.push(value);
  }
  return some;
}
