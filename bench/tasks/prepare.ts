// Task: an archive with so many records and no index.

import { openArchive } from "../../src/adapters/denokv/open.ts";
import type { ArchivedRecord } from "../../src/ports.ts";
import { archiveFile, listeningLogger } from "../house.ts";
import { channels, composeRecords, GUILD } from "../records.ts";

const RECORDS_PER_SAVE = 10_000;

export interface PrepareOptions {
  readonly folder: string;
  readonly records: number;
  readonly endsAtMs: number;
  /** Without attachments and embeds: exactly as the stand-in for Discord will show them, so that nothing seems edited. */
  readonly plain?: boolean;
}

export async function run({ folder, records, endsAtMs, plain = false }: PrepareOptions) {
  const { archive, close } = await openArchive({ location: archiveFile(folder), logger: listeningLogger() });
  const startedAt = performance.now();
  await archive.saveChannels(GUILD, channels);
  let some: ArchivedRecord[] = [];
  for (const record of composeRecords(records, endsAtMs, { plain })) {
    some.push(record);
    if (some.length < RECORDS_PER_SAVE) continue;
    await archive.save(GUILD, some, { pending: false });
    some = [];
  }
  await archive.save(GUILD, some, { pending: false });
  await close();
  return { recordsPerSecond: (records * 1000) / (performance.now() - startedAt) };
}
