// What people are told of a guild's backfill: how it stands, and what is posted in the admin channel. Types only.

import type { HostProblem } from "../../ports/discord.ts";
import type { GenerationChange } from "../../ports/generations.ts";
import type { SpendingState } from "../../ports/spending.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Expiring } from "../../sync/expiry.ts";
import type { Rechecking } from "../../sync/recheck.ts";
import type { Gaps } from "../../sync/resync.ts";
import type { Analysis } from "../compare/survey.ts";
import type { Verification } from "../compare/verify.ts";
import type { Alert } from "../run/alerts.ts";
import type { WaitingFor } from "../run/facts.ts";
import type { Run } from "../run/run.ts";
import type { Health } from "./health.ts";

/** `message`: what Discord said. */
export type AdminChannelProblem =
  | { readonly kind: "none-chosen" }
  | { readonly kind: "error"; readonly message: string };

/** Everything `/backfill status` and the progress message show. */
export interface BackfillStatus {
  readonly guildId: Snowflake;
  /** What admins type, e.g. "/backfill". */
  readonly command: string;
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
  /** What the run is waiting for, when it is. */
  readonly waitingFor: WaitingFor | undefined;
  readonly alerts: readonly Alert[];
  /** What the search model was used for this month, by all servers; absent where nothing is counted. */
  readonly spending?: SpendingState | undefined;
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
  readonly adminChannelProblem: AdminChannelProblem | undefined;
  /** Another process that owns this guild, if it is not us. */
  readonly ownedElsewhere: string | undefined;
  /** What only whoever runs the bot can mend. Absent: nothing. */
  readonly hostProblems?: readonly HostProblem[] | undefined;
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
  | { readonly kind: "expiring"; readonly status: BackfillStatus; readonly expiring: Expiring }
  | { readonly kind: "host-problems"; readonly status: BackfillStatus; readonly problems: readonly HostProblem[] }
  | { readonly kind: "report"; readonly status: BackfillStatus; readonly verification: Verification | undefined };
