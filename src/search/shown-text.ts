// What a record says, as it may be shown: all its text, and which parts of it Discord hides until a reader clicks on them. Pure.

import { stickerText } from "../content-hash.ts";
import type { ArchivedRecord } from "../ports/records.ts";

export interface Range {
  /** UTF-16 positions; `end` is not part of it. */
  readonly start: number;
  readonly end: number;
}

/** A block of code, without its fences. */
export interface CodeRange extends Range {
  /** What stands behind the opening fence; "" when nothing does. */
  readonly language: string;
}

/** A text without its spoiler marks: on one line, but for its blocks of code. */
export interface ShownText {
  readonly text: string;
  /** The spoilers, in order, apart. */
  readonly hidden: readonly Range[];
  /** Blocks of code, in order, apart from each other and from spoilers, with their lines as written. Absent where there are none. */
  readonly code?: readonly CodeRange[];
}

/** What of a record has text. */
export type RecordText = Pick<ArchivedRecord, "content" | "poll" | "forwarded" | "embeds" | "attachments" | "stickers">;

interface Piece {
  readonly text: string;
  readonly hidden: boolean;
  /** The language of a block of code. */
  readonly code?: string;
}

/** Embeddings, overrides and isolates: one that is left open turns round all that follows it on its line. */
export const DIRECTION_CONTROLS = /[\u202A-\u202E\u2066-\u2069]/g;

/** Discord puts this before the name of a file that is a spoiler. */
const SPOILER_FILE = /^SPOILER_/;
/** Code and escapes in which || means nothing, and spoilers, whichever begins first; as Discord's client reads a message. */
const SPOILER_OR_CODE =
  /\\[^\w\s]|```(?:([\w+.#-]+)\n)?\n*([^\n][\s\S]*?)```|(`+)(?!`)[\s\S]*?[^`]\3(?!`)|\|\|([\s\S]+?)\|\|/g;
/** Longer names are of no language. Characters. */
const LONGEST_LANGUAGE = 20;

/** @param keepsCode blocks of code keep their lines; otherwise all is one line, with the fences as typed */
export function shownText(written: string, keepsCode = false): ShownText {
  return join([piecesOf(written, keepsCode)]);
}

/**
 * Everything a record says: content, poll, forwarded text, embeds, file names and alt texts.
 * @param keepsCode as for `shownText`
 */
export function shownRecord(record: RecordText, keepsCode = false): ShownText {
  const { content, poll, forwarded, embeds = [], attachments = [] } = record;
  const written = [content, poll, forwarded]
    .filter((part) => part !== undefined)
    .map((part) => piecesOf(part, keepsCode));
  // Discord shows no preview of a link in a spoiler, and its title would tell what the spoiler hides.
  const linkIsHidden = written.flat().some(({ text, hidden }) => hidden && /https?:\/\//i.test(text));
  const shown = join([
    ...written,
    ...embeds.map((text) => (linkIsHidden ? [{ text, hidden: true }] : piecesOf(text, keepsCode))),
    ...attachments.map(({ name, alt }) => [{ text: alt ? `${name}: ${alt}` : name, hidden: SPOILER_FILE.test(name) }]),
  ]);
  return shown.text === "" ? join([piecesOf(stickerText(record), false)]) : shown;
}

/** The text for where nothing can be hidden. */
export function withoutHidden({ text, hidden }: ShownText): string {
  return hidden.reduceRight((kept, { start, end }) => `${kept.slice(0, start)}▒▒▒${kept.slice(end)}`, text);
}

function piecesOf(written: string, keepsCode: boolean): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const found of written.matchAll(SPOILER_OR_CODE)) {
    const [whole, language = "", fenced, , spoiler] = found;
    const code = keepsCode && fenced !== undefined ? codeOf(fenced, isQuoted(written, found.index)) : "";
    if (spoiler === undefined && code === "") continue;
    pieces.push({ text: written.slice(done, found.index), hidden: false });
    if (spoiler !== undefined) pieces.push({ text: spoiler, hidden: true });
    else pieces.push({ text: code, hidden: false, code: language.length > LONGEST_LANGUAGE ? "" : language });
    done = found.index + whole.length;
  }
  return [...pieces, { text: written.slice(done), hidden: false }];
}

/** The line begins as a quote: the signs of its further lines are not part of the code. */
function isQuoted(written: string, at: number): boolean {
  return /^\s*>+ /.test(written.slice(written.lastIndexOf("\n", at) + 1, at));
}

function codeOf(fenced: string, quoted: boolean): string {
  return withoutControls(fenced)
    .replace(/\r\n?/g, "\n")
    .replace(quoted ? /^ *> ?/gm : "", "")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\n+|\n+$/g, "");
}

const BETWEEN_PARTS = " · ";

function join(parts: readonly (readonly Piece[])[]): ShownText {
  let text = "";
  const hidden: Range[] = [];
  const code: CodeRange[] = [];
  for (const pieces of parts) {
    const folded = foldSpaces(pieces);
    if (folded.text === "") continue;
    const [first, last] = [folded.code?.[0], code.at(-1)];
    if (text !== "") text += first?.start === 0 || last?.end === text.length ? " " : BETWEEN_PARTS;
    const moved = <R extends Range>(range: R) => ({
      ...range,
      start: range.start + text.length,
      end: range.end + text.length,
    });
    hidden.push(...folded.hidden.map(moved));
    code.push(...(folded.code ?? []).map(moved));
    text += folded.text;
  }
  return { text, hidden, ...(code.length > 0 && { code }) };
}

function foldSpaces(pieces: readonly Piece[]): ShownText {
  let text = "";
  const hidden: Range[] = [];
  const code: CodeRange[] = [];
  for (const piece of pieces) {
    if (piece.code !== undefined) {
      if (text !== "" && !text.endsWith(" ")) text += " ";
      code.push({ start: text.length, end: text.length + piece.text.length, language: piece.code });
      text += `${piece.text} `;
      continue;
    }
    const folded = withoutControls(piece.text).replace(/\s+/g, " ");
    const start = text.length;
    text += text === "" || text.endsWith(" ") ? folded.trimStart() : folded;
    if (piece.hidden) hidden.push({ start, end: text.length });
  }
  text = text.trimEnd();
  const kept = hidden.map(({ start, end }) => ({ start, end: Math.min(end, text.length) }));
  return { text, hidden: kept.filter(({ start, end }) => start < end), code };
}

function withoutControls(text: string): string {
  return text.toWellFormed().replace(DIRECTION_CONTROLS, "");
}
