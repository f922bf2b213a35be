// Time that passes only when a test says so.

import type { Clock } from "../../src/ports/clock.ts";

export interface ManualClock extends Clock {
  /** Moves time on, waking sleepers one after the other, and lets what they set off get as far as it can without real waiting. */
  advance(ms: number): Promise<void>;
}

/** Time that stands still unless it is moved. Starts at 0. */
export function createManualClock(): ManualClock {
  let now = 0;
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();
  const settle = async () => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    now: () => now,
    elapsed: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted || ms <= 0) return resolve();
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper = { dueMs: now + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake);
      }),
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const next = [...sleepers].sort((a, b) => a.dueMs - b.dueMs)[0];
        if (next === undefined || next.dueMs > until) break;
        now = Math.max(now, next.dueMs);
        next.wake();
        await settle();
      }
      now = until;
    },
  };
}
