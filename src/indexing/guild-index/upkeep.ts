// Index upkeep on measured need: rows that the indexes do not hold yet, small fragments and old versions slow searches down and
// fill the disk; upkeep costs a rewrite of the indexes. Looks now and then at those that were written to or searched since, one at a
// time: however many guilds there are, only they can have come to need it.

import { every } from "../../async/intervals.ts";
import { levelOf, toError } from "../../errors.ts";
import { getOrMake } from "../../maps.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { FormerIndex, IndexStats } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { GuildIndexes } from "./guild-indexes.ts";

const LOOK_EVERY_MS = 10_000;
/** Each costs a search 30 µs of CPU, and from here on the words of those that a run wrote are not found. */
const MANY_UNINDEXED = 1_000;
const MANY_FRAGMENTS = 40;
/** Not worth a rewrite of the indexes, unless searches are slow. */
const SOME_UNINDEXED = 200;
const SOME_FRAGMENTS = 10;
/** Half of the searches take longer: as long as people should ever wait is 100 ms. */
const SLOW_SEARCH_MS = 50;
/** Removing one message after the other makes a version each, and nothing else that would be noticed. */
const MANY_VERSIONS = 1_000;
/** A copy of a large index is worth this much time at most. */
const SHED_AFTER_MS = 30 * 60_000;
/** After upkeep comes at least this many times as long without: a bulk load gives it a fifth of the machine, whatever the size. */
const REST = 4;
/**
 * What it takes on two threads that have other work too. As many times as long comes before it, unless searches are slow: rows that come faster than that
 * are indexed once, when all are there. A million take 45 s then; in three parts, each of which moves all that is there already, 130.
 */
const UPKEEP_MS_PER_ROW = 0.06;
/** Rows a second. */
export const OUTRUNS_UPKEEP = 1_000 / (UPKEEP_MS_PER_ROW * REST);
/** So many of the latest searches tell how long one takes. */
const SEARCHES_REMEMBERED = 20;

/**
 * Why an index wants upkeep; undefined when it does not.
 * @param searchMs what half of the latest searches stayed below; undefined when there were none
 */
export function upkeepReason(
  { unindexedRows, fragments, versions }: IndexStats,
  searchMs: number | undefined,
): string | undefined {
  if (unindexedRows >= MANY_UNINDEXED) return "rows not indexed";
  if (fragments > MANY_FRAGMENTS) return "small fragments";
  if (versions > MANY_VERSIONS) return "old versions";
  const isUntidy = unindexedRows >= SOME_UNINDEXED || fragments > SOME_FRAGMENTS;
  if (isUntidy && isSlow(searchMs)) return "slow searches";
  return undefined;
}

const isSlow = (searchMs: number | undefined) => searchMs !== undefined && searchMs > SLOW_SEARCH_MS;

/** @throws the signal's reason when it aborts */
export function putInOrder(index: Pick<FormerIndex, "optimize">, signal: AbortSignal): Promise<void> {
  return index.optimize({ signal });
}

export interface Maintenance {
  /** Says that a guild's index is being changed or searched. */
  markDirty(guildId: Snowflake): void;
  /** The guild has been left: its index is not to be opened again. */
  forget(guildId: Snowflake): void;
  /** Looks at one guild now. */
  look(guildId: Snowflake): Promise<void>;
  /** The index with its searches timed: how long they take has a say in when upkeep is due. The same object each time. */
  timed(guildId: Snowflake, index: FormerIndex): FormerIndex;
  stop(): Promise<void>;
}

/** What is known of one guild's index in this process. */
interface Watched {
  restUntilMs: number;
  /**
   * Since when old versions of its indexes have taken more than they are worth: what upkeep replaces last stays until the next one. Infinite
   * where that has come to nothing: where rows trickle in, upkeep for this alone would leave as much again.
   */
  readonly bulkySinceMs: WeakMap<FormerIndex, number>;
  /** Since when it waits for upkeep: since it was first seen to want it, or since the latest. */
  readonly waitingSinceMs: WeakMap<FormerIndex, number>;
  readonly searchesMs: number[];
  readonly timed: WeakMap<FormerIndex, FormerIndex>;
}

/**
 * @param mayChange whether a guild's index is this process's to change now
 * @param onFailed told of every upkeep that did not come to its end; it is tried again
 */
