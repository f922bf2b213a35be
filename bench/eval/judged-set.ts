// A judged set: a corpus of messages, and queries with the messages that people judged relevant. Reads and checks the file, and
// turns the corpus into records as an import would, so that it takes the way of any server's history. docs/evaluation.md has the
// format.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { z } from "zod";
import { toError, UserError } from "../../src/errors.ts";
import { createMessageIds, derivedId } from "../../src/importing/derived-ids.ts";
import type { ChannelInfo } from "../../src/ports/archive.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import type { Snowflake } from "../../src/snowflake.ts";

const name = z.string().min(1);
const id = z.union([name, z.number().int()], "a text or a whole number").transform(String);
const entrySchema = z.object({
  id,
  text: z.string(),
  title: z.string().nullish(),
  channel: name.nullish(),
  thread: name.nullish(),
  author: name.nullish(),
  timestamp: z.iso.datetime({ offset: true, local: true }).nullish(),
  replyTo: id.nullish(),
});
const fileSchema = z.object({
  meta: z.object({ name: z.string().optional() }).optional(),
  corpus: z.array(entrySchema).min(1),
  queries: z.array(z.object({ text: name, relevant: z.array(id), channel: name.nullish() })).min(1),
});
type Entry = z.infer<typeof entrySchema>;

export interface JudgedQuery {
  readonly text: string;
  /** Of the corpus's records. */
  readonly relevant: ReadonlySet<Snowflake>;
  /** Where to search. */
  readonly accessChannelIds: readonly Snowflake[];
}

export interface JudgedSet {
  /** From the file's name: "locomo10" of retrieval.locomo10.json.gz. */
  readonly name: string;
  readonly title: string;
  readonly channels: readonly ChannelInfo[];
  readonly records: readonly ArchivedRecord[];
  readonly queries: readonly JudgedQuery[];
  /** Queries left out, as nothing in the corpus is relevant to them. */
  readonly unanswerable: number;
}

/** Messages without a time are a minute apart from here on. */
const FIRST_TIME_MS = Date.UTC(2020, 0, 1);
const MINUTE_MS = 60_000;
/** Where messages without a channel are. */
const UNNAMED = "unnamed";

/** @throws UserError when the file is missing or not a judged set */
export async function readJudgedSet(file: string): Promise<JudgedSet> {
  const { meta, corpus, queries } = await parse(file);
  const setName = basename(file)
    .replace(/^retrieval\./, "")
    .replace(/\.json(\.gz)?$/, "");
  const { records, channels, idOf } = toRecords(file, corpus);
  const everywhere = [...new Set(records.map(({ accessChannelId }) => accessChannelId))];
  const judged = queries.map(({ text, relevant, channel }) => {
    const asked = channel ? [channelId(channel)] : everywhere;
    if (asked.some((id) => !everywhere.includes(id))) {
      throw new UserError(`${file} asks “${text}” in the channel ${channel}, where there is no message.`);
    }
    return {
      text,
      relevant: new Set(relevant.map((id) => idOf.get(id)).filter((id) => id !== undefined)),
      accessChannelIds: asked,
    };
  });
  const answerable = judged.filter(({ relevant }) => relevant.size > 0);
  return {
    name: setName,
    title: meta?.name ?? setName,
    channels,
    records,
    queries: answerable,
    unanswerable: judged.length - answerable.length,
  };
}

async function parse(file: string): Promise<z.infer<typeof fileSchema>> {
  let json: unknown;
  try {
    const bytes = await readFile(file);
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    json = JSON.parse((packed ? await promisify(gunzip)(bytes) : bytes).toString());
  } catch (thrown) {
    const cause = toError(thrown);
    throw new UserError(`${file} cannot be read: ${cause.message}`, { cause });
  }
  const parsed = fileSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(`${file} is not a judged set: ${issue?.path.join(".") || "file"}: ${issue?.message}`);
}

const channelId = (channel: string) => derivedId("channel", channel);

/** @param iso without an offset, in UTC */
function timeOf(iso: string): number {
  return Date.parse(/(?:z|[+-]\d{2}:?\d{2})$/i.test(iso) ? iso : `${iso}Z`);
}

function toRecords(file: string, corpus: readonly Entry[]) {
  const ids = createMessageIds();
  const channels = new Map<Snowflake, ChannelInfo>();
  const idOf = new Map<string, Snowflake>();
  corpus.forEach((entry, position) => {
    if (idOf.has(entry.id)) throw new UserError(`${file} has two messages with the id ${entry.id}.`);
    const timeMs = entry.timestamp ? timeOf(entry.timestamp) : FIRST_TIME_MS + position * MINUTE_MS;
    idOf.set(entry.id, ids.assign(entry.id, timeMs));
  });
  const records = corpus.map((entry): ArchivedRecord => {
    const channel = channelOf(entry, idOf.get(entry.id) ?? "");
    for (const each of [channel.parent, channel.info]) if (each) channels.set(each.id, each);
    const author = entry.author ?? "";
    const replyToId = entry.replyTo ? idOf.get(entry.replyTo) : undefined;
    return {
      kind: "message",
      id: idOf.get(entry.id) ?? "",
      channelId: channel.info.id,
      accessChannelId: channel.info.accessChannelId,
      authorId: derivedId("author", author),
      authorName: author,
      content: entry.text,
      ...(replyToId !== undefined && { replyToId }),
    };
  });
  return { records, channels: [...channels.values()], idOf };
}

/**
 * A message with a title, or of which nothing tells with which others it stands, is a post of its own in a forum: a thread with the
 * id of its first message, and no neighbour.
 */
function channelOf(
  { channel, thread, title, timestamp }: Entry,
  id: Snowflake,
): { info: ChannelInfo; parent?: ChannelInfo } {
  const isPost = title || !(channel || thread || timestamp);
  const parentName = channel ?? UNNAMED;
  const accessChannelId = channelId(parentName);
  const type = isPost ? "forum" : "text";
  const parent: ChannelInfo = { id: accessChannelId, name: parentName, type, accessChannelId };
  const threadName = title ?? thread ?? "";
  if (!isPost && !thread) return { info: parent };
  const info: ChannelInfo = {
    id: isPost ? id : derivedId("thread", parentName, threadName),
    name: threadName,
    type: "public-thread",
    parentId: accessChannelId,
    accessChannelId,
  };
  return { info, parent };
}
