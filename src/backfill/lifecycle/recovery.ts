// Runs that nobody works on and that go on by themselves: those that a process which is gone has left, and those that this one had to
// leave because nothing could be stored.

import type { KeyedMutex } from "../../async/keyed-mutex.ts";
import { levelOf, TransientError, toError } from "../../errors.ts";
import type { GuildIndexes } from "../../indexing/guild-index/guild-indexes.ts";
import type { Ownership } from "../../indexing/guild-index/ownership.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RunStore } from "../../ports/runs.ts";
import type { Versioned } from "../../ports/versioned.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { StorageTrouble } from "../run/facts.ts";
import { isOfSpace, type Run, withStatus } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";
import { pauseAbandoned } from "./pause.ts";
import { takenUp } from "./plan-change.ts";

/** What could not be taken up, because the archive cannot be written, say, is tried again after this. */
const AGAIN_MS = 5_000;

/** A run that had to be left and goes on by itself. The archive may not know: that may be why it was left. */
export interface LeftRun {
  readonly run: Run;
  readonly because: StorageTrouble | undefined;
  readonly at: number;
}

export interface Recovery {
  /** The run of a guild that this process had to leave, until it works on it again. */
  left(guildId: Snowflake): LeftRun | undefined;
  /** Nobody works on this run any more, and the stored one does not tell. It is taken up as soon as it can. */
  leave(guildId: Snowflake, run: Run, because: StorageTrouble | undefined): void;
  /** Somebody works on it again. */
  forget(guildId: Snowflake): void;
  /** Takes up what there is; as long as this process owns the guild, what cannot be stored now is stored later. */
  recover(guildId: Snowflake): Promise<void>;
}

export function createRecovery(parts: {
  readonly indexes: Pick<GuildIndexes, "open" | "space">;
  readonly runStore: Pick<RunStore<Run>, "load">;
  readonly ownership: Pick<Ownership, "lease">;
  readonly turns: Pick<KeyedMutex, "runExclusive" | "isClosed">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stop: AbortSignal;
  isAtWork(guildId: Snowflake): boolean;
  stateOf(guildId: Snowflake, stored: Versioned<Run>): RunState;
  /** What the stored run remembers goes on from here. */
  restore(guildId: Snowflake, run: Run): void;
  begin(guildId: Snowflake, state: RunState): Promise<void>;
}): Recovery {
  const { indexes, runStore, ownership, turns, clock, logger } = parts;
  const left = new Map<Snowflake, LeftRun>();

  /** Not a run that is to wait for an admin; nor while the index is away for which it was left. */
  async function takeUp(guildId: Snowflake): Promise<void> {
    if (left.has(guildId)) await (await indexes.open(guildId)).index.stats();
    const stored = await runStore.load(guildId);
    if (stored === undefined || parts.isAtWork(guildId)) return;
    parts.restore(guildId, stored.value);
    const { status: from } = stored.value;
    const state = parts.stateOf(guildId, stored);
    if (from === "pausing") await pauseAbandoned(state, stored.value.reason, clock);
    if (from !== "running" && from !== "waiting" && from !== "interrupted") return;
    if (!isOfSpace(stored.value, indexes.space)) {
      const status = from === "interrupted" ? "paused" : "failed";
      await state.update((run) => withStatus(run, status, { kind: "model-changed" }, clock.now()));
      return;
    }
    await state.update((run) => takenUp(run, { kind: "resumed-by-itself" }, clock.now()));
    logger.info("run:resumed", { guildId, runId: stored.value.id, from });
    await parts.begin(guildId, state);
  }

  async function recover(guildId: Snowflake): Promise<void> {
    while (!turns.isClosed() && ownership.lease(guildId) !== undefined) {
      try {
        return await turns.runExclusive(guildId, () => takeUp(guildId));
      } catch (thrown) {
        logger[levelOf(thrown)]("recover:failed", { guildId, error: toError(thrown).message });
        if (!(thrown instanceof TransientError)) return;
        await clock.sleep(AGAIN_MS, parts.stop);
      }
    }
  }

  return {
    left: (guildId) => left.get(guildId),
    leave(guildId, run, because) {
      left.set(guildId, { run, because, at: clock.now() });
      // Without a lease, it is taken up when there is one again.
      void recover(guildId);
    },
    forget: (guildId) => void left.delete(guildId),
    recover,
  };
}
