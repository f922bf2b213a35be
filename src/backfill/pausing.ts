// Pausing a run: one that is at work, one whose process is gone, and one that hangs while it is pausing.

import type { Clock } from "../ports.ts";
import type { ActiveRun } from "./active-run.ts";
import type { PauseOutcome } from "./backfill.ts";
import { withStatus } from "./run.ts";
import type { RunState } from "./run-state.ts";

/** A run that hangs in `pausing` longer than this can be forced by pausing again. */
const STUCK_MS = 5 * 60_000;

/** Asks for a pause; after five minutes in vain, takes it. */
export async function pauseActive(
  running: ActiveRun,
  by: string,
  clock: Clock,
): Promise<Extract<PauseOutcome["outcome"], "pausing" | "forced">> {
  const { status, statusAt } = running.state.current();
  if (status !== "pausing" || clock.now() - statusAt <= STUCK_MS) {
    await running.pause(by);
    return "pausing";
  }
  running.abandon();
  await running.state.update((run) => (run.status === "pausing" ? withStatus(run, "paused", by, clock.now()) : run));
  return "forced";
}

/** Nobody works on it: the process that did is gone, and this one has not taken it up. */
export async function pauseAbandoned(state: RunState, reason: string, clock: Clock): Promise<"paused"> {
  await state.update((run) => {
    const pausing = run.status === "pausing" ? run : withStatus(run, "pausing", reason, clock.now());
    return withStatus(pausing, "paused", reason, clock.now());
  });
  return "paused";
}
