// Why a run waits for the search model, in a few words: it is down, it wants fewer requests, or its limits are used up.

import type { Breaker } from "../../embedding/circuit-breaker.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import type { Clock } from "../../ports/clock.ts";

/** A shorter wait for the limits is part of the pace. */
const TOLD_MS = 2_000;

/** @returns undefined when it does not */
export function waitingForModel(breaker: Breaker, queue: EmbeddingQueue, clock: Clock): string | undefined {
  const open = breaker.state();
  if (open !== undefined) {
    const what = open.isRateLimit ? "the search model, which wants fewer requests" : "the search model";
    return `${what}; next try in ${inShort(open.nextProbeAt - clock.now())}`;
  }
  const limitedMs = queue.limitedMs();
  return limitedMs > TOLD_MS ? `room within the search model's limits, in ${inShort(limitedMs)}` : undefined;
}

/** "20 s", "12 min", "24 h" */
function inShort(ms: number): string {
  if (ms < 2 * 60_000) return `${Math.max(0, Math.ceil(ms / 1000))} s`;
  return ms < 2 * 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
