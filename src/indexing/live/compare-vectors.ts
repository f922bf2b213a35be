// Finds out whether vectors in an index are still what the embedder gives: some records of each batch are embedded once more, and
// compared with their rows. For what a process has left that was ended before a canary told.

import { splitSearchText } from "../../content-hash.ts";
import type { FaultIsolation } from "../../embedding/fault-isolation.ts";
import type { Archive } from "../../ports/archive.ts";
import type { UnconfirmedBatch } from "../../ports/vector-checks.ts";
import type { Snowflake } from "../../snowflake.ts";
import { dot } from "../../vectors.ts";
import type { GuildIndex } from "../guild-index/guild-indexes.ts";
import { prepareRecords } from "../text/rows.ts";

/** One text, embedded twice by the same model, is as close as that, however the numbers are rounded. Cosine. */
const SAME_FROM = 0.95;
/** Of a batch. More than one: two texts that say the same may have been given each other's vector. */
const SAMPLES = 3;

interface Sample {
  readonly batch: UnconfirmedBatch;
  readonly text: string;
  readonly vector: Float32Array;
}

/**
 * @returns those with a record that has another vector now; undefined when it was stopped before it was clear
 * @throws whatever `FaultIsolation.embed` throws
 */
export async function differing(
  { archive, isolation }: { readonly archive: Archive; readonly isolation: Pick<FaultIsolation, "embed"> },
  guild: GuildIndex,
  batches: readonly UnconfirmedBatch[],
  stop: AbortSignal,
): Promise<Set<UnconfirmedBatch> | undefined> {
  const samples: Sample[] = [];
  for (const batch of batches) samples.push(...(await samplesOf(archive, guild, batch)));
  const job = { priority: "live", abandon: stop, stop } as const;
  const outcomes = await isolation.embed(
    samples.map(({ text }) => text),
    job,
  );
  if (outcomes === undefined) return undefined;
  const differ = new Set<UnconfirmedBatch>();
  for (const [n, { batch, vector }] of samples.entries()) {
    const now = outcomes[n];
    if (now instanceof Float32Array && dot(now, vector) < SAME_FROM) differ.add(batch);
  }
  return differ;
}

/** Of records that say what they said when they were embedded. */
async function samplesOf(archive: Archive, guild: GuildIndex, batch: UnconfirmedBatch): Promise<Sample[]> {
  const { guildId, kind } = batch;
  const ids = spread(batch.ids);
  const written = new Map<Snowflake, { readonly own: string; readonly vector: Float32Array }>();
  for (const { id, chunk, searchText, vector } of await guild.index.rows(ids)) {
    if (chunk === 0) written.set(id, { own: splitSearchText(searchText).own, vector });
  }
  const records = await archive.get(guildId, kind, [...written.keys()]);
  const prepared = await prepareRecords(archive, guildId, [...records.values()], guild.recipe);
  return prepared.flatMap(({ stored, chunks: [first] }) => {
    const row = written.get(stored.record.id);
    if (first === undefined || row === undefined || splitSearchText(first.searchText).own !== row.own) return [];
    return [{ batch, text: first.embeddedText, vector: row.vector }];
  });
}

function spread(ids: readonly Snowflake[]): Snowflake[] {
  const step = Math.max(1, Math.ceil(ids.length / SAMPLES));
  return ids.filter((_, n) => n % step === 0);
}
