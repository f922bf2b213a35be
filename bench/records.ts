// The messages that the benches work on: real chats where they are at hand, else the demo's written community, put on one time
// line of two years in a hundred channels that talk at once. Any number of them: beyond what there is, messages are spliced anew.
// And messages in seven languages other than English, which the tests have.

import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { writtenHistory } from "../sandbox/history/read.ts";
import { type Random, seededRandom } from "../sandbox/history/timeline.ts";
import type { ChannelInfo } from "../src/ports/archive.ts";
import type { ArchivedRecord } from "../src/ports/records.ts";
import { type Snowflake, snowflakeAt } from "../src/snowflake.ts";

const FIRST_GUILD = 900_000_000_000_000_001n;
const DATA = new URL("../../shared/data/", import.meta.url);
const LANGUAGES = new URL("../tests/eval/fixtures/workshop.json", import.meta.url);
const FILES = ["chat.meshcore-discord.jsonl.gz", "chat.irc-disentangled.jsonl.gz"];

const SPAN_MS = 730 * 24 * 3_600_000;
const CHANNELS = 100;
const FIRST_CHANNEL = 800_000_000_000_000_000n;
const FIRST_AUTHOR = 700_000_000_000_000_000n;
/** Conversations under way at the same time; each says a few messages in a row. */
const LANES = 24;
const BURST = 6;
/** A large channel becomes several of this many messages. */
const CHANNEL_STRETCH = 4_096;

interface Source {
  readonly place: string;
  readonly author: string;
  readonly content: string;
  readonly attachments?: readonly string[];
  readonly embeds?: readonly string[];
}

export const guildIds = (count: number): Snowflake[] =>
  Array.from({ length: count }, (_, n) => (FIRST_GUILD + BigInt(n)).toString());
/** The first of them, and the only one where nothing else is asked for. */
export const GUILD: Snowflake = FIRST_GUILD.toString();
export const channelId = (n: number): Snowflake => (FIRST_CHANNEL + BigInt(n)).toString();
export const channels: readonly ChannelInfo[] = Array.from({ length: CHANNELS }, (_, n) => {
  const id = channelId(n);
  return { id, name: `channel-${n}`, type: "text", accessChannelId: id };
});

/** Where the messages come from, for the report. */
export function recordsOrigin(): string {
  return FILES.every((file) => existsSync(new URL(file, DATA)))
    ? "real chats (a Discord server and IRC, 298,000 messages; larger sizes splice them anew)"
    : "the demo's written community, spliced anew (the real chats are not here)";
}

export interface RecordKind {
  /** Text only, and some in each. */
  readonly plain?: boolean;
  /** In German, Spanish, French, Russian, Japanese, Chinese and Thai. */
  readonly languages?: boolean;
  /** Every third message is `WRITER`'s. */
  readonly ofWriter?: boolean;
}

/** A member who has written more than anybody. */
export const WRITER: Snowflake = (FIRST_AUTHOR - 1n).toString();

/** So many records, oldest first, always the same for the same end. */
export function* composeRecords(
  count: number,
  endsAtMs: number,
  { plain = false, languages = false, ofWriter = false }: RecordKind = {},
): Generator<ArchivedRecord> {
  const sources = languages ? otherLanguages() : readSources();
  const splice = languages ? splicedInPlace : spliced;
  const random = seededRandom(7);
  const authors = new Map<string, Snowflake>();
  const laneLength = Math.ceil(sources.length / LANES);
  const said = new Array<number>(LANES).fill(0);
  let made = 0;
  while (made < count) {
    const lane = Math.floor(random() * LANES);
    for (let left = 1 + Math.floor(random() * BURST); left > 0 && made < count; left -= 1) {
      const nth = said[lane] ?? 0;
      said[lane] = nth + 1;
      const position = lane * laneLength + (nth % laneLength);
      const source = sources[position];
      if (source === undefined) continue;
      const channel = channelId(hash(`${source.place} ${Math.floor(position / CHANNEL_STRETCH)}`) % CHANNELS);
      const authorId = authors.get(source.author) ?? (FIRST_AUTHOR + BigInt(authors.size)).toString();
      authors.set(source.author, authorId);
      const round = Math.floor(nth / laneLength);
      yield {
        kind: "message",
        id: snowflakeAt(endsAtMs - SPAN_MS + Math.floor((SPAN_MS * made) / count)),
        channelId: channel,
        accessChannelId: channel,
        ...(ofWriter && made % 3 === 1
          ? { authorId: WRITER, authorName: "writer" }
          : { authorId, authorName: source.author }),
        content: (round === 0 ? source.content : splice(source.content, sources, random)) || (plain ? "(a file)" : ""),
        ...(source.attachments?.length && !plain ? { attachments: source.attachments.map((name) => ({ name })) } : {}),
        ...(source.embeds?.length && !plain ? { embeds: source.embeds } : {}),
      };
      made += 1;
    }
  }
}

