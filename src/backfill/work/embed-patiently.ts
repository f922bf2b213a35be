// A batch of a run at the embedder: outages are waited for, refused texts come back apart, and what went wrong is remembered.

import type { Breaker } from "../../embedding/circuit-breaker.ts";
import { patientRequest } from "../../embedding/patient-request.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import { TransientError } from "../../errors.ts";
import { type Batch, type EmbeddedBatch, embedBatch } from "../../indexing/text/batches.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FailedBatches } from "../run/failed-batches.ts";

export interface BatchEmbedding {
  readonly queue: EmbeddingQueue;
  readonly breaker: Breaker;
  readonly failures: FailedBatches;
  readonly clock: Clock;
  /** Drop even the requests in flight. */
  readonly abandon: AbortSignal;
}

/**
 * @param stop ends the waiting for an embedder that is down
 * @param onFailure after each request that failed by the embedder's fault
 * @returns undefined when it was stopped
 */
export async function embedPatiently(
  { queue, breaker, failures, clock, abandon }: BatchEmbedding,
  batch: Batch,
  stop: AbortSignal,
  onFailure: () => void,
): Promise<EmbeddedBatch | undefined> {
  const trouble = failures.begin(batch.reduce((sum, { chunks }) => sum + chunks.length, 0));
  const request = patientRequest({
    queue,
    breaker,
    priority: "backfill",
    abandon,
    stop,
    onFailure(failure) {
      trouble.failed(failure);
      if (failure.blames === "embedder") onFailure();
    },
  });
  for (;;) {
    await breaker.whenClosed(stop);
    if (stop.aborted) return undefined;
    try {
      const result = await breaker.guard(() =>
        embedBatch(request, batch, queue.embedder.limits.textsPerRequest, () => clock.now()),
      );
      trouble.setAside(result.refused.length);
      return result;
    } catch (thrown) {
      if (abandon.aborted) return undefined;
      if (!(thrown instanceof TransientError)) throw thrown;
    }
  }
}
