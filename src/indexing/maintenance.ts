// Index upkeep on measured need: small fragments and unindexed rows slow searches down, old versions fill the disk. Looks now and
// then at the guilds whose index has been written to, one guild at a time.

import { toError } from "../errors.ts";
import type { Clock, IndexStats, Logger, VectorIndex } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";
import type { GuildIndexes } from "./guild-indexes.ts";

const LOOK_EVERY_MS = 10_000;
/** 10,000 unindexed rows in 50 fragments doubled the latency of a search (DESIGN section 9). */
const MANY_UNINDEXED = 5_000;
const MANY_FRAGMENTS = 40;
/** Readers of an old version are done after this; tagged versions stay. */
const KEEP_VERSIONS_MS = 10 * 60_000;

/** True when a search has begun to feel the new rows. */
export function needsUpkeep({ unindexedRows, fragments }: IndexStats): boolean {
  return unindexedRows > MANY_UNINDEXED || fragments > MANY_FRAGMENTS;
}

/** Builds what is missing, folds new rows into the indexes, compacts, and drops old versions. Searches and writes go on meanwhile. */
export async function putInOrder(index: VectorIndex): Promise<void> {
  await index.buildIndexes();
  await index.optimize({ keepVersionsMs: KEEP_VERSIONS_MS });
}

export interface Maintenance {
  /** Looks at one guild now. */
  look(guildId: Snowflake): Promise<void>;
  stop(): Promise<void>;
}

export function createMaintenance(
  indexes: GuildIndexes,
  guilds: () => Iterable<Snowflake>,
  clock: Clock,
  logger: Logger,
): Maintenance {
  const stopped = new AbortController();

  async function look(guildId: Snowflake): Promise<void> {
    try {
      const { index } = await indexes.open(guildId);
      const before = await index.stats();
      if (!needsUpkeep(before)) return;
      const startedAt = clock.elapsed();
      await putInOrder(index);
      logger.info("upkeep:done", {
        guildId,
        unindexedRows: before.unindexedRows,
        fragments: before.fragments,
        tookMs: Math.round(clock.elapsed() - startedAt),
      });
    } catch (thrown) {
      logger.error("upkeep:failed", { guildId, error: toError(thrown).message });
    }
  }

  async function keepLooking(): Promise<void> {
    while (!stopped.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, stopped.signal);
      for (const guildId of guilds()) {
        if (stopped.signal.aborted) return;
        await look(guildId);
      }
    }
  }
  const looking = keepLooking();

  return {
    look,
    async stop() {
      stopped.abort();
      await looking;
    },
  };
}
