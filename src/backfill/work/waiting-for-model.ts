// Whether a run waits for the embedder: it is down, it wants fewer requests, or its limits are used up.

import type { Breaker } from "../../embedding/circuit-breaker.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import type { Clock } from "../../ports/clock.ts";
import type { WaitingFor } from "../run/facts.ts";

/** A shorter wait for the limits is part of the pace. */
const TOLD_MS = 2_000;

/** @returns undefined when it does not */
export function waitingForModel(breaker: Breaker, queue: EmbeddingQueue, clock: Clock): WaitingFor | undefined {
  const open = breaker.state();
  if (open !== undefined) {
    return { kind: "embedder", isRateLimit: open.isRateLimit === true, inMs: open.nextProbeAt - clock.now() };
  }
  const inMs = queue.limitedMs();
  return inMs > TOLD_MS ? { kind: "embedder-limits", inMs } : undefined;
}
