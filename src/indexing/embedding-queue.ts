// The one queue in front of the embedder: search before live before backfill. Owns how many requests run at once and how long
// they took; knows nothing of records.

import PQueue from "p-queue";
import type { Clock, Embedder } from "../ports.ts";

export type EmbeddingPriority = "search" | "live" | "backfill";

const priorities: Record<EmbeddingPriority, number> = { search: 2, live: 1, backfill: 0 };

/** One answered request. */
export interface EmbeddingTiming {
  readonly priority: EmbeddingPriority;
  readonly texts: number;
  /** In the queue, before the embedder got it. Milliseconds. */
  readonly waitedMs: number;
  /** At the embedder. Milliseconds. */
  readonly tookMs: number;
}

export interface EmbeddingQueue {
  readonly embedder: Embedder;
  /**
   * Vectors in the order of the texts, as `Embedder.embed`; at most `limits.textsPerRequest` texts.
   * @throws TransientError, RejectedInputError; an aborted signal rejects with its reason
   */
  embed(
    texts: readonly string[],
    options: {
      readonly use: "document" | "query";
      readonly priority: EmbeddingPriority;
      readonly signal?: AbortSignal;
    },
  ): Promise<Float32Array[]>;
  /** Requests waiting or running with more right than the backfill. */
  urgent(): number;
  /** Called after each answered request. @returns how to stop listening */
  onTiming(listener: (timing: EmbeddingTiming) => void): () => void;
}

/** Clients leave a listener on the signal of each request: on one that lives as long as the process they would pile up. */
async function withOwnSignal<Result>(
  signal: AbortSignal | undefined,
  request: (own?: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (signal === undefined) return await request();
  const own = new AbortController();
  const abort = () => own.abort(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await request(own.signal);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

export function createEmbeddingQueue(embedder: Embedder, clock: Clock): EmbeddingQueue {
  const queue = new PQueue({ concurrency: embedder.limits.parallelRequests });
  const listeners = new Set<(timing: EmbeddingTiming) => void>();
  let urgent = 0;

  return {
    embedder,
    async embed(texts, { use, priority, signal }) {
      const queuedAt = clock.elapsed();
      if (priority !== "backfill") urgent += 1;
      try {
        return await queue.add(
          async () => {
            const startedAt = clock.elapsed();
            const vectors = await withOwnSignal(signal, (own) => embedder.embed(texts, use, own));
            const timing = {
              priority,
              texts: texts.length,
              waitedMs: startedAt - queuedAt,
              tookMs: clock.elapsed() - startedAt,
            };
            for (const listener of listeners) listener(timing);
            return vectors;
          },
          { priority: priorities[priority], ...(signal === undefined ? {} : { signal }) },
        );
      } finally {
        if (priority !== "backfill") urgent -= 1;
      }
    },
    urgent: () => urgent,
    onTiming(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
