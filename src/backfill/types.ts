// The backfill as the rest of the project sees it: what commands may ask of it and what it reports. Types only; engine.ts does it.

import type { Generation, GenerationChange } from "../ports/generations.ts";
import type { QuarantineEntry } from "../ports/quarantine.ts";
import type { Snowflake } from "../snowflake.ts";
import type { Rechecking } from "../sync/recheck.ts";
import type { Gaps } from "../sync/resync.ts";
import type { Analysis } from "./compare/survey.ts";
import type { Verification } from "./compare/verify.ts";
import type { Alert } from "./reporting/alerts.ts";
import type { Health } from "./reporting/health.ts";
import type { PaceName, PhaseName, Run, SourceName } from "./run/run.ts";

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

export type StartOutcome =
  | { readonly outcome: "started"; readonly status: BackfillStatus }
  | { readonly outcome: "resumed"; readonly status: BackfillStatus; readonly from: string }
  | { readonly outcome: "already-running"; readonly status: BackfillStatus }
  /** Everything is embedded already: nothing to do. */
  | { readonly outcome: "nothing-to-do"; readonly analysis: Analysis }
  /** A resumable run has another plan: say `changePlan` to go on with the new one. */
  | { readonly outcome: "plan-differs"; readonly status: BackfillStatus; readonly differences: readonly string[] }
  /** The pre-flight refused; each failed check says why and what to do. */
  | { readonly outcome: "refused"; readonly analysis: Analysis };

export type PauseOutcome =
  | { readonly outcome: "pausing" | "paused" | "already-paused"; readonly status: BackfillStatus }
  /** It hung in `pausing` for over five minutes and is paused now, without waiting for the batches in flight. */
  | { readonly outcome: "forced"; readonly status: BackfillStatus }
  | { readonly outcome: "nothing-running"; readonly status: BackfillStatus };

/** Everything `/backfill status` and the progress message show. */
export interface BackfillStatus {
  readonly guildId: Snowflake;
  readonly at: number;
  /** The current or latest run. */
  readonly run: Run | undefined;
  /** The run was for another search model than the present one, which does not search what it made. */
  readonly otherModel: boolean;
  /** What is being changed from one search index to another; undefined when one has all. */
  readonly change: GenerationChange | undefined;
  /** Over the last minute of running time. */
  readonly recordsPerSecond: number | undefined;
  readonly etaMs: number | undefined;
  /** What the run is waiting for, when it is: "next try in 20 s", "cooldown", "Discord's rate limit". */
  readonly waitingFor: string | undefined;
  readonly alerts: readonly Alert[];
  readonly health: Health;
  /** Records that arrived or changed and are not searchable yet. Undefined when the archive cannot be asked at the moment. */
  readonly livePending: number | undefined;
  /** How far what is archived has been compared with Discord since the bot was last away; absent when that is done. */
  readonly rechecking?: Rechecking | undefined;
  /** What is, or may be, missing of what was written while the bot was away; absent where there is no Discord. */
  readonly gaps?: Gaps | undefined;
  /** Undefined as above. */
  readonly quarantined: number | undefined;
  /** Why reports do not reach the admin channel, if they do not. */
  readonly adminChannelProblem: string | undefined;
  /** Another process that owns this guild, if it is not us. */
  readonly ownedElsewhere: string | undefined;
}

/** What the engine tells the admin channel; views turn it into Discord payloads. */
export type Announcement =
  | { readonly kind: "progress"; readonly status: BackfillStatus }
  | { readonly kind: "alert-raised"; readonly alert: Alert; readonly status: BackfillStatus }
  | { readonly kind: "alert-resolved"; readonly alert: Alert; readonly status: BackfillStatus }
  | {
      readonly kind: "generation-change";
      readonly status: BackfillStatus;
      readonly change: GenerationChange;
      readonly analysis: Analysis;
    }
  | { readonly kind: "report"; readonly status: BackfillStatus; readonly verification: Verification | undefined };

/** The backfill as commands use it. Every method takes the guild first and is safe to call at any time. */
export interface Backfill {
  /** @param onProgress called a few times a second with the number of records looked at so far */
  analyze(guildId: Snowflake, onProgress?: (records: number) => void): Promise<Analysis>;
  start(guildId: Snowflake, options: StartOptions): Promise<StartOutcome>;
  pause(guildId: Snowflake, by: string): Promise<PauseOutcome>;
  status(guildId: Snowflake): Promise<BackfillStatus>;
  verify(guildId: Snowflake, onProgress?: (records: number) => void): Promise<Verification>;
  /** Quarantined records, newest first. */
  failures(guildId: Snowflake, limit: number): Promise<QuarantineEntry[]>;
  /** Gives quarantined records another chance. @returns how many */
  retry(guildId: Snowflake): Promise<number>;
  /** What could be gone back to: the index of before the latest change, as long as it is kept. */
  formerIndex(guildId: Snowflake): Promise<Generation | undefined>;
  /** Searches the former index first again. @returns it @throws UserError when there is none, or a run is at work */
  rollbackIndex(guildId: Snowflake, by: string): Promise<Generation>;
  /** Takes the latest run's rows out of the index. @returns rows removed */
  rollback(
    guildId: Snowflake,
    by: string,
  ): Promise<{ readonly removedRows: number; readonly verification: Verification }>;
}
