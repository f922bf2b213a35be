// The circuit breaker in front of the embedder, shared by searches, live indexing and every run: while the embedder is down no
// record is charged for it, and one request at a time, with growing pauses, finds out when it is back.

import { unlessStopped } from "../async/abortable.ts";
import { RejectedInputError, TransientError, toError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { CanaryCheck } from "./canary.ts";

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
  /** Sends a request at once, for those who do not wait (a search); a TransientError opens the breaker and is thrown on. */
  guard<Result>(request: () => Promise<Result>): Promise<Result>;
  /** The same for a search, which neither waits for a rate limit nor makes others wait for one. */
  guardSearch<Result>(request: () => Promise<Result>): Promise<Result>;
  /**
   * Sends a request as soon as the breaker is closed; while it is open, after the next pause, as the trial that finds out whether
   * the embedder is back. An answer that only now and then gets through is so spent on real work, and not on the question.
   * @returns undefined when `stop` aborts before it was sent
   */
  guardInTurn<Result>(request: () => Promise<Result>, stop: AbortSignal): Promise<Result | undefined>;
  /** Opens it until a canary among other texts gets its own vector; no other request counts as a trial meanwhile. */
  distrust(reason: string): void;
  /** Opens it as it was before a restart. */
  restore(state: BreakerState): void;
  /** Resolves when it is closed, or when the signal aborts. */
  whenClosed(signal: AbortSignal): Promise<void>;
  /** Called on every change. @returns how to stop listening */
  onChange(listener: (state: BreakerState | undefined) => void): () => void;
  stop(): void;
}

/** What a trial found out: "unknown" when it was broken off. */
type Finding = "up" | "unknown" | TransientError;

/** Somebody who waits for the embedder. */
interface Waiting {
  /** Sends its request as the trial. */
  trial(): Promise<Finding>;
  /** The breaker is closed, or there is nothing to wait for any more. */
  release(): void;
}

export function createBreaker(canary: CanaryCheck, clock: Clock, logger: Logger): Breaker {
  const listeners = new Set<(state: BreakerState | undefined) => void>();
  const stopped = new AbortController();
  const line: Waiting[] = [];
  let state: BreakerState | undefined;
  let isDistrusted = false;
  let closed = Promise.resolve();

  function change(next: BreakerState | undefined) {
    state = next;
    if (state === undefined) for (const waiting of line.splice(0)) waiting.release();
    for (const listener of listeners) listener(state);
  }

  function pauseAfter(probes: number, fault: TransientError): number {
    const asked = fault.retryAfterMs ?? 0;
    return Math.max(Math.min(FIRST_PAUSE_MS * 2 ** probes, LONGEST_PAUSE_MS), Math.min(asked, LONGEST_RETRY_AFTER_MS));
  }

  /** Tries until something passes. */
  async function probe(): Promise<void> {
    while (state !== undefined && !stopped.signal.aborted) {
      await clock.sleep(Math.max(0, state.nextProbeAt - clock.now()), stopped.signal);
      if (stopped.signal.aborted) return;
      const found = await findOut();
      if (found === "unknown" || state === undefined) continue;
      const probes = state.probes + 1;
      if (found === "up") {
        logger.info("embedder:up", { downMs: clock.now() - state.openedAt, probes });
        isDistrusted = false;
        change(undefined);
      } else {
        const reason = found.message;
        change({
          ...state,
          probes,
          reason,
          isRateLimit: found.isRateLimit,
          nextProbeAt: clock.now() + pauseAfter(probes, found),
        });
        logger.warn("embedder:still-down", { probes, reason });
      }
    }
  }

  async function findOut(): Promise<Finding> {
    const waiting = isDistrusted ? undefined : line.shift();
    return waiting === undefined ? await askCanary() : await waiting.trial();
  }

  async function askCanary(): Promise<Finding> {
    try {
      const request = { priority: "backfill", signal: stopped.signal } as const;
      await (isDistrusted ? canary.check(request) : canary.send(request));
      return "up";
    } catch (thrown) {
      return thrown instanceof TransientError ? thrown : new TransientError(toError(thrown).message, { cause: thrown });
    }
  }

  function trip(fault: TransientError) {
    if (state !== undefined || stopped.signal.aborted) return;
    const now = clock.now();
    logger.warn("embedder:down", { reason: fault.message });
    const { message: reason, isRateLimit } = fault;
    change({ openedAt: now, probes: 0, nextProbeAt: now + pauseAfter(0, fault), reason, isRateLimit });
    closed = probe();
  }

  async function guard<Result>(request: () => Promise<Result>): Promise<Result> {
    try {
      return await request();
    } catch (thrown) {
      if (thrown instanceof TransientError) trip(thrown);
      throw thrown;
    }
  }

  /** @returns "closed" when it need not be the trial any more */
  function inLine<Result>(request: () => Promise<Result>, stop: AbortSignal): Promise<Result | "closed"> {
    return new Promise((resolve, reject) => {
      const release = () => {
        stop.removeEventListener("abort", leave);
        resolve("closed");
      };
      const leave = () => {
        const place = line.indexOf(waiting);
        if (place !== -1) line.splice(place, 1);
        release();
      };
      const waiting: Waiting = {
        release,
        async trial() {
          stop.removeEventListener("abort", leave);
          try {
            resolve(await request());
            return "up";
          } catch (thrown) {
            // That a text is refused shows that the embedder is up only if it does not refuse everything.
            const found = thrown instanceof RejectedInputError ? await askCanary() : thrown;
            reject(found instanceof TransientError ? found : thrown);
            return found === "up" || found instanceof TransientError ? found : "unknown";
          }
        },
      };
      stop.addEventListener("abort", leave);
      line.push(waiting);
    });
  }

  return {
    state: () => state,
    guard,
    async guardInTurn(request, stop) {
      while (!stop.aborted && !stopped.signal.aborted) {
        if (state === undefined) return await guard(request);
        const result = await inLine(request, stop);
        if (result !== "closed") return result;
      }
      return undefined;
    },
    distrust(reason) {
      isDistrusted = true;
      trip(new TransientError(reason));
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
      if (state !== undefined) await unlessStopped(closed, signal);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      stopped.abort();
      for (const waiting of line.splice(0)) waiting.release();
    },
  };
}
