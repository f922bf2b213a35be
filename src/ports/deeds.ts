// The record of who did what in a guild: a line for everything that an admin changes about what is stored and searched.

import type { Snowflake } from "../snowflake.ts";

export const deedNames = [
  "run-started",
  "run-resumed",
  "run-paused",
  "run-rolled-back",
  "index-rolled-back",
  "failures-retried",
  "channel-excluded",
  "channel-included",
  "bots-excluded",
  "bots-included",
  "retention-set",
  "member-removed",
  "channel-expired",
] as const;

export interface Deed {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Absent: the bot itself. */
  readonly by?: Snowflake;
  readonly what: (typeof deedNames)[number];
  /** The channel or member that it concerns. */
  readonly targetId?: Snowflake;
  /** The run, or the number of days. */
  readonly detail?: string;
}
