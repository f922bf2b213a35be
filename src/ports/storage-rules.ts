// What admins decide about what is stored of their server; indexing/live/storage-rules.ts keeps to it.

import type { Snowflake } from "../snowflake.ts";

export interface RulesInForce {
  /** Channels, threads and categories that are left out. */
  readonly channelIds: readonly Snowflake[];
  readonly areBotsLeftOut: boolean;
  /** Older messages leave by themselves; undefined: none do. */
  readonly keepDays: number | undefined;
  /** What is stored of these is deleted within days, as the bot can no longer read them. Milliseconds since 1970. */
  readonly expiring: readonly { readonly channelId: Snowflake; readonly at: number }[];
  /** Something is being removed at this moment. */
  readonly isRemoving: boolean;
  /** Something is being fetched again. */
  readonly isFetching: boolean;
}

export interface StorageRules {
  of(guildId: Snowflake): Promise<RulesInForce>;
  /** @param channelId also a thread's or a category's @param by who decides */
  leaveOutChannel(guildId: Snowflake, channelId: Snowflake, by: Snowflake): Promise<void>;
  /** @returns whether it was left out by itself */
  takeInChannel(guildId: Snowflake, channelId: Snowflake, by: Snowflake): Promise<boolean>;
  /** Messages of bots and webhooks. @returns whether that changes anything */
  storeBots(guildId: Snowflake, areStored: boolean, by: Snowflake): Promise<boolean>;
  /** @param days undefined: for ever */
  keepFor(guildId: Snowflake, days: number | undefined, by: Snowflake): Promise<void>;
  /** Removes all that a member has written before an id; it is not fetched again. */
  removeMember(guildId: Snowflake, userId: Snowflake, beforeId: Snowflake, by: Snowflake): Promise<void>;
  /** Messages that have become too old since the last time begin to leave, and lines of the record that are a year old go. */
  moveOn(guildId: Snowflake): Promise<void>;
}
