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
/** What was let go was written a little before it was heard. */
const LATENESS_MS = 60_000;

export interface EventOrder {
  /** A failure is logged and does not hold up the next; one that will pass is waited for. @param subject for the log */
  add(guildId: Snowflake, subject: Record<string, unknown>, handle: () => Promise<void>): void;
  /** Resolves when what was heard of a guild until now has been handled. */
  settled(guildId: Snowflake): Promise<void>;
  /** Gives up what cannot be handled now; resolves when the rest has been. */
  stop(): Promise<void>;
}

export interface EventOrderParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told once events can be handled again that others of this guild were let go. @param since milliseconds since 1970 */
  onMissed(guildId: Snowflake, since: number): void;
}

export function createEventOrder({ clock, logger, onMissed }: EventOrderParts): EventOrder {
  const chains = new Map<Snowflake, Promise<void>>();
  const missedSince = new Map<Snowflake, number>();
  const stopped = new AbortController();
  let waiting = 0;

  async function patiently(
    guildId: Snowflake,
    subject: Record<string, unknown>,
    handle: () => Promise<void>,
  ): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await handle();
      } catch (thrown) {
        const error = toError(thrown).message;
        if (!(thrown instanceof TransientError) || stopped.signal.aborted) {
          logger.error("guild-event:failed", { guildId, ...subject, error });
          return;
        }
        logger.warn("guild-event:retry", { guildId, ...subject, pauseMs, error });
        await clock.sleep(pauseMs, stopped.signal);
      }
    }
  }

  function tellMissed(guildId: Snowflake): void {
    const since = missedSince.get(guildId);
    if (since === undefined || stopped.signal.aborted) return;
    missedSince.delete(guildId);
    onMissed(guildId, since);
  }

  return {
    add(guildId, subject, handle) {
      if (waiting >= MOST_WAITING) {
        if (missedSince.has(guildId)) return;
        logger.warn("guild-event:let-go", { guildId, ...subject });
        missedSince.set(guildId, clock.now() - LATENESS_MS);
        // Behind all that waits.
        chains.set(
          guildId,
          (chains.get(guildId) ?? Promise.resolve()).then(() => tellMissed(guildId)),
        );
        return;
      }
      waiting += 1;
      const chain = (chains.get(guildId) ?? Promise.resolve())
        .then(() => patiently(guildId, subject, handle))
        .then(() => {
          waiting -= 1;
          if (chains.get(guildId) === chain) chains.delete(guildId);
        });
      chains.set(guildId, chain);
    },
    settled: async (guildId) => chains.get(guildId),
    async stop() {
      stopped.abort();
      await Promise.all(chains.values());
    },
  };
}
