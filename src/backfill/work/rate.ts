// How many records a run does per second, over its last minute.

import type { Clock } from "../../ports/clock.ts";

const WINDOW_MS = 60_000;
/** Before this much time has passed, a rate would be noise. */
const SHORTEST_MS = 200;

export interface Rate {
  /** These records are done, whether embedded or found to need nothing. */
  count(records: number): void;
  /** Undefined until there is something to go by. */
  perSecond(): number | undefined;
}

export function createRate(clock: Clock): Rate {
  const counted: { readonly atMs: number; readonly records: number }[] = [];
  return {
    count(records) {
      const atMs = clock.elapsed();
      counted.push({ atMs, records });
      while (counted[0] !== undefined && atMs - counted[0].atMs > WINDOW_MS) counted.shift();
    },
    perSecond() {
      const first = counted[0];
      if (first === undefined) return undefined;
      const ms = clock.elapsed() - first.atMs;
      return ms < SHORTEST_MS ? undefined : (counted.reduce((sum, { records }) => sum + records, 0) * 1000) / ms;
    },
  };
}
