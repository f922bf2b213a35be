// Discord message -> ArchivedRecord: which messages hold words of people, and all the words a message holds. Pure.

import {
  type APIBaseMessage,
  type APIEmbed,
  type APIMessageMentions,
  type APIPoll,
  ComponentType,
  MessageFlags,
  MessageReferenceType,
  MessageType,
} from "discord-api-types/v10";
import type { ChannelInfo } from "../../ports/archive.ts";
import type { ArchivedRecord } from "../../ports/records.ts";
import type { Snowflake } from "../../snowflake.ts";
import { filesOf } from "./message-files.ts";

/** A message as REST or the gateway sends it; the gateway adds nicknames. */
export type ReceivedMessage = APIBaseMessage &
  Omit<APIMessageMentions, "mentions"> & {
    readonly mentions: readonly (APIMessageMentions["mentions"][number] & { member?: { nick?: string | null } })[];
    readonly member?: { nick?: string | null };
  };

/** Names a message does not carry itself. */
export interface MessageNames {
  nickname(userId: Snowflake): string | undefined;
  role(roleId: Snowflake): string | undefined;
  /** Only for channels whose name everyone may know. */
  channel(channelId: Snowflake): string | undefined;
}

/** All other types are Discord's own announcements, or (a thread's starter) a copy of a message that is archived where it was written. */
const TYPES_WITH_TEXT: ReadonlySet<MessageType> = new Set([
  MessageType.Default,
  MessageType.Reply,
  MessageType.ChatInputCommand,
  MessageType.ContextMenuCommand,
]);

/** False for announcements (joins, pins, boosts ...), ephemeral replies and "thinking ..." placeholders. */
export function hasWords(message: Pick<APIBaseMessage, "type" | "flags">): boolean {
  const hidden = MessageFlags.Ephemeral | MessageFlags.Loading;
  return TYPES_WITH_TEXT.has(message.type) && ((message.flags ?? 0) & hidden) === 0;
}

/**
 * The record of a message for which `hasWords` holds. The names of its stickers are no part of its text, unless that has
 * nothing else: they say more about the sticker's maker than about the message.
 */
export function toRecord(
  message: ReceivedMessage,
  channel: Pick<ChannelInfo, "id" | "accessChannelId">,
  names: MessageNames,
): ArchivedRecord {
  const { author } = message;
  const snapshots = (message.message_snapshots ?? []).map((snapshot) => snapshot.message);
  const attachments = filesOf([message, ...snapshots]);
  const stickers = [message, ...snapshots].flatMap((each) => each.sticker_items ?? []);
  const embeds = [...message.embeds.map(embedText), componentText(message.components)].filter(Boolean);
  const forwarded = snapshots
    .flatMap((snapshot) => [snapshot.content, ...snapshot.embeds.map(embedText), componentText(snapshot.components)])
    .filter(Boolean)
    .join("\n");
  const mentioned = [...message.mentions, ...snapshots.flatMap((snapshot) => snapshot.mentions)];
  const mentions = mentionedNames(`${message.content}\n${forwarded}`, mentioned, names);
  const replyToId =
    message.type === MessageType.Reply && message.message_reference?.type !== MessageReferenceType.Forward
      ? message.message_reference?.message_id
      : undefined;
  return {
    kind: "message",
    id: message.id,
    channelId: channel.id,
    accessChannelId: channel.accessChannelId,
    authorId: author.id,
    authorName: message.member?.nick || names.nickname(author.id) || author.global_name || author.username,
    ...((author.bot || message.webhook_id) && { bot: true }),
    content: message.content,
    ...(attachments.length > 0 && { attachments }),
    ...(embeds.length > 0 && { embeds }),
    ...(stickers.length > 0 && { stickers: stickers.map(({ name }) => name) }),
    ...(message.pinned && { pinned: true }),
    ...(message.poll && { poll: pollText(message.poll) }),
    // Empty where only files were forwarded.
    ...(snapshots.length > 0 && { forwarded }),
    ...(mentions.length > 0 && { mentions }),
    ...(replyToId && { replyToId }),
    ...(message.edited_timestamp && { editedAt: Date.parse(message.edited_timestamp) }),
  };
}

function embedText(embed: APIEmbed): string {
  const fields = (embed.fields ?? []).map((field) => `${field.name}: ${field.value}`);
  return [embed.author?.name, embed.title, embed.description, ...fields, embed.footer?.text].filter(Boolean).join("\n");
}

function pollText(poll: APIPoll): string {
  return [poll.question.text, ...poll.answers.map((answer) => answer.poll_media.text)].filter(Boolean).join("\n");
}

/** The text displays of a message made of components (which has no content), wherever they are nested. */
function componentText(node: unknown): string {
  if (Array.isArray(node)) return node.map(componentText).filter(Boolean).join("\n");
  if (typeof node !== "object" || node === null) return "";
  if ("type" in node && node.type === ComponentType.TextDisplay && "content" in node) return String(node.content);
  const text = componentText([
    "components" in node ? node.components : undefined,
    "component" in node ? node.component : undefined,
  ]);
  // A container that is a spoiler as a whole stays closed; a pair of bars within would open it.
  const isClosed = text !== "" && "spoiler" in node && node.spoiler === true;
  return isClosed ? `||${text.replaceAll("||", "")}||` : text;
}

/** Names for the mentions that are in the text; a reply's list of mentions also has the author it answers. */
function mentionedNames(
  text: string,
  users: ReceivedMessage["mentions"],
  names: MessageNames,
): { id: Snowflake; name: string }[] {
  const found = new Map<Snowflake, string>();
  for (const [, sign, id] of text.matchAll(/<(@[!&]?|#)(\d{1,20})>/g)) {
    if (!id || found.has(id)) continue;
    const user = sign?.startsWith("@") ? users.find((candidate) => candidate.id === id) : undefined;
    const name =
      sign === "#"
        ? names.channel(id)
        : sign === "@&"
          ? names.role(id)
          : user?.member?.nick || names.nickname(id) || user?.global_name || user?.username;
    if (name) found.set(id, name);
  }
  return [...found].map(([id, name]) => ({ id, name }));
}