export function createMaintenance(
  indexes: Pick<GuildIndexes, "open">,
  mayChange: (guildId: Snowflake) => boolean,
  clock: Clock,
  logger: Logger,
  onFailed: () => void = () => {},
): Maintenance {
  const stopped = new AbortController();
  const watched = new Map<Snowflake, Watched>();
  const dirty = new Set<Snowflake>();

  function watch(guildId: Snowflake): Watched {
    return getOrMake(watched, guildId, () => ({
      restUntilMs: 0,
      bulkySinceMs: new WeakMap(),
      waitingSinceMs: new WeakMap(),
      searchesMs: [],
      timed: new WeakMap(),
    }));
  }

  /** Unless it has been left meanwhile. */
  function lookAgain(guildId: Snowflake): void {
    if (watched.has(guildId)) dirty.add(guildId);
  }

  /** Whether old versions have taken too much for long enough. */
  function canShed({ bulkySinceMs }: Watched, index: FormerIndex, { isBulky }: IndexStats): boolean {
    const now = clock.elapsed();
    const since = bulkySinceMs.get(index) ?? now;
    if (isBulky) bulkySinceMs.set(index, since);
    else bulkySinceMs.delete(index);
    return isBulky && now - since > SHED_AFTER_MS;
  }

  /** Whether it has wanted upkeep for as long as so many rows must wait for it. */
  function hasWaited({ waitingSinceMs }: Watched, index: FormerIndex, { unindexedRows }: IndexStats): boolean {
    const now = clock.elapsed();
    const since = waitingSinceMs.get(index) ?? now;
    waitingSinceMs.set(index, since);
    return now - since >= unindexedRows * UPKEEP_MS_PER_ROW * REST;
  }

  async function lookAt(guildId: Snowflake, guild: Watched, index: FormerIndex): Promise<void> {
    const before = await index.stats();
    const searchMs = median(guild.searchesMs);
    const shed = canShed(guild, index, before);
    const reason = upkeepReason(before, searchMs) ?? (shed ? "old versions" : undefined);
    // It is looked at again later, though nothing changes meanwhile.
    if (before.isBulky && guild.bulkySinceMs.get(index) !== Number.POSITIVE_INFINITY) lookAgain(guildId);
    if (reason === undefined) {
      guild.waitingSinceMs.delete(index);
      return;
    }
    if (!hasWaited(guild, index, before) && !isSlow(searchMs)) {
      lookAgain(guildId);
      return;
    }
    if (shed) guild.bulkySinceMs.set(index, Number.POSITIVE_INFINITY);
    else guild.bulkySinceMs.delete(index);
    const startedAt = clock.elapsed();
    try {
      await putInOrder(index, stopped.signal);
    } finally {
      const now = clock.elapsed();
      guild.restUntilMs = now + (now - startedAt) * REST;
      guild.searchesMs.length = 0;
      guild.waitingSinceMs.set(index, now);
      // It may be long before there is more to do: then it has not waited since.
      lookAgain(guildId);
    }
    const { unindexedRows, fragments, versions } = before;
    const tookMs = Math.round(clock.elapsed() - startedAt);
    logger.info("upkeep:done", { guildId, reason, unindexedRows, fragments, versions, searchMs, tookMs });
  }

  async function look(guildId: Snowflake): Promise<void> {
    const guild = watch(guildId);
    if (clock.elapsed() < guild.restUntilMs) return;
    // Before it is looked at: what comes meanwhile is looked at next time.
    dirty.delete(guildId);
    try {
      const { searched } = await indexes.open(guildId);
      for (const { index } of searched) await lookAt(guildId, guild, index);
    } catch (thrown) {
      if (stopped.signal.aborted) return;
      lookAgain(guildId);
      onFailed();
      logger[levelOf(thrown)]("upkeep:failed", { guildId, error: toError(thrown).message });
    }
  }

  const looking = every(LOOK_EVERY_MS, clock, stopped.signal, async () => {
    for (const guildId of [...dirty]) if (!stopped.signal.aborted && mayChange(guildId)) await look(guildId);
  });

  return {
    look,
    markDirty: (guildId) => void dirty.add(guildId),
    forget(guildId) {
      dirty.delete(guildId);
      watched.delete(guildId);
    },
    timed(guildId, index) {
      const guild = watch(guildId);
      const { searchesMs } = guild;
      const candidates: FormerIndex["candidates"] = async (asked) => {
        let startedAt = clock.elapsed();
        const vector = asked.vector.then((known) => {
          // The wait for the embedder is not the index's.
          startedAt = clock.elapsed();
          return known;
        });
        const found = await index.candidates({ ...asked, vector });
        searchesMs.push(clock.elapsed() - startedAt);
        dirty.add(guildId);
        if (searchesMs.length > SEARCHES_REMEMBERED) searchesMs.shift();
        return found;
      };
      return getOrMake(guild.timed, index, () => ({ ...index, candidates }));
    },
    async stop() {
      stopped.abort();
      await looking;
    },
  };
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}
