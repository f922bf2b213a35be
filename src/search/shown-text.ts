// What a record says, as it may be shown: all its text, and which parts of it Discord hides until a reader clicks on them. Pure.

import { stickerText } from "../content-hash.ts";
import type { ArchivedRecord } from "../ports/records.ts";

export interface Range {
  /** UTF-16 positions; `end` is not part of it. */
  readonly start: number;
  readonly end: number;
}

/** A text on one line, without its spoiler marks. */
export interface ShownText {
  readonly text: string;
  /** The spoilers, in order, apart. */
  readonly hidden: readonly Range[];
}

/** What of a record has text. */
export type RecordText = Pick<ArchivedRecord, "content" | "poll" | "forwarded" | "embeds" | "attachments" | "stickers">;

interface Piece {
  readonly text: string;
  readonly hidden: boolean;
}

/** Embeddings, overrides and isolates: one that is left open turns round all that follows it on its line. */
export const DIRECTION_CONTROLS = /[\u202A-\u202E\u2066-\u2069]/g;

/** Discord puts this before the name of a file that is a spoiler. */
const SPOILER_FILE = /^SPOILER_/;
/** Code and escapes in which || means nothing, and spoilers, whichever begins first; as Discord's client reads a message. */
const SPOILER_OR_CODE = /\\[^\w\s]|(`+)(?!`)[\s\S]*?[^`]\1(?!`)|\|\|([\s\S]+?)\|\|/g;

/** Somebody's words as they wrote them. */
export function shownText(written: string): ShownText {
  return join([piecesOf(written)]);
}

/** Everything a record says: content, poll, forwarded text, embeds, file names and alt texts. */
export function shownRecord(record: RecordText): ShownText {
  const { content, poll, forwarded, embeds = [], attachments = [] } = record;
  const written = [content, poll, forwarded].filter((part) => part !== undefined).map(piecesOf);
  // Discord shows no preview of a link in a spoiler, and its title would tell what the spoiler hides.
  const linkIsHidden = written.flat().some(({ text, hidden }) => hidden && /https?:\/\//i.test(text));
  const shown = join([
    ...written,
    ...embeds.map((text) => (linkIsHidden ? [{ text, hidden: true }] : piecesOf(text))),
    ...attachments.map(({ name, alt }) => [{ text: alt ? `${name}: ${alt}` : name, hidden: SPOILER_FILE.test(name) }]),
  ]);
  return shown.text === "" ? join([piecesOf(stickerText(record))]) : shown;
}

/** The text for where nothing can be hidden. */
export function withoutHidden({ text, hidden }: ShownText): string {
  return hidden.reduceRight((kept, { start, end }) => `${kept.slice(0, start)}▒▒▒${kept.slice(end)}`, text);
}

function piecesOf(written: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const found of written.matchAll(SPOILER_OR_CODE)) {
    const inside = found[2];
    if (inside === undefined) continue;
    pieces.push({ text: written.slice(done, found.index), hidden: false }, { text: inside, hidden: true });
    done = found.index + found[0].length;
  }
  return [...pieces, { text: written.slice(done), hidden: false }];
}

const BETWEEN_PARTS = " · ";

function join(parts: readonly (readonly Piece[])[]): ShownText {
  let text = "";
  const hidden: Range[] = [];
  for (const pieces of parts) {
    const folded = foldSpaces(pieces);
    if (folded.text === "") continue;
    if (text !== "") text += BETWEEN_PARTS;
    hidden.push(...folded.hidden.map(({ start, end }) => ({ start: start + text.length, end: end + text.length })));
    text += folded.text;
  }
  return { text, hidden };
}

function foldSpaces(pieces: readonly Piece[]): ShownText {
  let text = "";
  const hidden: Range[] = [];
  for (const piece of pieces) {
    const folded = piece.text.toWellFormed().replace(DIRECTION_CONTROLS, "").replace(/\s+/g, " ");
    const start = text.length;
    text += text === "" || text.endsWith(" ") ? folded.trimStart() : folded;
    if (piece.hidden) hidden.push({ start, end: text.length });
  }
  text = text.trimEnd();
  const kept = hidden.map(({ start, end }) => ({ start, end: Math.min(end, text.length) }));
  return { text, hidden: kept.filter(({ start, end }) => start < end) };
}
