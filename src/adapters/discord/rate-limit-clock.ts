// Keeps a clock that is set back from freezing Discord's REST client: it remembers by this clock when a limit ends, and would wait
// until the clock is there again, for hours (@discordjs/rest 2, with discord.js 14.28). Its moments are moved along with the clock.

import type { Client, RateLimitData } from "discord.js";
import { every } from "../../async/intervals.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

const LOOK_EVERY_MS = 1_000;
/** Smaller corrections cost a request no more than that. */
const JUMP_MS = 2_000;

/** What the client remembers of a route; not in its types. */
interface Limited {
  reset?: unknown;
}

/** @returns leaves the client as it was */
export function keepRequestsGoing(client: Client, clock: Clock, logger: Logger): () => void {
  const { rest } = client;
  const hosts = rest.options.rejectOnRateLimit;
  const stopped = new AbortController();
  let differenceMs = clock.now() - clock.elapsed();

  /** @returns whether the clock has been set back since it was looked at last */
  function look(): boolean {
    const before = differenceMs;
    differenceMs = clock.now() - clock.elapsed();
    const backMs = before - differenceMs;
    if (backMs < JUMP_MS) return false;
    rest.globalReset -= backMs;
    rest.globalDelay = null;
    for (const handler of rest.handlers.values()) {
      const limited = handler as Limited;
      if (typeof limited.reset === "number" && limited.reset > 0) limited.reset -= backMs;
    }
    logger.warn("clock:set-back", { byMs: backMs });
    return true;
  }

  const rejects = async (limit: RateLimitData): Promise<boolean> => {
    // It is about to wait until the clock is there again: whoever asked may try again at once.
    if (look()) {
      limit.retryAfter = 0;
      return true;
    }
    if (typeof hosts === "function") return await hosts(limit);
    return hosts?.some((route) => limit.route.startsWith(route.toLowerCase())) ?? false;
  };
  rest.options.rejectOnRateLimit = rejects;

  // It ends with the signal and cannot fail otherwise.
  void every(LOOK_EVERY_MS, clock, stopped.signal, async () => look());
  return () => {
    stopped.abort();
    if (rest.options.rejectOnRateLimit === rejects) rest.options.rejectOnRateLimit = hosts;
  };
}
