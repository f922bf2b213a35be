// Takes what must not be found any more out of the index at once: the rows of records that are gone or say something else by now,
// and their words in the rows of others. No embedder is needed for that: it works while live indexing waits for one. What fails
// here is left to live indexing: all of it is marked pending.

import { toError } from "../../errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { GuildIndex, GuildIndexes } from "../guild-index/guild-indexes.ts";
import type { Ownership } from "../guild-index/ownership.ts";
import { affectedBy, rewriteContextUnmarked } from "./rewrite-context.ts";

/** Marks that are looked through, ... */
const MARKS = 20_000;
/** ... and those of them whose rows are in memory at once. */
const TOGETHER = 500;

export interface StalePurge {
  /** Rows in the making from an earlier read of these records will not be written. */
  ofDrafts(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** @param ids records that were edited or deleted */
  of(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** The same for who does it again when it fails. */
  takeOut(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
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
    for (let start = 0; start < ids.length; start += TOGETHER) {
      await purge(archive, guildId, await indexes.open(guildId), ids.slice(start, start + TOGETHER));
    }
  }

  async function takeOutMarked(guildId: Snowflake): Promise<void> {
    const marks = await archive.pending(guildId, MARKS);
    const ids = marks.map(({ id }) => id);
    await takeOut(guildId, ids);
  }

  return {
    ofDrafts: (guildId, ids) => attempt(guildId, async () => (await indexes.open(guildId)).writer.changed(ids)),
    takeOut,
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

/** Rows there are never rewritten: those of another text go, and so do others' words that may have been edited away. */
async function purgeFromFormers(
  { writer }: GuildIndex,
  ids: readonly Snowflake[],
  hashes: ReadonlyMap<Snowflake, string>,
): Promise<void> {
  await writer.exclusively(async (_, formers) => {
    for (const former of formers) {
      const rows = await former.rows(ids);
      const outdated = rows.filter((row) => hashes.get(row.id) !== row.contentHash).map(({ id }) => id);
      if (outdated.length > 0) await former.removeIds(outdated);
    }
  });
  await writer.removeFormerContext(ids);
}

async function purge(archive: Archive, guildId: Snowflake, guild: GuildIndex, ids: readonly Snowflake[]) {
  const { index, writer } = guild;
  const ticket = writer.ticket();
  try {
    const stored = [await archive.get(guildId, "message", ids), await archive.get(guildId, "note", ids)];
    const hashes = new Map(stored.flatMap((each) => [...each]).map(([id, { contentHash }]) => [id, contentHash]));
    const { present, dependents } = await affectedBy(guild, ids);
    const rows = await index.rows(present);
    const outdated = new Set(rows.filter((row) => hashes.get(row.id) !== row.contentHash).map(({ id }) => id));
    // Rows that have been written since the ticket are of the newest text.
    if (outdated.size > 0) await writer.removeIds([...outdated], ticket);
    await purgeFromFormers(guild, ids, hashes);
    await rewriteContextUnmarked(archive, guildId, guild, dependents);
  } finally {
    ticket.release();
  }
}
