// Waiting that ends when it is told to stop, or takes too long.

import { setMaxListeners } from "node:events";
import type { Clock } from "../ports/clock.ts";

/**
 * @returns undefined as soon as the signal aborts: the work then comes to its end unheard
 * @throws what the work throws before that
 */
export async function unlessStopped<Result>(work: Promise<Result>, stop: AbortSignal): Promise<Result | undefined> {
  let onAbort: () => void = () => {};
  const stopped = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    if (stop.aborted) onAbort();
    // Every guild that starts a run listens: that is no leak to be warned of.
    setMaxListeners(0, stop);
    stop.addEventListener("abort", onAbort);
  });
  try {
    // The race also hears a failure that comes after its end.
    return await Promise.race([work, stopped]);
  } finally {
    stop.removeEventListener("abort", onAbort);
  }
}

/**
 * Gives a request a signal of its own, which aborts with the caller's. Clients leave a listener on the signal of each request: on one that
 * lives as long as the process they would pile up.
 */
export async function withOwnSignal<Result>(
  signal: AbortSignal | undefined,
  request: (own: AbortController) => Promise<Result>,
): Promise<Result> {
  const own = new AbortController();
  const abort = () => own.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  try {
    return await request(own);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Resolves when the work is done, or after so long. @throws what the work throws before that */
export async function within(ms: number, clock: Clock, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race([work, clock.sleep(ms, done.signal)]);
  } finally {
    done.abort();
  }
}
