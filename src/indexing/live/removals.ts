// Removes whole scopes (an author, a channel, what is too old) from the archive and from all that was made of it, in small steps beside
// everything else: no embedder is needed, nobody waits for more than a step, and the archive remembers each removal until it is done.
// The rows of the scope go first, in one commit, so that nothing of it is found from then on; then the records, and with each step the
// words of these records in the rows of others. Rewritten rows are in no index at first, so the index is put in order now and then,
// while no step is under way: beside one, its compaction would be refused, again and again.

import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { createKeyedWorker } from "../../async/keyed-worker.ts";
import { levelOf, toError } from "../../errors.ts";
import type { Archive, RemovalScope, RemovalStep } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { GuildIndex, GuildIndexes } from "../guild-index/guild-indexes.ts";
import type { Ownership } from "../guild-index/ownership.ts";
import { putInOrder } from "../guild-index/upkeep.ts";
import { removeStale } from "./purge-stale.ts";
import { rewriteContext } from "./rewrite-context.ts";

/** A step takes some tenths of a second. */
const RECORDS_PER_STEP = 1_000;
/**
 * Rows that no index holds yet: looking for rows by id, which each step does, takes 10 ms more for each thousand of them, and so long
 * neighbours that a run wrote are found by their vectors only.
 */
const REWRITTEN_AT_MOST = 10_000;
/** After an error. */
const AGAIN_MS = 5_000;

export interface Removals {
  /** Says that there may be a removal to be done in a guild. */
  kick(guildId: Snowflake): void;
  /** Takes the rows of all that is to be removed out of the index now; what fails is done by the removal itself. */
  hide(guildId: Snowflake): Promise<void>;
  /** Whether rows of the guild are being removed and rewritten. */
  isAtWork(guildId: Snowflake): boolean;
  /** Resolves when no removal is being worked on in any guild. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface RemovalsParts {
  readonly archive: Archive;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly foreground: ForegroundGate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Deletes the generations of a guild that are only kept for the way back: they hold what is being removed. */
  giveUpRetired(guildId: Snowflake): Promise<void>;
}

export function createRemovals(parts: RemovalsParts): Removals {
  const { archive, indexes, ownership, foreground, clock, logger } = parts;
  const stopped = new AbortController();
  const isOurs = (guildId: Snowflake) => !stopped.signal.aborted && ownership.lease(guildId) !== undefined;
  const worker = createKeyedWorker({ mayWork: isOurs, pass: removeAll, failed });
  const atWork = new Set<Snowflake>();

  async function removeAll(guildId: Snowflake): Promise<boolean> {
    atWork.add(guildId);
    try {
      for (const scope of await archive.unfinishedRemovals(guildId)) {
        if (isOurs(guildId)) await remove(guildId, scope);
      }
      // One that has taken the place of another meanwhile.
      return (await archive.unfinishedRemovals(guildId)).length > 0;
    } finally {
      atWork.delete(guildId);
    }
  }

  async function failed(guildId: Snowflake, thrown: unknown): Promise<void> {
    if (stopped.signal.aborted) return;
    logger[levelOf(thrown)]("removal:postponed", { guildId, error: toError(thrown).message });
    await clock.sleep(AGAIN_MS, stopped.signal);
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
      let rewritten = 0;
      for await (const step of archive.removeInSteps(guildId, scope, RECORDS_PER_STEP)) {
        rewritten += await takeOut(guildId, guild, scope, step);
        if (!step.isLeftOver) removed += step.ids.length;
        if (!isOurs(guildId)) return;
        if (rewritten >= REWRITTEN_AT_MOST) {
          await keepInOrder(guildId, guild);
          rewritten = 0;
        }
        await foreground.waitUntilClear(stopped.signal);
      }
      // A page read while the records were still there may have brought rows in between.
      await removeRows(guild, scope);
    }
    const rest = await archive.finishRemoval(guildId, scope);
    if (scope.by === "author") await remakeKept(guildId, scope);
    if (scope.by === "guild") await removeRows(guild, scope);
    logger.info("scope:removed", { guildId, scope: scope.by, removed: removed + rest.removed });
  }

  /** With another bound, some of it is to stay: rows of these may be gone. */
  async function remakeKept(guildId: Snowflake, scope: RemovalScope & { readonly by: "author" }): Promise<void> {
    const isRebound = (other: RemovalScope) =>
      other.by === "author" && other.id === scope.id && other.beforeId !== scope.beforeId;
    if ((await archive.unfinishedRemovals(guildId)).some(isRebound)) await markAuthored(guildId, scope.id);
  }

  /** What fails is upkeep's to do later: nobody's words wait for it. */
  async function keepInOrder(guildId: Snowflake, { index }: GuildIndex): Promise<void> {
    try {
      await putInOrder(index, stopped.signal);
    } catch (thrown) {
      if (!stopped.signal.aborted) logger.warn("removal:untidy", { guildId, error: toError(thrown).message });
    }
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

  /** @returns how many rows of others have been rewritten */
  async function takeOut(
    guildId: Snowflake,
    guild: GuildIndex,
    scope: RemovalScope,
    { kind, ids, isLeftOver, rewriting }: RemovalStep,
  ): Promise<number> {
    // Rows in the making from an earlier read of these records will not be written.
    guild.writer.changed(ids);
    // Some may have been lost while they were being rewritten: they are made anew by live indexing, which needs the embedder.
    if (isLeftOver) await archive.markPending(guildId, kind, ids);
    // The words of a channel's messages are in rows of that channel only.
    else if (scope.by === "channel") return 0;
    const dependents = await removeStale(archive, guildId, guild, ids);
    if (dependents.length === 0) return 0;
    await rewriting(dependents);
    const { done, superseded, contextChanged } = await rewriteContext(archive, guildId, guild, dependents);
    const left = dependents.filter((id) => !done.has(id) || superseded.has(id) || contextChanged.has(id));
    await archive.markPending(guildId, "message", left);
    return done.size;
  }

  return {
    kick: worker.kick,
    isAtWork: (guildId) => atWork.has(guildId),
    async hide(guildId) {
      if (!isOurs(guildId)) return;
      try {
        const guild = await indexes.open(guildId);
        for (const scope of await archive.unfinishedRemovals(guildId)) await removeRows(guild, scope);
      } catch (thrown) {
        logger.warn("removal:postponed", { guildId, error: toError(thrown).message });
      }
    },
    idle: () => worker.idle(),
    async stop() {
      stopped.abort();
      await worker.idle();
    },
  };
}
