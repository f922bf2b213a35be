// What is archived: messages and notes.

import type { Snowflake } from "../snowflake.ts";

export type RecordKind = "message" | "note";

export interface Attachment {
  readonly name: string;
  /** The alt text its author gave it. */
  readonly alt?: string;
  /** MIME type as Discord reports it, e.g. "image/png". */
  readonly contentType?: string;
}

/** A message or a note, as stored. `id` decides its place in time. */
export interface ArchivedRecord {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  /** Where it was written: a channel, or a thread. */
  readonly channelId: Snowflake;
  /** Whose permissions govern it: the parent for public threads, the thread itself for private ones. */
  readonly accessChannelId: Snowflake;
  readonly authorId: Snowflake;
  /** The author's name when it was stored; part of what is embedded. */
  readonly authorName: string;
  /** True for messages of bots and webhooks. */
  readonly bot?: boolean;
  /** The original text. May be empty (an attachment alone, a poll). */
  readonly content: string;
  readonly attachments?: readonly Attachment[];
  /** Text of each embed: title, description, fields. */
  readonly embeds?: readonly string[];
  /** A poll's question and answers. */
  readonly poll?: string;
  /** Text of a forwarded message. */
  readonly forwarded?: string;
  /** Names of the users, roles and channels that `content` or `forwarded` mention (`<@id>`, `<@&id>`, `<#id>`), as stored. */
  readonly mentions?: readonly { readonly id: Snowflake; readonly name: string }[];
  /** Names of its stickers. */
  readonly stickers?: readonly string[];
  readonly pinned?: boolean;
  readonly replyToId?: Snowflake;
  /** Milliseconds since 1970. */
  readonly editedAt?: number;
  /** Notes only: who may see it. Private notes are seen by `authorId` alone. */
  readonly visibility?: "private" | "channel";
  /** Notes only: the message it was saved from. */
  readonly sourceMessageId?: Snowflake;
  /** Whose words that message was: they go when its author asks. */
  readonly sourceAuthorId?: Snowflake;
}

/** A record with the hash of everything in it that can change what is embedded (see `contentHash` in content-hash.ts). */
export interface StoredRecord {
  readonly record: ArchivedRecord;
  readonly contentHash: string;
}

/** A key whose value does not decode or does not validate; reported, never thrown. */
export interface DamagedRecord {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  readonly reason: string;
}
