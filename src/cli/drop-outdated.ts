// After an index was set back to an earlier version: what has been edited or deleted since must not be found again.

import { type Sources, walk } from "../backfill/compare/difference.ts";
import type { IndexWriter } from "../indexing/guild-index/writer.ts";
import { ALL_IDS, type Snowflake } from "../snowflake.ts";

const PAGE = 2_000;

/**
 * Takes rows out that do not match the archive, and those that carry words of such a record as context.
 * @returns records whose rows were taken out, and records that are to be embedded (again)
 */
export async function dropOutdated(
  sources: Sources,
  writer: IndexWriter,
  guildId: Snowflake,
): Promise<{ readonly removed: number; readonly missing: number }> {
  const outdated = new Set<Snowflake>();
  let missing = 0;
  let orphans = 0;
  for (const kind of ["message", "note"] as const) {
    for await (const page of walk(sources, guildId, { kind, ...ALL_IDS }, PAGE)) {
      for (const { stored, state } of page.records) {
        if (state === "missing") missing += 1;
        if (state === "stale") outdated.add(stored.record.id);
      }
      orphans += page.orphans.length;
      for (const id of [...page.orphans, ...page.duplicates]) outdated.add(id);
    }
  }
  const removed = await writer.exclusively(async (index) => {
    const unwanted = new Set([...outdated, ...(await index.affected([...outdated])).dependents]);
    await index.removeIds([...unwanted]);
    return unwanted.size;
  });
  return { removed, missing: missing + removed - orphans };
}
