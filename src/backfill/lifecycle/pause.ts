// Pausing a run: one that is at work here or in another process, one whose process is gone, and one that hangs while it is pausing.

import type { Ownership } from "../../indexing/guild-index/ownership.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RunStore } from "../../ports/runs.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { StoredReason } from "../run/facts.ts";
import { isActive, type Run, withStatus } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";
import type { ActiveRun } from "../work/active-run.ts";
import type { PauseOutcome } from "./outcomes.ts";

/** A run that hangs in `pausing` longer than this can be forced by pausing again. */
const STUCK_MS = 5 * 60_000;

/**
 * @param running the run, if this process works on it
 * @param state of the stored run
 */
export async function pauseRun(
  parts: { readonly ownership: Ownership; readonly runStore: RunStore<Run>; readonly clock: Clock },
  guildId: Snowflake,
  running: ActiveRun | undefined,
  state: () => RunState,
  reason: StoredReason,
): Promise<PauseOutcome["outcome"]> {
  const { ownership, runStore, clock } = parts;
  if (ownership.lease(guildId) === undefined) return await askForPause(runStore, guildId, reason, clock);
  if (running !== undefined) return await pauseActive(running, reason, clock);
  return await pauseAbandoned(state(), reason, clock);
}

/** Asks for a pause; after five minutes in vain, takes it. */
async function pauseActive(
  running: ActiveRun,
  reason: StoredReason,
  clock: Clock,
): Promise<Extract<PauseOutcome["outcome"], "pausing" | "forced">> {
  const { status, statusAt } = running.state.current();
  if (status !== "pausing" || clock.now() - statusAt <= STUCK_MS) {
    await running.pause(reason);
    return "pausing";
  }
  running.abandon();
  await running.state.update((run) =>
    run.status === "pausing" ? withStatus(run, "paused", reason, clock.now()) : run,
  );
  return "forced";
}

/** Nobody works on it: the process that did is gone, and this one has not taken it up. */
export async function pauseAbandoned(state: RunState, reason: StoredReason, clock: Clock): Promise<"paused"> {
  await state.update((run) => {
    const pausing = run.status === "pausing" ? run : withStatus(run, "pausing", reason, clock.now());
    return withStatus(pausing, "paused", reason, clock.now());
  });
  return "paused";
}

/** The guild is another process's, or soon will be: the request is left in the run, where whoever works on it finds it. */
async function askForPause(
  runStore: Pick<RunStore<Run>, "load" | "save">,
  guildId: Snowflake,
  reason: StoredReason,
  clock: Clock,
): Promise<"pausing" | "nothing-running"> {
  for (;;) {
    const stored = await runStore.load(guildId);
    if (stored === undefined || !isActive(stored.value.status)) return "nothing-running";
    if (stored.value.status === "pausing") return "pausing";
    const asked = withStatus(stored.value, "pausing", reason, clock.now());
    if (typeof (await runStore.save(guildId, asked, stored.stamp)) !== "string") return "pausing";
  }
}
