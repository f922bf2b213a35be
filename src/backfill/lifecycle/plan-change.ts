// Taking up a run that was left: what its admin now wants otherwise, and how the run changes to suit. Pure.

import { type PhasePlan, planPhases } from "../compare/survey.ts";
import type { RunReason } from "../run/facts.ts";
import { isActive, isResumable, phaseNames, type Run, withStatus } from "../run/run.ts";
import type { PlanDifference, StartOptions } from "./outcomes.ts";

/** A run that `start` takes up again: settled before its end, or left active by a process that is gone. */
export function isLeftOver({ status }: Run): boolean {
  return isResumable(status) || isActive(status);
}

/** At work again. One left active by a process that is gone was interrupted first, as the table wants it. */
export function takenUp(run: Run, reason: RunReason, now: number): Run {
  const settled = isActive(run.status) ? withStatus(run, "interrupted", { kind: "process-gone" }, now) : run;
  return withStatus(settled, "running", reason, now);
}

/** Empty when the options ask for nothing else than what the run does. */
export function planDifferences(run: Run, options: StartOptions): PlanDifference[] {
  const planned = { phases: run.phases.map(({ name }) => name), pace: [run.pace], source: [run.source] };
  const asked = {
    phases: options.phases && phaseNames.filter((name) => options.phases?.includes(name)),
    pace: options.pace && [options.pace],
    source: options.source && [options.source],
  };
  return (["phases", "pace", "source"] as const).flatMap((option) => {
    const [wanted, current] = [asked[option], planned[option]];
    return wanted === undefined || wanted.join() === current.join()
      ? []
      : [{ option, asked: wanted, planned: current }];
  });
}

/**
 * The run with another plan from here. Phases it knows go on where they are; but what is to be collected from Discord may lie
 * anywhere, so then they begin anew, and find what the run has embedded already.
 * @param surveyed all phases as of the run's cutoff
 */
export function changePlan(run: Run, options: StartOptions, surveyed: readonly Omit<PhasePlan, "estimatedMs">[]): Run {
  const chosen = options.phases ?? run.phases.map(({ name }) => name);
  const source = options.source ?? run.source;
  const anew = source === "discord" && run.source !== "discord";
  const phases = planPhases(surveyed, chosen).map(
    (fresh) => (anew ? undefined : run.phases.find(({ name }) => name === fresh.name)) ?? fresh,
  );
  return {
    ...run,
    phases,
    source,
    pace: options.pace ?? run.pace,
    ...(anew ? { skippedBy: {}, collection: { finished: false, collected: 0, unreadable: [] } } : {}),
  };
}
