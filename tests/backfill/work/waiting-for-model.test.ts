import { expect, test } from "vitest";
import { waitingForModel } from "../../../src/backfill/work/waiting-for-model.ts";
import type { Breaker, BreakerState } from "../../../src/embedding/circuit-breaker.ts";
import type { EmbeddingQueue } from "../../../src/embedding/queue.ts";
import { createManualClock } from "../../support/manual-clock.ts";

async function waiting(state: BreakerState | undefined, limitedMs: number) {
  const clock = createManualClock();
  await clock.advance(1_000);
  return waitingForModel({ state: () => state } as Breaker, { limitedMs: () => limitedMs } as EmbeddingQueue, clock);
}
const open = { openedAt: 0, probes: 1, nextProbeAt: 5_000, reason: "down" };

test("a run waits for an embedder that is down until it is tried again, whatever its limits", async () => {
  expect(await waiting(open, 60_000)).toEqual({ kind: "embedder", isRateLimit: false, inMs: 4_000 });
  expect(await waiting({ ...open, isRateLimit: true }, 0)).toMatchObject({ isRateLimit: true });
});

test("waits for the limits of one that is well are told when they are longer than two seconds", async () => {
  expect(await waiting(undefined, 0)).toBeUndefined();
  expect(await waiting(undefined, 2_000)).toBeUndefined();
  expect(await waiting(undefined, 2_001)).toEqual({ kind: "embedder-limits", inMs: 2_001 });
});
