// A batch of a run at the embedder; what went wrong with it is remembered.

import type { FaultIsolation } from "../../embedding/fault-isolation.ts";
import { type Batch, type EmbeddedBatch, embedBatch } from "../../indexing/text/batches.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FailedBatches } from "../run/failed-batches.ts";
import type { BudgetGate } from "./budget-gate.ts";

export interface BatchEmbedding {
  readonly isolation: FaultIsolation;
  readonly failures: FailedBatches;
  readonly budget: BudgetGate;
  /** What was used for it, in tokens. */
  onUse(tokens: number, isCounted: boolean): void;
  readonly clock: Clock;
  /** Drop even the requests in flight. */
  readonly abandon: AbortSignal;
}

/**
 * @param stop ends the waiting for an embedder that is down
 * @param onFailure after each request that failed by the embedder's fault
 * @returns undefined when it was stopped
 */
export async function embedBatchOfRun(
  { isolation, failures, budget, onUse, clock, abandon }: BatchEmbedding,
  batch: Batch,
  stop: AbortSignal,
  onFailure: () => void,
): Promise<EmbeddedBatch | undefined> {
  const giveBack = await budget.pass(batch, stop);
  if (giveBack === undefined) return undefined;
  const trouble = failures.begin(batch.reduce((sum, { chunks }) => sum + chunks.length, 0));
  const embedding = embedBatch(
    isolation,
    batch,
    {
      priority: "backfill",
      abandon,
      stop,
      onUse,
      onFailure(failure) {
        trouble.failed(failure);
        if (failure.blames === "embedder") onFailure();
      },
    },
    clock.now,
  );
  const result = await embedding.finally(giveBack);
  if (result !== undefined) trouble.setAside(result.refused.length);
  return result;
}
