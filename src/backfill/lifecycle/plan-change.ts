// Taking up a run that was left: what its admin now wants otherwise, and how the run changes to suit. Pure.

import { type PhasePlan, planPhases } from "../compare/survey.ts";
import { isActive, isResumable, phaseNames, type Run, withStatus } from "../run/run.ts";
import type { StartOptions } from "./outcomes.ts";

/** A run that `start` takes up again: settled before its end, or left active by a process that is gone. */
export function isLeftOver({ status }: Run): boolean {
  return isResumable(status) || isActive(status);
}

/** At work again. One left active by a process that is gone was interrupted first, as the table wants it. */
export function takenUp(run: Run, reason: string, now: number): Run {
  const settled = isActive(run.status) ? withStatus(run, "interrupted", "the process went away", now) : run;
  return withStatus(settled, "running", reason, now);
}

/** In words; empty when the options ask for nothing else than what the run does. */
export function planDifferences(run: Run, options: StartOptions): string[] {
  const differences: string[] = [];
  const current = run.phases.map(({ name }) => name).join(", ");
  const wanted = phaseNames.filter((name) => options.phases?.includes(name)).join(", ");
  if (options.phases !== undefined && wanted !== current) differences.push(`phases: ${wanted} instead of ${current}`);
  for (const name of ["pace", "source"] as const) {
    const asked = options[name];
    if (asked !== undefined && asked !== run[name]) differences.push(`${name}: ${asked} instead of ${run[name]}`);
  }
  return differences;
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
