// DiscordChatExporter's JSON: {"guild", "channel", …, "messages": […]}, one channel or thread a file, often larger than memory.
// Format: https://github.com/Tyrrrz/DiscordChatExporter (JsonMessageWriter.cs).

import { z } from "zod";
import { UserError } from "../errors.ts";
import type { ChannelInfo, ChannelType } from "../ports/archive.ts";
import { isSnowflake } from "../snowflake.ts";
import type { ExportEntry, ExportedMessage, TextPieces } from "./export-entry.ts";
import { jsonElements } from "./json-elements.ts";
import { parsedJson } from "./parsed-json.ts";

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
  author: z.object({ name: text }).nullish(),
  footer: z.object({ text }).nullish(),
  title: text,
  description: text,
  fields: z.array(z.object({ name: text, value: text })).nullish(),
});

const filesSchema = z.array(z.object({ fileName: z.string() })).nullish();
const stickersSchema = z.array(z.object({ name: z.string() })).nullish();

const messageSchema = z.object({
  id,
  type: z.string(),
  timestampEdited: text,
  content: z.string(),
  author: z.object({ id, name: z.string(), nickname: text, isBot: z.boolean().nullish() }),
  isPinned: z.boolean().nullish(),
  attachments: filesSchema,
  embeds: z.array(embedSchema).nullish(),
  stickers: stickersSchema,
  mentions: z.array(z.object({ id, name: z.string(), nickname: text })).nullish(),
  reference: z.object({ messageId: id.nullish() }).nullish(),
  forwardedMessage: z
    .object({
      content: text,
      attachments: filesSchema,
      embeds: z.array(embedSchema).nullish(),
      stickers: stickersSchema,
    })
    .nullish(),
});
type Message = z.infer<typeof messageSchema>;

/**
 * Messages that hold somebody's words, as the live path takes them: all else is Discord's own (joins, pins, results of polls, what its
 * AutoMod caught), or a copy of what was written elsewhere. Types without a name in the exporter are numbers.
 */
const typesWithText = new Set(["Default", "Reply", "0", "19", "20", "23"]);

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

/**
 * @param channel of which the messages are, as the file tells it: anywhere in it
 * @throws UserError where the JSON breaks off or is none; what came before has been given
 */
export async function* readDiscordChatExport(text: TextPieces, channel: unknown): AsyncIterable<ExportEntry> {
  const place = placeOf(channel);
  let line = 0;
  for await (const part of jsonElements(text, "messages")) {
    if ("member" in part) continue;
    line += 1;
    const parsed = parsedJson(messageSchema, part.element, "message");
    if ("problem" in parsed) yield { line, ...parsed };
    else if (!typesWithText.has(parsed.value.type)) yield { line, leftOut: parsed.value.type };
    else yield { line, ...messageOf(parsed.value, place) };
  }
}

function placeOf(told: unknown): Omit<ExportedMessage, "record"> {
  const { id, name, categoryId, category, type: named } = channelOf(told);
  const type = channelTypes[named] ?? "other";
  const isThread = type === "public-thread" || type === "private-thread";
  if (!isThread || !categoryId)
    return { channel: { id, name, type, ...(categoryId && { categoryId }), accessChannelId: id } };
  const accessChannelId = type === "public-thread" ? categoryId : id;
  const parent: ChannelInfo = {
    id: categoryId,
    name: category ?? categoryId,
    type: "text",
    accessChannelId: categoryId,
  };
  return { channel: { id, name, type, parentId: categoryId, accessChannelId }, parent };
}

function channelOf(told: unknown): z.infer<typeof channelSchema> {
  const parsed = channelSchema.safeParse(told);
  if (parsed.success) return parsed.data;
  throw new UserError("The export does not tell its channel in a way that can be read.", { cause: parsed.error });
}

function messageOf(message: Message, place: Omit<ExportedMessage, "record">): ExportedMessage {
  const { author, content, reference, forwardedMessage } = message;
  const attachments = [...(message.attachments ?? []), ...(forwardedMessage?.attachments ?? [])];
  const stickers = [...(message.stickers ?? []), ...(forwardedMessage?.stickers ?? [])];
  const embeds = textsOf(message.embeds);
  const forwarded = [forwardedMessage?.content ?? "", ...textsOf(forwardedMessage?.embeds)].join("\n").trim();
  const mentions = mentionsIn(`${content}\n${forwarded}`, message.mentions);
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
      content,
      ...(author.isBot && { bot: true }),
      ...(attachments.length > 0 && { attachments: attachments.map(({ fileName }) => ({ name: fileName })) }),
      ...(embeds.length > 0 && { embeds }),
      ...(stickers.length > 0 && { stickers: stickers.map(({ name }) => name) }),
      ...(message.isPinned && { pinned: true }),
      // Empty where only files were forwarded.
      ...(forwardedMessage && { forwarded }),
      ...(mentions.length > 0 && { mentions }),
      ...(replyToId && { replyToId }),
      ...(editedAt >= 0 && { editedAt }),
    },
  };
}

/** The text of each embed that has any, as the live path has it. */
function textsOf(embeds: Message["embeds"]): string[] {
  return (embeds ?? [])
    .map(({ author, title, description, fields, footer }) => {
      const inFields = (fields ?? []).map((field) => `${field.name ?? ""}: ${field.value ?? ""}`);
      return [author?.name, title, description, ...inFields, footer?.text].filter(Boolean).join("\n");
    })
    .filter((words) => words !== "");
}

/** Who is mentioned in the text: by id in exports with `--markdown false`, else by name. A reply's list also has whom it answers. */
function mentionsIn(text: string, mentions: Message["mentions"]): { id: string; name: string }[] {
  if (!text.includes("@")) return [];
  return (mentions ?? []).flatMap(({ id, name, nickname }) => {
    const ways = [`<@${id}>`, `<@!${id}>`, `@${name}`, ...(nickname ? [`@${nickname}`] : [])];
    return ways.some((way) => text.includes(way)) ? [{ id, name: nickname || name }] : [];
  });
}
