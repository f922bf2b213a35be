// What members are told of their own words: where they are kept, and what there is of them.

import type { Snowflake } from "../snowflake.ts";
import type { ChannelType } from "./archive.ts";

/** Where members' words are, apart from Discord. */
export interface KeptWhere {
  /** Archive and index are on the machine that the bot runs on. */
  readonly isLocal: boolean;
  readonly modelId: string;
  /** The host of the embedding server; undefined: the texts are read by this program itself. */
  readonly modelHost: string | undefined;
  /** That host is this machine, or in its private network. */
  readonly isModelNear: boolean;
  /** How long what was deleted may linger in files. */
  readonly keepDeletedHours: number;
}

export interface StoredAbout {
  /** Messages by the kind of channel they are in. */
  readonly messages: ReadonlyMap<ChannelType, number>;
  readonly oldestId: Snowflake | undefined;
  readonly notes: number;
  /** Notes that others have saved from this member's messages. */
  readonly savedByOthers: number;
  readonly isOptedOut: boolean;
  /** Older messages have been deleted and are not stored again. */
  readonly deletedBeforeId: Snowflake | undefined;
  readonly isBeingRemoved: boolean;
  /** Older messages of anybody are not kept. */
  readonly keptSinceId: Snowflake | undefined;
}
