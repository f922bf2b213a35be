// From a record to what is embedded, what the full-text index holds and what is shown. Pure. What goes into the texts is a recipe,
// and the recipe is part of the index's fingerprint, so texts prepared differently never mix. Every other change here that alters
// a text must raise TEXT_VERSION, which is part of it too.

import { createHash } from "node:crypto";
import { joinSearchText, stickerText } from "../../content-hash.ts";
import { INVISIBLE } from "../../fold.ts";
import { isEnglish, ngramText } from "../../letters.ts";
import type { ArchivedRecord } from "../../ports/records.ts";
import { readable, withWordedLinks } from "./markup.ts";

const TEXT_VERSION = 4;

/** What of a message, and of what is around it, goes into its texts. */
export interface TextRecipe {
  /** The author's name before the text. */
  readonly author: boolean;
  /** The words of one neighbour, in the full text. */
  readonly context: boolean;
  /** That neighbour is the message replied to, where there is one; else the message before. */
  readonly replies: boolean;
  /** The title of a forum post, in its first message. */
  readonly title: boolean;
  /** In what is embedded: links as their host and words. */
  readonly links: boolean;
  /** A long text becomes several rows. */
  readonly chunks: boolean;
  /** A second full text, of letters, for what is not English. */
  readonly ngrams: boolean;
}

/** What the evaluation chose: docs/evaluation.md. */
export const textRecipe: TextRecipe = {
  author: true,
  context: true,
  replies: true,
  title: true,
  links: true,
  chunks: true,
  ngrams: true,
};

/** What surrounds a record. */
export interface Surroundings {
  /** Whose words help to find it. */
  readonly neighbour?: ArchivedRecord | undefined;
  /** Of the forum post that it begins. */
  readonly title?: string | undefined;
}

/**
 * How texts and rows are made; part of the fingerprint of every index: 8 hex digits.
 * @param columns identity of the columns of a row
 */
export function formatFingerprint(recipe: TextRecipe, columns: string): string {
  const parts = Object.entries(recipe).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha1")
    .update(JSON.stringify([TEXT_VERSION, parts, columns]))
    .digest("hex")
    .slice(0, 8);
}

/**
 * Longer texts become several rows. Characters: as many as an ordinary Discord message may have, so that it is one row; about 500
 * tokens of English, below the limit of nearly every model.
 */
const CHUNK_LENGTH = 2_000;
/** A part may be longer than its share by about a sentence, to end where one ends. Characters. */
const CHUNK_SLACK = 100;
/** A neighbour lends at most this much of its text as context. Characters. */
const CONTEXT_LENGTH = 400;
/** A message further away in time than this is another conversation. Milliseconds. */
export const CONTEXT_GAP_MS = 24 * 60 * 60 * 1000;

/** One row to be: the vector is still missing. */
export interface PreparedChunk {
  readonly chunk: number;
  /** What is shown: this chunk of the record's own text, unaltered. */
  readonly text: string;
  /** What becomes a vector. */
  readonly embeddedText: string;
  /** What the full-text index holds. */
  readonly searchText: string;
  /** N-grams of its letters; empty for English, where the full-text index knows the forms of a word. */
  readonly ngrams: string;
}

/** All text of a record that counts: content, poll, forwarded text, embeds, file names and alt texts; else stickers. Well-formed Unicode. */
export function ownText(record: ArchivedRecord): string {
  return textOf(record) || stickerText(record).toWellFormed();
}

function textOf({ content, poll, forwarded, embeds = [], attachments = [] }: ArchivedRecord): string {
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

export type SkipReason = "no-text" | "invisible-text";

/** Why a record has nothing to embed, or undefined when it has something. */
export function skipReason(record: ArchivedRecord): SkipReason | undefined {
  // Asked of every record there is, and nearly all have a plain letter or digit.
  if (/[a-z0-9]/i.test(record.content)) return undefined;
  const text = ownText(record);
  if (text === "") return "no-text";
  if (text.replace(INVISIBLE, "").trim() === "") return "invisible-text";
  return undefined;
}

/**
 * Splits into parts of about the same length, as a short rest says little on its own: at the last paragraph, line, sentence or word
 * boundary; never inside a surrogate pair.
 */
function split(text: string): string[] {
  const chunks: string[] = [];
  let rest = text;
  while (rest.length > CHUNK_LENGTH) {
    const share = Math.ceil(rest.length / Math.ceil(rest.length / CHUNK_LENGTH));
    const head = rest.slice(0, Math.min(CHUNK_LENGTH, share + CHUNK_SLACK));
    const boundary = ["\n\n", "\n", ". ", " "]
      .map((mark) => ({ mark, at: head.lastIndexOf(mark) }))
      .find(({ at }) => at > head.length / 2);
    let end = boundary === undefined ? head.length : boundary.at + boundary.mark.length;
    if (/[\ud800-\udbff]/.test(rest.charAt(end - 1))) end -= 1;
    chunks.push(rest.slice(0, end).trim());
    rest = rest.slice(end);
  }
  if (rest.trim() !== "" || chunks.length === 0) chunks.push(rest.trim());
  return chunks.filter((chunk) => chunk.replace(INVISIBLE, "").trim() !== "");
}

/**
 * The rows of a record, without vectors. Empty when it is to be skipped. A neighbour's words are in the full text of the first
 * alone, and nowhere else.
 */
export function prepare(
  record: ArchivedRecord,
  { neighbour, title }: Surroundings = {},
  recipe: TextRecipe = textRecipe,
): PreparedChunk[] {
  if (skipReason(record) !== undefined) return [];
  const context =
    neighbour && recipe.context
      ? readable(ownText(neighbour), neighbour.mentions).slice(0, CONTEXT_LENGTH).toWellFormed()
      : "";
  const author = recipe.author ? readable(record.authorName) : "";
  const heading = recipe.title ? readable(title ?? "") : "";
  const before = `${author && `${author}: `}${heading && `${heading}\n`}`.toWellFormed();
  const own = ownText(record);
  return (recipe.chunks ? split(own) : [own]).map((text, chunk) => {
    const said = readable(text, record.mentions);
    return {
      chunk,
      text,
      embeddedText: before + (recipe.links ? withWordedLinks(said) : said),
      searchText: joinSearchText(chunk === 0 ? context : "", before, said),
      ngrams: recipe.ngrams && !isEnglish(said) ? ngramText(before + said) : "",
    };
  });
}
