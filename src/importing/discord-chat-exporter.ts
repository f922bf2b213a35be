// DiscordChatExporter's JSON: {"guild", "channel", …, "messages": […]}, one channel or thread a file, often larger than memory.
// Format: https://github.com/Tyrrrz/DiscordChatExporter (JsonMessageWriter.cs).

import { z } from "zod";
import { toError, UserError } from "../errors.ts";
import type { ChannelInfo, ChannelType } from "../ports/archive.ts";
import { isSnowflake } from "../snowflake.ts";
import type { ExportEntry, ExportedMessage, TextPieces } from "./export-entry.ts";
import { jsonElements } from "./json-elements.ts";

const id = z.string().refine(isSnowflake, "not an id");
const text = z.string().nullish();

const channelSchema = z.object({
  id,
  type: z.string(),
  /** For a thread: the channel above it. */
  categoryId: id.nullish(),
  category: text,
  name: z.string(),
});

const embedSchema = z.object({
  title: text,
  description: text,
  fields: z.array(z.object({ name: text, value: text })).nullish(),
});

const messageSchema = z.object({
  id,
  type: z.string(),
  timestampEdited: text,
  content: z.string(),
  author: z.object({ id, name: z.string(), nickname: text, isBot: z.boolean().nullish() }),
  attachments: z.array(z.object({ fileName: z.string() })).nullish(),
  embeds: z.array(embedSchema).nullish(),
  reference: z.object({ messageId: id.nullish() }).nullish(),
  forwardedMessage: z.object({ content: text, embeds: z.array(embedSchema).nullish() }).nullish(),
});
type Message = z.infer<typeof messageSchema>;

/** What Discord itself writes into a channel. Types without a name here are numbers, or somebody's words. */
const systemTypes = new Set([
  "RecipientAdd",
  "RecipientRemove",
  "Call",
  "ChannelNameChange",
  "ChannelIconChange",
  "ChannelPinnedMessage",
  "GuildMemberJoin",
  "ThreadCreated",
]);

const channelTypes: Readonly<Record<string, ChannelType>> = {
  GuildTextChat: "text",
  GuildNews: "announcement",
  GuildVoiceChat: "voice",
  GuildStageVoice: "voice",
  GuildForum: "forum",
  GuildPublicThread: "public-thread",
  GuildNewsThread: "public-thread",
  GuildPrivateThread: "private-thread",
};

/** @throws UserError where the JSON breaks off or is none; what came before has been given */
export async function* readDiscordChatExport(text: TextPieces): AsyncIterable<ExportEntry> {
  let place: Omit<ExportedMessage, "record"> | undefined;
  let line = 0;
  for await (const part of jsonElements(text, "messages")) {
    if ("member" in part) {
      if (part.member.startsWith('"channel"')) place = placeOf(part.member);
      continue;
    }
    if (place === undefined) throw new UserError("The export does not tell its channel before its messages.");
    line += 1;
    const parsed = parsedMessage(part.element);
    if ("problem" in parsed) yield { line, ...parsed };
    else if (systemTypes.has(parsed.message.type)) yield { line, leftOut: parsed.message.type };
    else yield { line, ...messageOf(parsed.message, place) };
  }
}

function placeOf(member: string): Omit<ExportedMessage, "record"> {
  const { id, name, categoryId, category, type: named } = channelOf(member);
  const type = channelTypes[named] ?? "other";
  const isThread = type === "public-thread" || type === "private-thread";
  if (!isThread || !categoryId) return { channel: { id, name, type, accessChannelId: id } };
  const accessChannelId = type === "public-thread" ? categoryId : id;
  const parent: ChannelInfo = {
    id: categoryId,
    name: category ?? categoryId,
    type: "text",
    accessChannelId: categoryId,
  };
  return { channel: { id, name, type, parentId: categoryId, accessChannelId }, parent };
}

function channelOf(member: string): z.infer<typeof channelSchema> {
  try {
    return z.object({ channel: channelSchema }).parse(JSON.parse(`{${member}}`)).channel;
  } catch (thrown) {
    throw new UserError("The export does not tell its channel in a way that can be read.", { cause: thrown });
  }
}

function messageOf(message: Message, place: Omit<ExportedMessage, "record">): ExportedMessage {
  const { author, attachments, reference, forwardedMessage } = message;
  const embeds = textsOf(message.embeds);
  const forwarded = [forwardedMessage?.content ?? "", ...textsOf(forwardedMessage?.embeds)].join("\n").trim();
  const editedAt = Date.parse(message.timestampEdited ?? "");
  // The reference of a forwarded message is where it comes from, not what it answers.
  const replyToId = forwardedMessage ? undefined : reference?.messageId;
  return {
    ...place,
    record: {
      kind: "message",
      id: message.id,
      channelId: place.channel.id,
      accessChannelId: place.channel.accessChannelId,
      authorId: author.id,
      authorName: author.nickname || author.name,
      content: message.content,
      ...(author.isBot && { bot: true }),
      ...(attachments?.length && { attachments: attachments.map(({ fileName }) => ({ name: fileName })) }),
      ...(embeds.length > 0 && { embeds }),
      ...(forwarded !== "" && { forwarded }),
      ...(replyToId && { replyToId }),
      ...(editedAt >= 0 && { editedAt }),
    },
  };
}

/** Title, description and fields of each embed that has any. */
function textsOf(embeds: Message["embeds"]): string[] {
  return (embeds ?? [])
    .map(({ title, description, fields }) =>
      [title, description, ...(fields ?? []).flatMap((field) => [field.name, field.value])].filter(Boolean).join("\n"),
    )
    .filter((words) => words !== "");
}

function parsedMessage(json: string): { readonly message: Message } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (thrown) {
    return { problem: `not JSON: ${toError(thrown).message.slice(0, 120)}` };
  }
  const parsed = messageSchema.safeParse(value);
  if (parsed.success) return { message: parsed.data };
  const issue = parsed.error.issues[0];
  return { problem: `${issue?.path.join(".") || "message"}: ${issue?.message ?? "not valid"}` };
}
