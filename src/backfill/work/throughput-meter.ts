// Takes the samples of a run while a process is at work on it (see throughput-history.ts).

import type { Clock } from "../../ports/clock.ts";
import type { AlertMonitor } from "../reporting/alerts.ts";
import { type Run, totals } from "../run/run.ts";
import type { Sample } from "../run/throughput-history.ts";

/** Shorter stretches are left to grow. */
const SHORTEST_MS = 250;

export interface Sampler {
  /** Something got on, or failed: the stretch since the last sample becomes one, if it is long enough. */
  take(failed?: boolean): void;
  /** All samples since the last call, up to this moment. */
  drain(): Sample[];
}

/** @param current the run as it stands, whose counters grow */
export function createSampler(
  current: () => Run,
  monitor: Pick<AlertMonitor, "active">,
  clock: Pick<Clock, "elapsed">,
): Sampler {
  let failed = 0;
  let before = stand();
  let taken: Sample[] = [];

  function stand() {
    const run = current();
    return { at: clock.elapsed(), collected: run.collection?.collected ?? 0, done: totals(run).read };
  }

  function take(shortestMs: number) {
    if (clock.elapsed() - before.at <= shortestMs) return;
    const now = stand();
    taken.push({
      ms: now.at - before.at,
      collected: Math.max(0, now.collected - before.collected),
      done: Math.max(0, now.done - before.done),
      failed,
      alerts: monitor.active().map(({ name }) => name),
    });
    before = now;
    failed = 0;
  }

  return {
    take(hasFailed = false) {
      if (hasFailed) failed += 1;
      take(SHORTEST_MS);
    },
    drain() {
      take(0);
      const drained = taken;
      taken = [];
      return drained;
    },
  };
}
