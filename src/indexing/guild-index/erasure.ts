// Sees to it that what was deleted is in no file any more some hours later: old versions of the index and names of such, files that hold
// removed rows beside others, indexes of words, files that a killed process left, quarantine entries of what is gone, and the archive's
// own file. Guild by guild, at most twice in that time, and only where something was deleted or edited since.

import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { every } from "../../async/intervals.ts";
import { levelOf, toError } from "../../errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DeletionMark, ErasureStore } from "../../ports/erasure.ts";
import type { Logger } from "../../ports/logger.ts";
import type { QuarantineStore } from "../../ports/quarantine.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { FormerIndex, UpkeepOptions } from "../../ports/vector-index.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake, snowflakeBefore } from "../../snowflake.ts";
import type { GuildIndex, GuildIndexes } from "./guild-indexes.ts";
import type { Ownership } from "./ownership.ts";

/** Where nothing else is set. */
export const KEEP_DELETED_HOURS = 24;
/** Readers of an old version are done after this. */
const READERS_MS = 10 * 60_000;
const LOOK_EVERY_MS = 10 * 60_000;
const LOOK_AT_MOST_EVERY_MS = 1_000;
const ENTRIES_AT_ONCE = 1_000;

export interface Erasure {
  /** Looks now. Resolves when what is due has been begun, or ended. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

export interface ErasureParts {
  readonly erasureStore: ErasureStore;
  readonly archive: Pick<Archive, "get" | "guilds" | "pending" | "unfinishedRemovals">;
  readonly quarantine: Pick<QuarantineStore, "list" | "release">;
  readonly indexes: Pick<GuildIndexes, "open">;
  readonly ownership: Pick<Ownership, "lease">;
  readonly foreground: ForegroundGate;
  /** So long after its deletion nothing of a message is left. */
  readonly keepDeletedHours: number;
  /** What embedding servers have said about batches before this moment may repeat words of them: it is to be shortened. */
  forgetReasons(guildId: Snowflake, before: number): Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Begun {
  readonly mark: DeletionMark;
  readonly at: number;
  /** From then on nobody reads what was replaced. */
  readonly sweepAt: number;
  /** No version has a name that it had before. */
  readonly isAll: boolean;
}

export function createErasure(parts: ErasureParts): Erasure {
  const { erasureStore, archive, quarantine, indexes, ownership, foreground, clock, logger } = parts;
  const keptMs = parts.keepDeletedHours * 3_600_000;
  // From a deletion to the next beginning half the time passes at most, and to its end these, twice.
  const everyMs = keptMs / 2;
  const lookEveryMs = Math.max(LOOK_AT_MOST_EVERY_MS, Math.min(LOOK_EVERY_MS, keptMs / 16));
  const readersMs = Math.min(READERS_MS, keptMs / 16);
  const stopped = new AbortController();
  const { signal } = stopped;
  const begun = new Map<Snowflake, Begun>();
  /** Marks as they were at an earlier look: what was deleted until then has left the index's rows meanwhile. */
  const seen = new Map<Snowflake, DeletionMark>();

  const isOurs = (guildId: Snowflake) => !signal.aborted && ownership.lease(guildId) !== undefined;

  async function tablesOf({ writer }: GuildIndex): Promise<readonly FormerIndex[]> {
    return await writer.exclusively(async (index, formers) => [index, ...formers]);
  }

  async function begin(mark: DeletionMark): Promise<void> {
    const { guildId } = mark;
    const at = clock.now();
    seen.delete(guildId);
    // Rows of what was deleted may still be there: then all of this is done once more.
    const left = [await archive.pending(guildId, 1), await archive.unfinishedRemovals(guildId)].flat().length;
    await parts.forgetReasons(guildId, at - everyMs);
    for (const kind of ["message", "note"] as const) await releaseGone(guildId, kind);
    const guild = await indexes.open(guildId);
    let names = 0;
    for (const table of await tablesOf(guild)) {
      names += await guild.writer.exclusively(() => table.untag(keptMs / 4));
      for (const part of await table.wornParts()) await renew(guild, table, part);
      await table.optimize({ keepVersionsMs: readersMs, erase: "rebuild", signal });
    }
    begun.set(guildId, { mark, at, sweepAt: clock.now() + readersMs, isAll: names + left === 0 });
  }

  async function renew({ writer }: GuildIndex, table: FormerIndex, part: number): Promise<void> {
    while (await writer.exclusively(() => table.renewPart(part))) {
      signal.throwIfAborted();
      await foreground.waitUntilClear(signal);
    }
  }

  async function end(guildId: Snowflake, { mark, at, isAll }: Begun): Promise<void> {
    begun.delete(guildId);
    const guild = await indexes.open(guildId);
    const options: UpkeepOptions = { keepVersionsMs: readersMs, erase: "sweep", signal };
    for (const table of await tablesOf(guild)) await guild.writer.exclusively(() => table.optimize(options));
    await finish(mark, at, isAll);
  }

  async function finish(mark: DeletionMark, at: number, isAll: boolean): Promise<void> {
    seen.delete(mark.guildId);
    const isCompact = await erasureStore.compact(at, clock.now());
    await erasureStore.erased(mark, at, isAll);
    logger.info("guild:erased", { guildId: mark.guildId, isCompact, isAll });
  }

  /** Entries of records that are gone, or say something else: their reasons may repeat words of these. */
  async function releaseGone(guildId: Snowflake, kind: RecordKind): Promise<void> {
    for (let newestId = LAST_SNOWFLAKE; ; ) {
      const range = { newestId, oldestId: FIRST_SNOWFLAKE };
      const entries = await quarantine.list(guildId, kind, range, ENTRIES_AT_ONCE);
      const ids = entries.map(({ id }) => id);
      const records = await archive.get(guildId, kind, ids);
      const gone = entries.filter(({ id, contentHash }) => records.get(id)?.contentHash !== contentHash);
      if (gone.length > 0) {
        await quarantine.release(
          guildId,
          kind,
          gone.map(({ id }) => id),
        );
      }
      const last = ids.at(-1);
      if (entries.length < ENTRIES_AT_ONCE || last === undefined) return;
      newestId = snowflakeBefore(last);
    }
  }

  async function attempt(guildId: Snowflake, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      begun.delete(guildId);
      if (!signal.aborted) logger[levelOf(thrown)]("erasure:failed", { guildId, error: toError(thrown).message });
    }
  }

