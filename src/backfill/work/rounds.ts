// What is looked at again and again while a run is at work.

import type { Round } from "../../async/intervals.ts";
import type { AlertMonitor } from "../reporting/alerts.ts";
import type { RunState } from "../run/run-state.ts";
import type { Pace } from "./pace.ts";
import type { Sampler } from "./throughput-meter.ts";

const SAMPLE_EVERY_MS = 1_000;
/** Discord allows few edits; people do not read faster. */
const PROGRESS_EVERY_MS = 5_000;
/** A pause that another process asked for is found within this time. */
const REREAD_EVERY_MS = 2_000;
/** While memory is short the batches are halved this often. */
const SHRINK_EVERY_MS = 10_000;

/** @param onPausing somebody has asked for a pause */
export function roundsOf(
  state: Pick<RunState, "recheck">,
  sampler: Pick<Sampler, "take">,
  pace: Pick<Pace, "memory">,
  alerts: Pick<AlertMonitor, "active">,
  showProgress: () => Promise<void>,
  onPausing: () => void,
): readonly Round[] {
  return [
    { everyMs: SAMPLE_EVERY_MS, act: async () => sampler.take() },
    {
      everyMs: SHRINK_EVERY_MS,
      act: async () => pace.memory(alerts.active().some(({ name }) => name === "memory-high")),
    },
    { everyMs: PROGRESS_EVERY_MS, act: showProgress },
    {
      everyMs: REREAD_EVERY_MS,
      async act() {
        if ((await state.recheck()).status === "pausing") onPausing();
      },
    },
  ];
}
