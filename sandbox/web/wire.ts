// What the page and its server say to each other. Types only; both sides import them.

import type {
  APIApplicationCommandOptionChoice,
  APIMessage,
  APIModalInteractionResponseCallbackData,
} from "discord-api-types/v10";
import type { Snowflake } from "../../src/snowflake.ts";
import type { CommandDefinition, OptionValues } from "../command-shapes.ts";

export interface Person {
  readonly id: Snowflake;
  readonly name: string;
  readonly bot: boolean;
  /** Names, without @everyone. */
  readonly roles: readonly string[];
  /** 0xRRGGBB of the highest coloured role; 0 for none. */
  readonly color: number;
  readonly owner: boolean;
  /** False for those who only wrote here once. */
  readonly member: boolean;
}

/** A channel or a thread, as one member sees it. */
export interface Place {
  readonly id: Snowflake;
  readonly name: string;
  readonly kind: "text" | "announcement" | "voice" | "forum" | "category" | "thread";
  readonly topic: string;
  readonly parentId?: Snowflake;
  /** Not everybody sees it. */
  readonly private: boolean;
  readonly mayWrite: boolean;
  readonly messages: number;
}

/** The guild as one member sees it. */
export interface Directory {
  readonly guild: { readonly id: Snowflake; readonly name: string };
  readonly viewerId: Snowflake;
  readonly botId: Snowflake;
  /** Whom the member switch offers first. */
  readonly suggestedIds: readonly Snowflake[];
  readonly people: readonly Person[];
  readonly roles: readonly { readonly id: Snowflake; readonly name: string; readonly color: number }[];
  readonly places: readonly Place[];
  /** Where to begin. */
  readonly startId: Snowflake | undefined;
}

/** Consecutive messages, oldest first. */
export interface History {
  readonly messages: readonly APIMessage[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

/** Slash commands, and the commands of a message's menu, that a member may use in a channel. */
export interface CommandList {
  readonly slash: readonly CommandDefinition[];
  readonly menu: readonly string[];
}

/** What a member does. */
export type Action =
  | { readonly do: "post"; readonly channelId: Snowflake; readonly content: string; readonly replyTo?: Snowflake }
  | ({ readonly do: "run" } & RunInput)
  | ({ readonly do: "complete"; readonly focused: string } & RunInput)
  | { readonly do: "menu"; readonly messageId: Snowflake; readonly name: string }
  | { readonly do: "press"; readonly messageId: Snowflake; readonly customId: string }
  | {
      readonly do: "select";
      readonly messageId: Snowflake;
      readonly customId: string;
      readonly values: readonly string[];
    }
  | { readonly do: "submit"; readonly interactionId: Snowflake; readonly values: Readonly<Record<string, string>> };

interface RunInput {
  readonly channelId: Snowflake;
  readonly name: string;
  readonly group?: string;
  readonly subcommand?: string;
  readonly options: OptionValues;
}

/** What comes of a action at once; messages arrive as happenings. */
export interface Outcome {
  /** Why it was not done, or that the bot did not answer. */
  readonly problem?: string;
  readonly modal?: { readonly interactionId: Snowflake; readonly form: APIModalInteractionResponseCallbackData };
  readonly choices?: readonly APIApplicationCommandOptionChoice[];
}

/** What a member's page is told of, as it happens. */
export type Happening =
  | { readonly type: "message"; readonly message: APIMessage; readonly isNew: boolean }
  | { readonly type: "gone"; readonly channelId: Snowflake; readonly ids: readonly Snowflake[] }
  /** Channels, roles or members changed. */
  | { readonly type: "directory" };
