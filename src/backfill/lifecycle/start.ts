// The two ways a start can go: a new run is planned and stored, or one that was left is changed to suit and taken up again.

import type { GuildIndexes } from "../../indexing/guild-index/guild-indexes.ts";
import type { Ownership } from "../../indexing/guild-index/ownership.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RunStore } from "../../ports/runs.ts";
import type { Versioned } from "../../ports/versioned.ts";
import { RefusedError } from "../../refusals.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Sources } from "../compare/difference.ts";
import { type Analysis, survey } from "../compare/survey.ts";
import { type Run, totals } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";
import { planRun } from "./new-run.ts";
import type { StartOptions, StartOutcome } from "./outcomes.ts";
import { changePlan, takenUp } from "./plan-change.ts";

export interface StartingParts {
  readonly runStore: RunStore<Run>;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly command: string;
}

/** @throws RefusedError when this process does not own the guild */
export function requireOwnership(ownership: Ownership, guildId: Snowflake): void {
  if (ownership.lease(guildId) !== undefined) return;
  throw new RefusedError({ kind: "not-owned", holder: ownership.heldElsewhere(guildId) });
}

/**
 * Tags the index and stores a new run in place of the one before.
 * @param before the stored run when the analysis began
 * @returns why there is none, when there is none
 */
export async function storeNewRun(
  { runStore, indexes, ownership, clock, logger, command }: StartingParts,
  guildId: Snowflake,
  options: StartOptions,
  analysis: Analysis,
  before: Run | undefined,
): Promise<Versioned<Run> | Extract<StartOutcome, { readonly analysis: Analysis }>> {
  if (analysis.preflight.some(({ ok }) => !ok)) return { outcome: "refused", analysis };
  const planned = planRun(analysis, options, indexes.space.fingerprint, clock.now());
  if (planned === undefined) return { outcome: "nothing-to-do", analysis };
  await (await indexes.open(guildId)).index.tag(planned.indexTag);
  // Its alerts may have changed during the analysis; those that are on go over to the new run.
  const latest = await runStore.load(guildId);
  const run: Run = latest?.value.alerts === undefined ? planned : { ...planned, alerts: latest.value.alerts };
  const lease = ownership.lease(guildId);
  const saved =
    latest?.value.id === before?.id
      ? await runStore.save(guildId, run, latest?.stamp, lease === undefined ? {} : { lease })
      : "changed";
  if (saved === "changed" || saved === "lease-lost") {
    throw new RefusedError({ kind: "changed-meanwhile", command });
  }
  logger.info("run:started", { guildId, runId: run.id, pace: run.pace, planned: totals(run).planned });
  return saved;
}

/** A run that was left is running again, by another plan if that is asked for. */
export async function takeUpAgain(
  state: RunState,
  sources: Sources,
  guildId: Snowflake,
  options: StartOptions,
  now: () => number,
): Promise<void> {
  const { cutoffId, status } = state.current();
  const phases = options.changePlan === true ? (await survey(sources, guildId, cutoffId)).phases : undefined;
  await state.update((run) =>
    takenUp(phases === undefined ? run : changePlan(run, options, phases), { kind: "resumed", from: status }, now()),
  );
}
