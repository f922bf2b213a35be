// From an analysis and what the admin asked for to a new run. Pure.

import { snowflakeAt } from "../../snowflake.ts";
import { type Analysis, planPhases } from "../compare/survey.ts";
import type { Run } from "../run/run.ts";
import type { StartOptions } from "./outcomes.ts";

/** @returns undefined when there is nothing to do */
export function planRun(analysis: Analysis, options: StartOptions, fingerprint: string, now: number): Run | undefined {
  const { guildId } = analysis;
  const source = options.source ?? "archive";
  const phases = planPhases(analysis.phases, options.phases);
  const chosen = analysis.phases.filter(({ name }) => phases.some((phase) => phase.name === name));
  const work = chosen.reduce((sum, phase) => sum + phase.missing + phase.stale, analysis.orphaned);
  if (work === 0 && source === "archive") return undefined;
  const id = `${now.toString(36)}-${guildId.slice(-4)}`;
  return {
    version: 1,
    id,
    guildId,
    status: "running",
    reason: { kind: "started" },
    statusAt: now,
    startedAt: now,
    startedBy: options.startedBy,
    // Of all phases, not of the chosen ones: a run of old messages only must not end history where they end.
    cutoffId: analysis.phases[0]?.newestId ?? snowflakeAt(now),
    pace: options.pace ?? "auto",
    source,
    phases,
    ...(source === "discord" ? { collection: { finished: false, collected: 0, unreadable: [] } } : {}),
    runningMs: 0,
    skippedBy: {},
    batches: { sent: 0, failed: 0 },
    fingerprint,
    indexTag: `before-run-${id}`,
  };
}
