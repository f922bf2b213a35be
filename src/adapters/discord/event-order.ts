// What was heard of a guild is handled one after the other, in Discord's order. While the archive is out of reach it waits, in memory,
// and is tried again; where too much waits, the newest is let go and somebody told to ask Discord for it afterwards.

import { TransientError, toError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** Of all guilds together; some kilobytes each. */
const MOST_WAITING = 10_000;
export interface EventOrder {
  /**
   * A failure is logged and does not hold up the next; one that will pass is waited for.
   * @param subject for the log
   * @param onFailed told before the next is handled
   */
  add(guildId: Snowflake, subject: Record<string, unknown>, handle: () => Promise<void>, onFailed?: () => void): void;
  /** Resolves when what was heard of a guild, or of any, until now has been handled. */
  settled(guildId?: Snowflake): Promise<void>;
  /** Gives up what cannot be handled now; resolves when the rest has been. */
  stop(): Promise<void>;
}

export interface EventOrderParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told at once that an event of this guild is let go: what comes later does not follow on from what came before. */
  onLetGo(guildId: Snowflake): void;
  /** Told once events can be handled again that others of this guild were let go. */
  onMissed(guildId: Snowflake): void;
}

export function createEventOrder({ clock, logger, onLetGo, onMissed }: EventOrderParts): EventOrder {
  const chains = new Map<Snowflake, Promise<void>>();
  const missed = new Set<Snowflake>();
  const stopped = new AbortController();
  let waiting = 0;

  async function patiently(
    guildId: Snowflake,
    subject: Record<string, unknown>,
    handle: () => Promise<void>,
    onFailed: () => void,
  ): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await handle();
      } catch (thrown) {
        const error = toError(thrown).message;
        if (!(thrown instanceof TransientError) || stopped.signal.aborted) {
          logger.error("guild-event:failed", { guildId, ...subject, error });
          return onFailed();
        }
        logger.warn("guild-event:retry", { guildId, ...subject, pauseMs, error });
        await clock.sleep(pauseMs, stopped.signal);
      }
    }
  }

  function tellMissed(guildId: Snowflake): void {
    if (missed.delete(guildId) && !stopped.signal.aborted) onMissed(guildId);
  }

  return {
    add(guildId, subject, handle, onFailed = () => {}) {
      if (waiting >= MOST_WAITING) {
        onLetGo(guildId);
        if (missed.has(guildId)) return;
        logger.warn("guild-event:let-go", { guildId, ...subject });
        missed.add(guildId);
        // Behind all that waits.
        chains.set(
          guildId,
          (chains.get(guildId) ?? Promise.resolve()).then(() => tellMissed(guildId)),
        );
        return;
      }
      waiting += 1;
      const chain = (chains.get(guildId) ?? Promise.resolve())
        .then(() => patiently(guildId, subject, handle, onFailed))
        .then(() => {
          waiting -= 1;
          if (chains.get(guildId) === chain) chains.delete(guildId);
        });
      chains.set(guildId, chain);
    },
    async settled(guildId) {
      if (guildId !== undefined) return await chains.get(guildId);
      await Promise.all(chains.values());
    },
    async stop() {
      stopped.abort();
      await Promise.all(chains.values());
    },
  };
}
