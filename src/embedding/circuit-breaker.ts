// The circuit breaker in front of the embedder, shared by live indexing and every run: while the embedder is down nobody charges
// a record for it, and one probe at a time, with growing pauses, finds out when it is back.

import { TransientError, toError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { EmbeddingQueue } from "./queue.ts";

/** A harmless text that any embedder accepts; tells a broken embedder from a broken record. */
export const CANARY = "The quick brown fox jumps over the lazy dog.";

export const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A pause that the server asks for is believed up to this: some limits are by the day, or the week. */
const LONGEST_RETRY_AFTER_MS = 8 * 24 * 3_600_000;

/** What must survive a restart. */
export interface BreakerState {
  readonly openedAt: number;
  readonly probes: number;
  readonly nextProbeAt: number;
  readonly reason: string;
  /** The embedder is well and wants fewer requests: those of a backfill wait, a search's need not. */
  readonly isRateLimit?: boolean | undefined;
}

export interface Breaker {
  /** Undefined while closed (all is well). */
  state(): BreakerState | undefined;
  /** Runs a request to the embedder; a TransientError opens the breaker and is thrown on. */
  guard<Result>(request: () => Promise<Result>): Promise<Result>;
  /** The same for a search, which neither waits for a rate limit nor makes others wait for one. */
  guardSearch<Result>(request: () => Promise<Result>): Promise<Result>;
  /** Opens it as it was before a restart. */
  restore(state: BreakerState): void;
  /** Resolves when it is closed, or when the signal aborts. */
  whenClosed(signal: AbortSignal): Promise<void>;
  /** Called on every change. @returns how to stop listening */
  onChange(listener: (state: BreakerState | undefined) => void): () => void;
  stop(): void;
}

export function createBreaker(queue: EmbeddingQueue, clock: Clock, logger: Logger): Breaker {
  const listeners = new Set<(state: BreakerState | undefined) => void>();
  const stopped = new AbortController();
  let state: BreakerState | undefined;
  let closed = Promise.resolve();

  function change(next: BreakerState | undefined) {
    state = next;
    for (const listener of listeners) listener(state);
  }

  function pauseAfter(probes: number, fault: unknown): number {
    const asked = fault instanceof TransientError ? (fault.retryAfterMs ?? 0) : 0;
    return Math.max(Math.min(FIRST_PAUSE_MS * 2 ** probes, LONGEST_PAUSE_MS), Math.min(asked, LONGEST_RETRY_AFTER_MS));
  }

  /** Probes until the canary passes. A refused canary is the embedder's fault, never a record's. */
  async function probe(): Promise<void> {
    while (state !== undefined && !stopped.signal.aborted) {
      await clock.sleep(Math.max(0, state.nextProbeAt - clock.now()), stopped.signal);
      if (stopped.signal.aborted) return;
      try {
        await queue.embed([CANARY], { use: "document", priority: "backfill", signal: stopped.signal });
        logger.info("embedder:up", { downMs: clock.now() - state.openedAt, probes: state.probes + 1 });
        change(undefined);
      } catch (thrown) {
        const probes = state.probes + 1;
        const reason = toError(thrown).message;
        const isRateLimit = thrown instanceof TransientError && thrown.isRateLimit;
        change({ ...state, probes, reason, isRateLimit, nextProbeAt: clock.now() + pauseAfter(probes, thrown) });
        logger.warn("embedder:still-down", { probes, reason });
      }
    }
  }

  function trip(fault: TransientError) {
    if (state !== undefined) return;
    const now = clock.now();
    logger.warn("embedder:down", { reason: fault.message });
    const { message: reason, isRateLimit } = fault;
    change({ openedAt: now, probes: 0, nextProbeAt: now + pauseAfter(0, fault), reason, isRateLimit });
    closed = probe();
  }

  return {
    state: () => state,
    async guard(request) {
      try {
        return await request();
      } catch (thrown) {
        if (thrown instanceof TransientError) trip(thrown);
        throw thrown;
      }
    },
    async guardSearch(request) {
      // An embedder known to be down is not waited for: full text answers alone.
      if (state !== undefined && !state.isRateLimit) throw new TransientError(state.reason);
      try {
        return await request();
      } catch (thrown) {
        if (thrown instanceof TransientError && !thrown.isRateLimit) trip(thrown);
        throw thrown;
      }
    },
    restore(saved) {
      if (state !== undefined) return;
      change({ ...saved, nextProbeAt: Math.min(saved.nextProbeAt, clock.now() + LONGEST_RETRY_AFTER_MS) });
      closed = probe();
    },
    async whenClosed(signal) {
      if (state === undefined || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener("abort", done);
          resolve();
        };
        signal.addEventListener("abort", done);
        void closed.then(done);
      });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => stopped.abort(),
  };
}
