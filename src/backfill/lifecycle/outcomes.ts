// What start and pause are asked for, and what comes of it. Types only.

import type { Snowflake } from "../../snowflake.ts";
import type { Analysis, Cost } from "../compare/survey.ts";
import type { BackfillStatus } from "../reporting/announcements.ts";
import type { RunStatus } from "../run/facts.ts";
import type { PaceName, PhaseName, SourceName } from "../run/run.ts";

export interface StartOptions {
  /** Undefined: all four. */
  readonly phases?: readonly PhaseName[];
  readonly pace?: PaceName;
  readonly source?: SourceName;
  /** Where reports go; remembered for the guild. Undefined: where they went before. */
  readonly adminChannelId?: Snowflake;
  /** Who asked: a user id, for the record. */
  readonly startedBy: string;
  /** Change the plan of a paused run from here instead of asking first. */
  readonly changePlan?: boolean;
}

/** An option that is asked for otherwise than the run was planned. */
export interface PlanDifference {
  readonly option: "phases" | "pace" | "source";
  readonly asked: readonly string[];
  readonly planned: readonly string[];
}

export type StartOutcome =
  /** `cost`: of what is known to be missing; undefined where nothing is counted. */
  | {
      readonly outcome: "started";
      readonly status: BackfillStatus;
      readonly cost?: Cost | undefined;
      /** See `Analysis`. */
      readonly textsGoTo?: string | undefined;
    }
  | { readonly outcome: "resumed"; readonly status: BackfillStatus; readonly from: RunStatus }
  | { readonly outcome: "already-running"; readonly status: BackfillStatus }
  /** Everything is embedded already: nothing to do. */
  | { readonly outcome: "nothing-to-do"; readonly analysis: Analysis }
  /** A resumable run has another plan: say `changePlan` to go on with the new one. */
  | {
      readonly outcome: "plan-differs";
      readonly status: BackfillStatus;
      readonly differences: readonly PlanDifference[];
    }
  /** The pre-flight refused; each failed check says why and what to do. */
  | { readonly outcome: "refused"; readonly analysis: Analysis };

export type PauseOutcome =
  | { readonly outcome: "pausing" | "paused" | "already-paused"; readonly status: BackfillStatus }
  /** It hung in `pausing` for over five minutes and is paused now, without waiting for the batches in flight. */
  | { readonly outcome: "forced"; readonly status: BackfillStatus }
  | { readonly outcome: "nothing-running"; readonly status: BackfillStatus };
