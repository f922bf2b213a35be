// About how many messages a guild has, by Discord's own search: it may have to make its index first, and is asked again then.

import { toError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { History } from "../ports/discord.ts";
import type { Logger } from "../ports/logger.ts";
import type { Snowflake } from "../snowflake.ts";

/** Discord says when to ask again; not much sooner, nor later than anybody wants to know it. */
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

export interface CountingParts {
  readonly history: Pick<History, "count">;
  readonly clock: Pick<Clock, "sleep">;
  readonly logger: Pick<Logger, "debug">;
}

/** Never rejects. @returns undefined when Discord does not say, not even when it is asked so often, or the signal aborts */
export async function countOnDiscord(
  { history, clock, logger }: CountingParts,
  guildId: Snowflake,
  tries: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  try {
    for (let left = tries; left > 0 && !signal?.aborted; left -= 1) {
      const answer = await history.count?.(guildId, signal);
      if (typeof answer === "number" || answer === undefined) return answer;
      if (left === 1) break;
      await clock.sleep(Math.min(Math.max(answer.retryAfterMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS), signal);
    }
  } catch (thrown) {
    // It is only for people to know how far a collection is.
    logger.debug("discord:not-counted", { guildId, error: toError(thrown).message });
  }
  return undefined;
}
