// Reads a server's exported history: DiscordChatExporter's JSON, or one JSON object a line (see json-lines.ts), plain or gzip.
// Streams: memory does not grow with the file. What stores the messages is in importing.ts.

import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { toError, UserError } from "../errors.ts";
import type { Snowflake } from "../snowflake.ts";
import { derivedId } from "./derived-ids.ts";
import { readDiscordChatExport } from "./discord-chat-exporter.ts";
import type { ExportEntry, TextPieces } from "./export-entry.ts";
import { jsonElements } from "./json-elements.ts";
import { readExportLines } from "./json-lines.ts";
import { whatItIs } from "./refused.ts";

export type { ExportEntry, ExportedMessage } from "./export-entry.ts";

export interface ExportedGuild {
  readonly id: Snowflake;
  readonly name: string;
  /** False when the file does not tell the guild (it is one of lines): the id is then derived from the file's name. */
  readonly known: boolean;
  /** True where the file is of one thread. */
  readonly isThread?: boolean;
}

const SNIFFED_LENGTH = 64 * 1024;

/** The guild of an export. @throws UserError when the file is missing, empty, or of neither format */
export async function exportedGuild(file: string): Promise<ExportedGuild> {
  const { guild } = await sniffed(file);
  return guild ?? { id: derivedId("guild", basename(file)), name: basename(file), known: false };
}

/**
 * The messages of an export in the file's order. A line that cannot be used is an entry like the others.
 * @param onBytes told after each piece: bytes of the file read so far, and in all
 * @throws UserError when the file is missing, empty, or of neither format; or, after the last entry that could be read, when it
 * breaks off
 */
export async function* readExport(
  file: string,
  onBytes: (read: number, total: number) => void = () => {},
): AsyncIterable<ExportEntry> {
  const { guild, channel, packed, size } = await sniffed(file);
  const text = textOf(file, packed, (bytes) => onBytes(bytes, size));
  yield* guild === undefined ? readExportLines(text) : readDiscordChatExport(text, channel);
}

/** Looks at the beginning of the file, or further where a DiscordChatExporter file tells its guild and channel. Other files hold lines. */
async function sniffed(file: string) {
  const found = await stat(file).catch((thrown: unknown) => {
    throw new UserError(`There is no file ${file}.`, { cause: thrown });
  });
  if (!found.isFile()) throw new UserError(`${file} is not a file. Name one exported file.`);
  const packed = await isGzip(file);
  let start = "";
  for await (const piece of textOf(file, packed)) {
    start += piece;
    if (start.length >= SNIFFED_LENGTH) break;
  }
  if (start.trim() === "") throw new UserError(`${file} is empty.`);
  if (!/^\s*\{/.test(start)) throw new UserError(`${file} ${whatItIs(start)}`);
  const { guild, channel } = await headOf(textOf(file, packed));
  return { guild: guild && guildOf(guild, channel, file), channel, packed, size: found.size };
}

/** What a DiscordChatExporter file says of its guild and channel, before its messages or after them. */
async function headOf(text: TextPieces): Promise<{ readonly guild?: object; readonly channel?: object }> {
  const head: { guild?: object; channel?: object } = {};
  try {
    for await (const part of jsonElements(text, "messages")) {
      if (!("member" in part)) {
        head.guild ??= {};
        continue;
      }
      const [, name] = /^"(guild|channel)"/.exec(part.member) ?? [];
      const value: unknown = name && (JSON.parse(`{${part.member}}`) as Record<string, unknown>)[name];
      if (typeof value !== "object" || value === null) continue;
      if (name === "guild") head.guild = value;
      else head.channel = value;
      if (name === "guild" ? head.channel : head.guild && "id" in head.guild) break;
    }
  } catch {
    // Lines go on after the first object; what breaks off further on is told when it is read.
  }
  return head;
}

const guildSchema = z.object({ id: z.string().regex(/^\d{1,19}$/), name: z.string() });

function guildOf(told: object, channel: object | undefined, file: string): ExportedGuild {
  const parsed = guildSchema.safeParse(told);
  if (!parsed.success) throw new UserError(`${file} does not tell which server it is from.`);
  const { id, name } = parsed.data;
  if (id === "0") throw new UserError(`${file} holds direct messages, not a server's channel.`);
  const isThread = channel !== undefined && "type" in channel && /thread/i.test(String(channel.type));
  return { id, name, known: true, ...(isThread && { isThread }) };
}

async function isGzip(file: string): Promise<boolean> {
  const opened = await open(file);
  try {
    const { bytesRead, buffer } = await opened.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await opened.close();
  }
}

/** @throws UserError when the file cannot be read or unpacked further */
async function* textOf(file: string, packed: boolean, onBytes: (read: number) => void = () => {}): TextPieces {
  const raw = createReadStream(file, { highWaterMark: 256 * 1024 });
  // A failure destroys the last stream too, and so reaches the loop below.
  const bytes: AsyncIterable<Buffer> = packed ? pipeline(raw, createGunzip(), () => {}) : raw;
  const decoder = new TextDecoder();
  try {
    for await (const chunk of bytes) {
      onBytes(raw.bytesRead);
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (thrown) {
    const error = toError(thrown);
    throw new UserError(`${file} cannot be read to its end: ${error.message}.`, { cause: error });
  } finally {
    raw.destroy();
  }
}
