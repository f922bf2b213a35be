// The stand-in's vocabulary: what its little Discord consists of, and the events its feed carries.
// State only; what Discord's API makes of it is in render-*.ts.

import type {
  APIApplicationCommandOptionChoice,
  APIEmbed,
  APIMessageSnapshot,
  APIMessageTopLevelComponent,
  APIModalInteractionResponseCallbackData,
  APIPoll,
  APIStickerItem,
  ApplicationCommandType,
  ChannelType,
  InteractionType,
  MessageType,
  RESTPostAPIApplicationCommandsJSONBody,
} from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import type { MessageLog } from "./message-log.ts";

export interface User {
  readonly id: Snowflake;
  readonly username: string;
  /** The display name; null shows the username. */
  globalName: string | null;
  readonly bot: boolean;
}

export interface Role {
  readonly id: Snowflake;
  name: string;
  permissions: bigint;
  position: number;
  color: number;
  readonly managed: boolean;
}

/** A channel's exception to a role's (`type` 0) or a member's (`type` 1) permissions. */
export interface Overwrite {
  readonly id: Snowflake;
  readonly type: 0 | 1;
  readonly allow: bigint;
  readonly deny: bigint;
}

export interface Member {
  readonly userId: Snowflake;
  roleIds: readonly Snowflake[];
  nick: string | null;
  readonly joinedAt: number;
  /** Milliseconds since 1970; may be long past. */
  timedOutUntil: number | null;
  isTimedOut(): boolean;
}

export interface ThreadState {
  readonly ownerId: Snowflake;
  archived: boolean;
  locked: boolean;
  /** When `archived` last changed. Milliseconds since 1970. */
  archivedAt: number;
  readonly createdAt: number;
  /** User id to the time of joining. */
  readonly members: Map<Snowflake, number>;
  /** Messages ever sent here, deleted ones included. */
  totalSent: number;
}

/** A channel or, with `thread` set, a thread. */
export interface Channel {
  readonly id: Snowflake;
  readonly guildId: Snowflake;
  readonly type: ChannelType;
  name: string;
  topic: string | null;
  parentId: Snowflake | null;
  position: number;
  overwrites: readonly Overwrite[];
  /** Of a thread: its parent's counts. */
  ageRestricted: boolean;
  readonly messages: MessageLog;
  readonly thread?: ThreadState;
}

export interface Guild {
  readonly id: Snowflake;
  name: string;
  readonly ownerId: Snowflake;
  readonly roles: Map<Snowflake, Role>;
  readonly members: Map<Snowflake, Member>;
  /** Channels and threads. */
  readonly channels: Map<Snowflake, Channel>;
  readonly createdAt: number;
}

export interface Attachment {
  readonly id: Snowflake;
  readonly filename: string;
  /** The name as it was given, without its ending, where `filename` is another. */
  readonly title?: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Alt text. */
  readonly description?: string;
  /** What the stand-in serves at the attachment's URL; absent for history loaded without files. */
  readonly data?: Uint8Array;
}

export interface MessageRef {
  readonly guildId: Snowflake;
  readonly channelId: Snowflake;
  readonly messageId: Snowflake;
}

/** Which interaction a message answers. */
export interface MessageOrigin {
  readonly id: Snowflake;
  readonly type: InteractionType;
  readonly userId: Snowflake;
  /** Name of the command, if there was one. */
  readonly name?: string;
  /** The message whose button was pressed, or that a context menu was opened on. */
  readonly messageId?: Snowflake;
}

export interface Message {
  readonly id: Snowflake;
  readonly guildId: Snowflake;
  readonly channelId: Snowflake;
  readonly authorId: Snowflake;
  readonly type: MessageType;
  content: string;
  flags: number;
  /** Milliseconds since 1970. */
  editedAt?: number;
  attachments?: readonly Attachment[];
  embeds?: readonly APIEmbed[];
  components?: readonly APIMessageTopLevelComponent[];
  poll?: APIPoll;
  readonly stickers?: readonly APIStickerItem[];
  pinned?: boolean;
  readonly replyTo?: MessageRef;
  readonly forwardOf?: MessageRef;
  readonly snapshot?: APIMessageSnapshot;
  readonly origin?: MessageOrigin;
  /** Only this user sees it, and no channel route or gateway event shows it. */
  readonly ephemeralFor?: Snowflake;
  readonly nonce?: string | number;
}

export interface Command {
  readonly id: Snowflake;
  /** Undefined for a global command. */
  readonly guildId?: Snowflake;
  readonly type: ApplicationCommandType;
  /** Changes with each edit. */
  version: Snowflake;
  definition: RESTPostAPIApplicationCommandsJSONBody;
}

export type AcknowledgementKind = "reply" | "deferred-reply" | "deferred-update" | "update" | "modal" | "autocomplete";

export interface Acknowledgement {
  readonly kind: AcknowledgementKind;
  readonly ephemeral: boolean;
  readonly at: number;
}

export interface Interaction {
  readonly id: Snowflake;
  readonly token: string;
  readonly type: InteractionType;
  readonly guildId: Snowflake;
  readonly channelId: Snowflake;
  readonly userId: Snowflake;
  readonly createdAt: number;
  /** Name of the command, for messages that answer it. */
  readonly commandName?: string;
  /** The message a component sits on, or the target of a context menu. */
  readonly message?: Message;
  /** Discord's `data` of the INTERACTION_CREATE payload. */
  readonly data: unknown;
  acknowledgement?: Acknowledgement;
  /** The original response; for a component's update, the component's message. */
  original?: Message;
  readonly followups: Message[];
  modal?: APIModalInteractionResponseCallbackData;
  choices?: readonly APIApplicationCommandOptionChoice[];
}

/** What happened, in the order it happened. Emitted after the change; deleted things come as they last were. */
export type WorldEvent =
  | { readonly type: "guild:created" | "guild:deleted"; readonly guild: Guild }
  | { readonly type: "role:created" | "role:updated" | "role:deleted"; readonly guild: Guild; readonly role: Role }
  | {
      readonly type: "member:added" | "member:updated" | "member:removed";
      readonly guild: Guild;
      readonly member: Member;
    }
  | {
      readonly type: "channel:created" | "channel:updated" | "channel:deleted";
      readonly guild: Guild;
      readonly channel: Channel;
    }
  | {
      readonly type: "thread:created" | "thread:updated" | "thread:deleted";
      readonly guild: Guild;
      readonly channel: Channel;
    }
  | {
      readonly type: "thread:members";
      readonly guild: Guild;
      readonly channel: Channel;
      readonly added: readonly Snowflake[];
      readonly removed: readonly Snowflake[];
    }
  | {
      readonly type: "message:created" | "message:updated" | "message:deleted";
      readonly guild: Guild;
      readonly channel: Channel;
      readonly message: Message;
    }
  | {
      readonly type: "messages:deleted";
      readonly guild: Guild;
      readonly channel: Channel;
      readonly messages: readonly Message[];
    }
  | { readonly type: "interaction:created" | "interaction:updated"; readonly interaction: Interaction };
