// The shape of the demo's written history: plain data, for the stand-in to load and the tests to check.

import type { Attachment } from "../../src/ports/records.ts";
import type { Snowflake } from "../../src/snowflake.ts";

export interface WrittenRole {
  readonly id: Snowflake;
  readonly name: string;
  /** 0xRRGGBB of its members' names; absent for none. */
  readonly color?: number;
}

export interface WrittenMember {
  readonly id: Snowflake;
  readonly name: string;
  /** Role ids; the role everyone has is not listed. */
  readonly roles: readonly Snowflake[];
  readonly bot?: true;
}

export interface WrittenChannel {
  readonly id: Snowflake;
  readonly name: string;
  readonly type: "text" | "announcement";
  readonly topic: string;
  /** Present when only these roles can see it. */
  readonly private?: { readonly roles: readonly Snowflake[] };
}

export interface WrittenThread {
  /** A public thread has the id of the message it was started from, as on Discord; a private one has an id of its own. */
  readonly id: Snowflake;
  readonly name: string;
  readonly parentId: Snowflake;
  readonly private?: true;
  /** Whoever wrote in it, and for a private one whoever was invited. */
  readonly members: readonly Snowflake[];
}

export interface WrittenEmbed {
  readonly title: string;
  readonly description?: string;
  readonly url?: string;
}

export interface WrittenPoll {
  readonly question: string;
  readonly answers: readonly string[];
}

export interface WrittenMessage {
  readonly id: Snowflake;
  /** A channel or a thread. */
  readonly channelId: Snowflake;
  readonly authorId: Snowflake;
  /** May be empty: an attachment alone, a poll, a forwarded message. */
  readonly content: string;
  /** Milliseconds since 1970; the id was made from it. */
  readonly timestamp: number;
  /** Milliseconds since 1970. */
  readonly editedAt?: number;
  /** Always in the same channel or thread, and older. */
  readonly replyToId?: Snowflake;
  readonly attachments?: readonly Attachment[];
  readonly embeds?: readonly WrittenEmbed[];
  readonly poll?: WrittenPoll;
  /** The text of the message that was forwarded. */
  readonly forwarded?: string;
}

export interface WrittenNote {
  readonly ownerId: Snowflake;
  readonly channelId: Snowflake;
  readonly text: string;
  readonly visibility: "private" | "channel";
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Something a member might search for, with the messages that answer it or tell of the same trouble just before the answer. */
export interface WrittenQuery {
  readonly text: string;
  /** What a person should find, in a few words. */
  readonly expects: string;
  readonly relevantIds: readonly Snowflake[];
  /** The demo plays these. */
  readonly demo?: true;
}

export interface WrittenHistory {
  readonly guild: { readonly id: Snowflake; readonly name: string };
  readonly roles: readonly WrittenRole[];
  readonly members: readonly WrittenMember[];
  readonly channels: readonly WrittenChannel[];
  readonly threads: readonly WrittenThread[];
  /** Oldest first. */
  readonly messages: readonly WrittenMessage[];
  readonly notes: readonly WrittenNote[];
  readonly queries: readonly WrittenQuery[];
}
