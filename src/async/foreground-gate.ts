// Foreground priority on this machine: what a member waits for goes before the backfill, in everything that costs processor time. (The
// embedding queue sees to the order at the embedder.)

import type { Clock } from "../ports/clock.ts";

/** However much members do, the backfill is let through after this. Milliseconds. */
const LONGEST_WAIT_MS = 200;

export interface ForegroundGate {
  /** Does what somebody waits for: a search, a message to become searchable. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Resolves when no foreground work is under way, when it has been waited for long enough, or when the signal aborts. */
  waitUntilClear(stop: AbortSignal): Promise<void>;
}

export function createForegroundGate(clock: Clock): ForegroundGate {
  let underWay = 0;
  /** Aborted when nothing is under way any more. */
  let clear = new AbortController();

  return {
    async run(work) {
      if (underWay === 0) clear = new AbortController();
      underWay += 1;
      try {
        return await work();
      } finally {
        underWay -= 1;
        if (underWay === 0) clear.abort();
      }
    },
    async waitUntilClear(stop) {
      if (underWay === 0) return;
      await clock.sleep(LONGEST_WAIT_MS, AbortSignal.any([stop, clear.signal]));
    },
  };
}