/** What people might look for: messages of some length, with every third word forgotten. */
export function composeQueries(count: number): string[] {
  const random = seededRandom(11);
  const askable = readSources()
    .map(({ content }) =>
      content
        .replace(/<[^>]*>|https?:\S+|["“”:#@]/g, " ")
        .split(/\s+/)
        .filter(Boolean),
    )
    .filter((words) => words.length >= 6 && words.length <= 25);
  return Array.from({ length: count }, () => {
    const words = askable[Math.floor(random() * askable.length)] ?? ["antenna"];
    return words.filter((_, n) => n % 3 !== 2).join(" ");
  });
}

/** The beginning of one message and the end of another; what is short is said again as it is. */
function spliced(content: string, sources: readonly Source[], random: Random): string {
  const words = content.split(" ");
  if (words.length < 4) return content;
  const other = sources[Math.floor(random() * sources.length)]?.content.split(" ") ?? [];
  return [...words.slice(0, Math.ceil(words.length / 2)), ...other.slice(Math.floor(other.length / 2))]
    .join(" ")
    .slice(0, 4_000);
}

/** Likewise, of two messages of the same channel, and also where no spaces are between words. */
function splicedInPlace(content: string, sources: readonly Source[], random: Random): string {
  const { place } = sources.find((source) => source.content === content) ?? {};
  const others = sources.filter((source) => source.place === place);
  const other = Array.from(others[Math.floor(random() * others.length)]?.content ?? "");
  const own = Array.from(content);
  const cut = random();
  return [...own.slice(0, Math.ceil(own.length * cut)), ...other.slice(Math.floor(other.length * cut))].join("");
}

function otherLanguages(): Source[] {
  const { corpus } = JSON.parse(readFileSync(LANGUAGES, "utf8")) as {
    corpus: { channel: string; author?: string; text: string }[];
  };
  return corpus
    .filter(({ channel }) => channel !== "english")
    .map(({ channel, author = "someone", text }) => ({ place: channel, author, content: text }));
}

let read: readonly Source[] | undefined;

function readSources(): readonly Source[] {
  read ??= FILES.every((file) => existsSync(new URL(file, DATA))) ? FILES.flatMap(readChat) : writtenSources();
  return read;
}

function readChat(file: string): Source[] {
  const lines = gunzipSync(readFileSync(new URL(file, DATA)))
    .toString()
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => {
    const { channel, thread, author, content, attachments, embeds } = JSON.parse(line) as Record<string, string> & {
      attachments?: string[];
      embeds?: string[];
    };
    return {
      place: `${channel}/${thread ?? ""}`,
      author: author ?? "someone",
      content: content ?? "",
      ...(attachments && { attachments }),
      ...(embeds && { embeds }),
    };
  });
}

function writtenSources(): Source[] {
  const { messages, members } = writtenHistory({ endsAt: 1_750_000_000_000 });
  const names = new Map(members.map(({ id, name }) => [id, name]));
  return messages.map(({ channelId: place, authorId, content }) => ({
    place,
    author: names.get(authorId) ?? "someone",
    content,
  }));
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 2_166_136_261;
  for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 16_777_619);
  return state >>> 0;
}
