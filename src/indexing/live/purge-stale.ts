// Takes what must not be found any more out of the index at once: the rows of records that are gone or say something else by now,
// and their words in the rows of others. No embedder is needed for that: it works while live indexing waits for one. What fails
// here is left to live indexing: all of it is marked pending.

import { toError } from "../../errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { IndexRow } from "../../ports/vector-index.ts";
import { slices } from "../../slices.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { GuildIndex, GuildIndexes } from "../guild-index/guild-indexes.ts";
import type { Ownership } from "../guild-index/ownership.ts";
import { rewriteContextUnmarked } from "./rewrite-context.ts";

/** Marks that are looked through, ... */
const MARKS = 20_000;
/** ... and those of them whose rows are in memory at once. */
const TOGETHER = 500;

export interface StalePurge {
  /** Rows in the making from an earlier read of these records will not be written. */
  ofDrafts(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** @param ids records that were edited or deleted */
  of(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** Whatever is marked. */
  ofMarked(guildId: Snowflake): Promise<void>;
  /** What was marked before this process owned the guild: once per lease. */
  ofLeftOver(guildId: Snowflake): Promise<void>;
}

export function createStalePurge(parts: {
  readonly archive: Archive;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly logger: Logger;
}): StalePurge {
  const { archive, indexes, ownership, logger } = parts;
  /** By which lease what was left over has been purged. */
  const lookedThrough = new Map<Snowflake, number>();

  async function attempt(guildId: Snowflake, work: () => Promise<void>): Promise<void> {
    if (ownership.lease(guildId) === undefined) return;
    try {
      await work();
    } catch (thrown) {
      logger.warn("stalePurge:postponed", { guildId, error: toError(thrown).message });
    }
  }

  async function takeOut(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void> {
    for (const some of slices(ids, TOGETHER)) await purge(archive, guildId, await indexes.open(guildId), some);
  }

  async function takeOutMarked(guildId: Snowflake): Promise<void> {
    const marks = await archive.pending(guildId, MARKS);
    const ids = marks.map(({ id }) => id);
    await takeOut(guildId, ids);
  }

  return {
    ofDrafts: (guildId, ids) => attempt(guildId, async () => (await indexes.open(guildId)).writer.changed(ids)),
    of: (guildId, ids) => attempt(guildId, () => takeOut(guildId, ids)),
    ofMarked: (guildId) => attempt(guildId, () => takeOutMarked(guildId)),
    ofLeftOver: (guildId) =>
      attempt(guildId, async () => {
        const token = ownership.lease(guildId)?.token;
        if (token === undefined || lookedThrough.get(guildId) === token) return;
        await takeOutMarked(guildId);
        lookedThrough.set(guildId, token);
      }),
  };
}

async function purge(archive: Archive, guildId: Snowflake, guild: GuildIndex, ids: readonly Snowflake[]) {
  const dependents = await removeStale(archive, guildId, guild, ids);
  await rewriteContextUnmarked(archive, guildId, guild, dependents);
}

/**
 * Removes what rows of these records say something else than the archive.
 * @returns messages whose rows still carry words of theirs
 */
export async function removeStale(
  archive: Archive,
  guildId: Snowflake,
  guild: GuildIndex,
  ids: readonly Snowflake[],
): Promise<readonly Snowflake[]> {
  const { index, writer } = guild;
  const ticket = writer.ticket();
  try {
    const { present, dependents } = await writer.affected(ids);
    const outdated = present.length > 0 ? await outdatedAmong(archive, guildId, await index.rows(present)) : [];
    // Rows that have been written since the ticket are of the newest text.
    if (outdated.length > 0) await writer.removeIds(outdated, ticket);
    await purgeFromFormers(archive, guildId, guild, ids);
    const gone = new Set(outdated);
    return dependents.filter((id) => !gone.has(id));
  } finally {
    ticket.release();
  }
}

/** Rows there are never rewritten: those of another text go, and so do others' words that may have been edited away. */
async function purgeFromFormers(
  archive: Archive,
  guildId: Snowflake,
  { writer }: GuildIndex,
  ids: readonly Snowflake[],
): Promise<void> {
  await writer.exclusively(async (_, formers) => {
    for (const former of formers) {
      const outdated = await outdatedAmong(archive, guildId, await former.rows(ids));
      if (outdated.length > 0) await former.removeIds(outdated);
    }
  });
  await writer.removeFormerContext(ids);
}

async function outdatedAmong(archive: Archive, guildId: Snowflake, rows: readonly IndexRow[]): Promise<Snowflake[]> {
  const ids = [...new Set(rows.map(({ id }) => id))];
  const stored = [await archive.get(guildId, "message", ids), await archive.get(guildId, "note", ids)];
  const hashes = new Map(stored.flatMap((each) => [...each]).map(([id, { contentHash }]) => [id, contentHash]));
  return [...new Set(rows.filter((row) => hashes.get(row.id) !== row.contentHash).map(({ id }) => id))];
}
