// Removes whole scopes (an author, a channel, what is too old) from the archive and from all that was made of it, in small steps beside
// everything else: no embedder is needed, nobody waits for more than a step, and the archive remembers each removal until it is done.
// The rows of the scope go first, in one commit, so that nothing of it is found from then on; then the records, and with each step the
// words of these records in the rows of others.

import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { levelOf, toError } from "../../errors.ts";
import type { Archive, RemovalScope, RemovedRecords } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { GuildIndex, GuildIndexes } from "../guild-index/guild-indexes.ts";
import type { Ownership } from "../guild-index/ownership.ts";
import type { StalePurge } from "./purge-stale.ts";

/** A step takes some tenths of a second. */
const RECORDS_PER_STEP = 500;
/** After an error. */
const AGAIN_MS = 5_000;

export interface Removals {
  /** Says that there may be a removal to be done in a guild. */
  kick(guildId: Snowflake): void;
  /** Takes the rows of all that is to be removed out of the index now; what fails is done by the removal itself. */
  hide(guildId: Snowflake): Promise<void>;
  /** Resolves when no removal is being worked on in any guild. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface RemovalsParts {
  readonly archive: Archive;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly stalePurge: Pick<StalePurge, "takeOut">;
  readonly foreground: ForegroundGate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Deletes the generations of a guild that are only kept for the way back: they hold what is being removed. */
  giveUpRetired(guildId: Snowflake): Promise<void>;
}

export function createRemovals(parts: RemovalsParts): Removals {
  const { archive, indexes, ownership, stalePurge, foreground, clock, logger } = parts;
  const stopped = new AbortController();
  const working = new Map<Snowflake, { again: boolean; done: Promise<void> }>();
  const isOurs = (guildId: Snowflake) => !stopped.signal.aborted && ownership.lease(guildId) !== undefined;

  function kick(guildId: Snowflake) {
    const current = working.get(guildId);
    if (current !== undefined) {
      current.again = true;
      return;
    }
    if (!isOurs(guildId)) return;
    const entry = { again: false, done: Promise.resolve() };
    working.set(guildId, entry);
    entry.done = work(guildId, entry);
  }

  async function work(guildId: Snowflake, entry: { again: boolean }): Promise<void> {
    do {
      entry.again = false;
      try {
        for (const scope of await archive.unfinishedRemovals(guildId)) {
          if (isOurs(guildId)) await remove(guildId, scope);
        }
        // One that has taken the place of another meanwhile.
        entry.again ||= (await archive.unfinishedRemovals(guildId)).length > 0;
      } catch (thrown) {
        entry.again = true;
        if (stopped.signal.aborted) break;
        logger[levelOf(thrown)]("removal:postponed", { guildId, error: toError(thrown).message });
        await clock.sleep(AGAIN_MS, stopped.signal);
      }
    } while (entry.again && isOurs(guildId));
    working.delete(guildId);
  }

  async function remove(guildId: Snowflake, scope: RemovalScope): Promise<void> {
    const guild = await indexes.open(guildId);
    await removeRows(guild, scope);
    let removed = 0;
    if (scope.by !== "guild") {
      // What is too old leaves every day: then the names go with the old versions, in time (see erasure.ts).
      if (scope.by !== "age") {
        await guild.writer.untag();
        await parts.giveUpRetired(guildId);
      }
      for await (const step of archive.removeInSteps(guildId, scope, RECORDS_PER_STEP)) {
        await takeOut(guildId, guild, scope, step);
        removed += step.ids.length;
        if (!isOurs(guildId)) return;
        await foreground.waitUntilClear(stopped.signal);
      }
      // A page read while the records were still there may have brought rows in between.
      await removeRows(guild, scope);
    }
    const rest = await archive.finishRemoval(guildId, scope);
    // With another bound some of it is to stay: rows of these may be gone, and are made again.
    if (!rest.isOver && scope.by === "author") await markAuthored(guildId, scope.id);
    if (scope.by === "guild") await removeRows(guild, scope);
    logger.info("scope:removed", { guildId, scope: scope.by, removed: removed + rest.removed });
  }

  async function markAuthored(guildId: Snowflake, authorId: Snowflake): Promise<void> {
    for await (const { kind, ids } of archive.authored(guildId, authorId)) {
      await archive.markPending(guildId, kind === "message" ? "message" : "note", ids);
    }
  }

  async function removeRows({ writer }: GuildIndex, scope: RemovalScope): Promise<void> {
    writer.scopeRemoved(scope);
    await writer.removeScope(scope);
  }

  async function takeOut(guildId: Snowflake, { writer }: GuildIndex, scope: RemovalScope, step: RemovedRecords) {
    // Rows in the making from an earlier read of these records will not be written.
    writer.changed(step.ids);
    // The words of a channel's messages are in rows of that channel only.
    if (scope.by === "channel") return;
    await stalePurge.takeOut(guildId, step.ids);
    await archive.clearPending(guildId, step.marks);
  }

  return {
    kick,
    async hide(guildId) {
      if (!isOurs(guildId)) return;
      try {
        const guild = await indexes.open(guildId);
        for (const scope of await archive.unfinishedRemovals(guildId)) await removeRows(guild, scope);
      } catch (thrown) {
        logger.warn("removal:postponed", { guildId, error: toError(thrown).message });
      }
    },
    async idle() {
      while (working.size > 0) await Promise.all([...working.values()].map(({ done }) => done));
    },
    async stop() {
      stopped.abort();
      await Promise.all([...working.values()].map(({ done }) => done));
    },
  };
}
