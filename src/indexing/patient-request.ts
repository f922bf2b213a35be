// A request to the embedder that outlasts its outages, and that tells a text on which the embedder fails every time from an
// embedder that is down: after each failure the breaker waits until a harmless text passes.

import { RejectedInputError, TransientError } from "../errors.ts";
import type { Breaker } from "./breaker.ts";
import type { EmbeddingPriority, EmbeddingQueue } from "./embedding-queue.ts";
import type { EmbedTexts } from "./isolate.ts";

/** A request that fails so often, with the harmless text passing after each time, is taken for the fault of its texts. */
const TRIES = 3;

export interface PatientParts {
  readonly queue: EmbeddingQueue;
  readonly breaker: Breaker;
  readonly priority: EmbeddingPriority;
  /** Breaks off a request in flight. */
  readonly abandon: AbortSignal;
  /** Ends the waiting for an embedder that is down: the request's failure is thrown. */
  readonly stop: AbortSignal;
  /** After each failure of the embedder. */
  onFailure?(): void;
}

/**
 * Requests for `embedBatch`, which bisects those that are rejected. A single text is tried nine times before it is given up.
 * @throws TransientError only when stopped; RejectedInputError
 */
export function patientRequest({ queue, breaker, priority, abandon, stop, onFailure }: PatientParts): EmbedTexts {
  return async (texts) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await breaker.guard(() => queue.embed(texts, { use: "document", priority, signal: abandon }));
      } catch (thrown) {
        if (!(thrown instanceof TransientError) || abandon.aborted) throw thrown;
        onFailure?.();
        await breaker.whenClosed(stop);
        if (stop.aborted) throw thrown;
        if (tries === TRIES) {
          throw new RejectedInputError(`It fails each time, while a harmless text passes: ${thrown.message}`, {
            cause: thrown,
          });
        }
      }
    }
  };
}