  async function look(): Promise<void> {
    for (const [guildId, each] of [...begun]) {
      if (!isOurs(guildId)) begun.delete(guildId);
      else if (clock.now() >= each.sweepAt) await attempt(guildId, () => end(guildId, each));
    }
    const now = clock.now();
    // A clock that was set back makes nothing wait.
    const isDue = ({ erasedAt }: DeletionMark) => erasedAt === undefined || now - erasedAt >= everyMs || erasedAt > now;
    const due = (await erasureStore.deletions()).filter((mark) => !begun.has(mark.guildId) && isDue(mark));
    const others = due.filter(({ guildId }) => !isOurs(guildId));
    // Of a guild that was removed, the archive's file is all that is left.
    const there = new Set(others.length > 0 ? await archive.guilds() : []);
    for (const mark of due) {
      if (signal.aborted) return;
      const before = seen.get(mark.guildId);
      if (before === undefined) seen.set(mark.guildId, mark);
      else if (isOurs(mark.guildId)) await attempt(mark.guildId, () => begin(before));
      else if (!there.has(mark.guildId)) await attempt(mark.guildId, () => finish(before, now, true));
    }
  }

  const looking = every(lookEveryMs, clock, signal, () =>
    look().catch((thrown: unknown) => {
      if (!signal.aborted) logger[levelOf(thrown)]("erasure:not-looked", { error: toError(thrown).message });
    }),
  );

  return {
    look,
    async stop() {
      stopped.abort(new Error("the bot is shutting down"));
      await looking;
    },
  };
}
