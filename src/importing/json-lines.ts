// Exports with one JSON object a line: {"id", "channel", "author", "timestamp", "content"} and where known "thread", "replyTo",
// "category", "attachments" (names), "embeds" (texts), "forwarded" (text), "bot". Channels, threads and authors are known by name.

import { z } from "zod";
import { UserError } from "../errors.ts";
import { getOrMake } from "../maps.ts";
import type { ChannelInfo } from "../ports/archive.ts";
import { createMessageIds, derivedId, isGenuineId } from "./derived-ids.ts";
import type { ExportEntry, ExportedMessage, TextPieces } from "./export-entry.ts";
import { parsedJson } from "./parsed-json.ts";

const MAX_LINE_LENGTH = 8 * 1024 * 1024;
/** Ids hold times up to 2084 with room to spare; what claims to be later is a mistake. */
const LAST_TIME_MS = Date.UTC(2080, 0);

const name = z.string().min(1);
const lineSchema = z.object({
  id: z.union([name, z.int().transform(String)], "must be a text or a whole number"),
  channel: name,
  author: name,
  timestamp: z.string(),
  content: z.string(),
  thread: name.nullish(),
  replyTo: z.union([name, z.int().transform(String)]).nullish(),
  category: z.string().nullish(),
  attachments: z.array(z.string()).nullish(),
  embeds: z.array(z.string()).nullish(),
  // Some exports only say that a message was forwarded.
  forwarded: z.union([z.string(), z.boolean()]).nullish(),
  bot: z.boolean().nullish(),
});
type Line = z.infer<typeof lineSchema>;

export async function* readExportLines(text: TextPieces): AsyncIterable<ExportEntry> {
  const read = createLineReader();
  let line = 0;
  for await (const content of linesOf(text)) {
    line += 1;
    if (content.trim() !== "") yield { line, ...read(content) };
  }
}

/** Not `readline`: that one also breaks at U+2028, which JSON allows inside strings. */
async function* linesOf(text: TextPieces): AsyncIterable<string> {
  let rest = "";
  for await (const piece of text) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_LENGTH)
      throw new UserError("A line is longer than 8 MiB: this is not one message a line.");
    yield* lines;
  }
  yield rest;
}

function createLineReader(): (line: string) => ExportedMessage | { readonly problem: string } {
  const messageIds = createMessageIds();
  // The same few names come again and again.
  const ids = new Map<string, string>();
  const idOf = (...parts: string[]) => getOrMake(ids, parts.join("\u0000"), () => derivedId(...parts));

  function channelsOf({ category, channel, thread }: Line): { channel: ChannelInfo; parent?: ChannelInfo } {
    const id = idOf("channel", category ?? "", channel);
    const parent: ChannelInfo = { id, name: channel, type: "text", accessChannelId: id };
    if (!thread) return { channel: parent };
    return {
      channel: {
        id: idOf("thread", category ?? "", channel, thread),
        name: thread,
        type: "public-thread",
        parentId: id,
        accessChannelId: id,
      },
      parent,
    };
  }

  function replyTarget({ replyTo, channel }: Line, genuine: boolean): string | undefined {
    if (!replyTo) return undefined;
    return genuine
      ? /^\d{15,19}$/.test(replyTo)
        ? replyTo
        : undefined
      : messageIds.find(`${channel}\u0000${replyTo}`);
  }

  return (text) => {
    const parsed = parsedJson(lineSchema, text, "line");
    if ("problem" in parsed) return parsed;
    const line = parsed.value;
    const timeMs = Date.parse(line.timestamp);
    if (!(timeMs >= 0 && timeMs < LAST_TIME_MS))
      return { problem: `timestamp: not a usable time: ${line.timestamp.slice(0, 40)}` };
    const genuine = isGenuineId(line.id, timeMs);
    const { channel, parent } = channelsOf(line);
    const replyToId = replyTarget(line, genuine);
    return {
      record: {
        kind: "message",
        id: genuine ? line.id : messageIds.assign(`${line.channel}\u0000${line.id}`, timeMs),
        channelId: channel.id,
        accessChannelId: channel.accessChannelId,
        authorId: idOf("author", line.author),
        authorName: line.author,
        content: line.content,
        ...(line.bot && { bot: true }),
        ...(line.attachments?.length && { attachments: line.attachments.map((name) => ({ name })) }),
        ...(line.embeds?.length && { embeds: line.embeds }),
        ...(typeof line.forwarded === "string" && { forwarded: line.forwarded }),
        ...(replyToId !== undefined && { replyToId }),
      },
      channel,
      ...(parent && { parent }),
    };
  };
}
