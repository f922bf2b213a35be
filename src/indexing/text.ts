// From a record to what is embedded, what the full-text index holds and what is shown. Pure. What goes into the texts is a recipe,
// and the recipe is part of the index's fingerprint, so texts prepared differently never mix. Every other change here that alters
// a text must raise TEXT_VERSION, which is part of it too.

import { createHash } from "node:crypto";
import type { ArchivedRecord, Has } from "../ports.ts";

const TEXT_VERSION = 1;

/** What of a message, and of what is around it, goes into its texts. */
export interface TextRecipe {
  /** The author's name before the text. */
  readonly author: boolean;
  /** The words of the message before it, in the full text. */
  readonly context: boolean;
  /** A long text becomes several rows. */
  readonly chunks: boolean;
}

/** What the evaluation chose: docs/evaluation.md. */
export const textRecipe: TextRecipe = { author: true, context: true, chunks: true };

/** Part of the fingerprint of every index: 8 hex digits. */
export function recipeFingerprint(recipe: TextRecipe): string {
  const parts = Object.entries(recipe).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha1")
    .update(JSON.stringify([TEXT_VERSION, parts]))
    .digest("hex")
    .slice(0, 8);
}

/** Longer texts become several rows. Characters; about 400 tokens of English, below the limit of every common model. */
const CHUNK_LENGTH = 1_600;
/** A neighbour lends at most this much of its text as context. Characters. */
const CONTEXT_LENGTH = 400;
/** A message further away in time than this is another conversation. Milliseconds. */
export const CONTEXT_GAP_MS = 24 * 60 * 60 * 1000;

/** Invisible characters that make a message look empty: zero-width spaces and joiners, directional marks, soft hyphen, BOM. */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;
const IMAGE_NAME = /\.(png|jpe?g|gif|webp|avif|bmp|svg|heic)$/i;

/** One row to be: the vector is still missing. */
export interface PreparedChunk {
  readonly chunk: number;
  /** What is shown: this chunk of the record's own text, unaltered. */
  readonly text: string;
  /** What becomes a vector. */
  readonly embeddedText: string;
  /** What the full-text index holds. */
  readonly searchText: string;
}

/** All text of a record that counts: content, poll, forwarded text, embeds, file names and alt texts. Well-formed Unicode. */
export function ownText(record: ArchivedRecord): string {
  const { content, poll, forwarded, embeds = [], attachments = [] } = record;
  // Most messages are their content alone.
  const rest = poll !== undefined || forwarded !== undefined || embeds.length + attachments.length > 0;
  if (!rest) return content.toWellFormed().trim();
  const files = attachments.map((file) => (file.alt ? `${file.name}: ${file.alt}` : file.name));
  return [content, poll, forwarded, ...embeds, ...files]
    .filter((part): part is string => part !== undefined && part !== "")
    .join("\n")
    .toWellFormed()
    .trim();
}

/** Why a record has nothing to embed, or undefined when it has something. */
export function skipReason(record: ArchivedRecord): string | undefined {
  // Asked of every record there is, and nearly all have a plain letter or digit.
  if (/[a-z0-9]/i.test(record.content)) return undefined;
  const text = ownText(record);
  if (text === "") return "no text";
  if (text.replace(INVISIBLE, "").trim() === "") return "only invisible characters";
  return undefined;
}

/** What a message carries, for `has:` filters. */
export function whatItHas(record: ArchivedRecord): Has[] {
  const has: Has[] = [];
  const files = record.attachments ?? [];
  const isImage = (file: { name: string; contentType?: string }) =>
    file.contentType?.startsWith("image/") ?? IMAGE_NAME.test(file.name);
  if (/https?:\/\//i.test(`${record.content} ${record.forwarded ?? ""}`)) has.push("link");
  if (files.some(isImage)) has.push("image");
  if (files.some((file) => !isImage(file))) has.push("file");
  if (record.content.includes("```")) has.push("code");
  if (record.poll !== undefined) has.push("poll");
  return has;
}

/** Discord's markup as the words a reader sees: mentions and custom emoji by name, no invisible characters, spaces folded. */
function readable(text: string, { mentions = [] }: ArchivedRecord): string {
  const worded = text.includes("<") ? inWords(text, mentions) : text.replace(INVISIBLE, "");
  // Single spaces, which are nearly all, are passed over.
  return worded.replace(/[^\S\n]{2,}|[^\S\n ]/g, " ").trim();
}

function inWords(text: string, mentions: NonNullable<ArchivedRecord["mentions"]>): string {
  const names = new Map(mentions.map(({ id, name }) => [id, name]));
  return text
    .replace(/<(@[!&]?|#)(\d+)>/g, (whole, mark: string, id: string) => {
      const name = names.get(id);
      return name === undefined ? whole : `${mark.charAt(0)}${name}`;
    })
    .replace(INVISIBLE, "")
    .replace(/<a?:(\w+):\d+>/g, ":$1:");
}

/** Splits at the last paragraph, line, sentence or word boundary before the limit; never inside a surrogate pair. */
function split(text: string): string[] {
  const chunks: string[] = [];
  let rest = text;
  while (rest.length > CHUNK_LENGTH) {
    const head = rest.slice(0, CHUNK_LENGTH);
    const boundary = ["\n\n", "\n", ". ", " "]
      .map((mark) => ({ mark, at: head.lastIndexOf(mark) }))
      .find(({ at }) => at > CHUNK_LENGTH / 2);
    let end = boundary === undefined ? CHUNK_LENGTH : boundary.at + boundary.mark.length;
    if (/[\ud800-\udbff]/.test(rest.charAt(end - 1))) end -= 1;
    chunks.push(rest.slice(0, end).trim());
    rest = rest.slice(end);
  }
  if (rest.trim() !== "" || chunks.length === 0) chunks.push(rest.trim());
  return chunks.filter((chunk) => chunk.replace(INVISIBLE, "").trim() !== "");
}

/**
 * The rows of a record, without vectors. Empty when it is to be skipped.
 * @param context the message before it in its channel, whose words help the full text (measured: DESIGN section 9)
 */
export function prepare(
  record: ArchivedRecord,
  context?: ArchivedRecord,
  recipe: TextRecipe = textRecipe,
): PreparedChunk[] {
  if (skipReason(record) !== undefined) return [];
  const before =
    context === undefined ? "" : readable(ownText(context), context).slice(0, CONTEXT_LENGTH).toWellFormed();
  const own = ownText(record);
  return (recipe.chunks ? split(own) : [own]).map((text, chunk) => {
    const said = readable(text, record);
    const author = recipe.author ? record.authorName.toWellFormed() : "";
    const embeddedText = author === "" ? said : `${author}: ${said}`;
    const withContext = chunk === 0 && before !== "";
    return { chunk, text, embeddedText, searchText: withContext ? `${before}\n${embeddedText}` : embeddedText };
  });
}
