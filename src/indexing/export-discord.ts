// DiscordChatExporter's JSON: {"guild", "channel", …, "messages": […]}, one channel or thread a file, often larger than memory.
// Format: https://github.com/Tyrrrz/DiscordChatExporter (JsonMessageWriter.cs).

import Assembler from "stream-json/assembler.js";
import { jsonParser, type Token } from "stream-json/parser.js";
import { z } from "zod";
import { toError, UserError } from "../errors.ts";
import type { ChannelInfo, ChannelType } from "../ports.ts";
import { isSnowflake } from "../snowflake.ts";
import type { ExportEntry, ExportedMessage, TextPieces } from "./exports.ts";

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

const BITE_LENGTH = 4096;

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
export async function* readDiscordChatExport(pieces: TextPieces): AsyncIterable<ExportEntry> {
  let place: Omit<ExportedMessage, "record"> | undefined;
  let line = 0;
  for await (const { key, value } of valuesOf(pieces)) {
    if (key === "channel") place = placeOf(value);
    if (key !== "messages") continue;
    if (place === undefined) throw new UserError("The export tells its messages before their channel.");
    line += 1;
    const parsed = messageSchema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      yield { line, problem: `${issue?.path.join(".") || "message"}: ${issue?.message ?? "not valid"}` };
    } else if (systemTypes.has(parsed.data.type)) {
      yield { line, leftOut: parsed.data.type };
    } else {
      yield { line, ...messageOf(parsed.data, place) };
    }
  }
}

function placeOf(value: unknown): Omit<ExportedMessage, "record"> {
  const parsed = channelSchema.safeParse(value);
  if (!parsed.success) throw new UserError("The export does not tell its channel.");
  const { id, name, categoryId, category } = parsed.data;
  const type = channelTypes[parsed.data.type] ?? "other";
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

/** The values of the outermost object; of arrays each element by itself. */
async function* valuesOf(pieces: TextPieces): AsyncIterable<{ readonly key: string; readonly value: unknown }> {
  const tokenize = jsonParser({ streamValues: false });
  let key = "";
  let depth = 0;
  let value: Assembler | undefined;
  for await (const piece of pieces) {
    for (const token of tokensOf(piece)) {
      if (value === undefined && token.name === "keyValue") key = token.value;
      // The outermost object and the arrays directly in it are walked through, everything else is put together.
      else if (value === undefined && (depth === 0 || token.name === "startArray")) depth += 1;
      else if (value === undefined && (token.name === "endArray" || token.name === "endObject")) depth -= 1;
      else {
        value ??= new Assembler();
        value.consume(token);
        if (!value.done) continue;
        yield { key, value: value.current };
        value = undefined;
      }
    }
  }
  if (depth !== 0) throw new UserError("The export ends in the middle: it was cut off.");

  function* tokensOf(piece: string): Iterable<Token> {
    try {
      // In small bites: the tokens before a mistake are only given for the bites before its own.
      for (let start = 0; start < piece.length; start += BITE_LENGTH) {
        const tokens = tokenize(piece.slice(start, start + BITE_LENGTH));
        if (typeof tokens === "object" && "values" in tokens) yield* tokens.values;
      }
    } catch (thrown) {
      const error = toError(thrown);
      throw new UserError(`The export is no valid JSON after the messages read so far: ${error.message}.`, {
        cause: error,
      });
    }
  }
}
