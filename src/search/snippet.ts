// A text with the query's words marked, the part of it worth showing, and both as Markdown with its spoilers closed.

import type { CodeRange, Range, ShownText } from "./shown-text.ts";
import { stem, tellingWords, wordsOf } from "./words.ts";

/** A word of a text that is one of those asked for. */
export interface Mark extends Range {
  /** Which of them: the same number, the same word. */
  readonly word: number;
}

export interface MarkedText extends ShownText {
  /** In order, apart. */
  readonly marks: readonly Mark[];
}

/** Words before the first match that help to understand it. Characters. */
const LEAD = 40;

/** Links, mentions, custom emoji, timestamps: nothing inside them is marked or escaped, as that would break them. */
const INTACT = /https?:\/\/\S+|<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::\w)?|\/[\w -]+:\d+)>/g;
const INTACT_OR_FORMATTING = new RegExp(`${INTACT.source}|[\\\\*_~\`|[\\]<]`, "g");

/** @param query words and phrases as searched for, without operators; "" marks nothing */
export function markWords(shown: ShownText, query: string): MarkedText {
  const { text } = shown;
  const asked = tellingWords([...new Set(wordsOf(query).map((word) => word.folded))]);
  if (asked.length === 0) return { ...shown, marks: [] };
  const wordOf = new Map(asked.map((word, which) => [stem(word), which]));
  const intact = Array.from(text.matchAll(INTACT), (found) => found.index + found[0].length);
  const starts = Array.from(text.matchAll(INTACT), (found) => found.index);
  const marks: Mark[] = [];
  let next = 0;
  for (const { folded, start, end } of wordsOf(text)) {
    while ((intact[next] ?? Number.POSITIVE_INFINITY) <= start) next += 1;
    const word = wordOf.get(stem(folded));
    if (word !== undefined && (starts[next] ?? Number.POSITIVE_INFINITY) >= end) marks.push({ start, end, word });
  }
  return { ...shown, marks };
}

/**
 * The part of a text with the most different words of the query, then the most matches, then the earliest.
 * @param maxLength "…" included, in UTF-16 code units
 * @param near where to look when no word matches: the beginning of a part of the text
 */
export function cut(whole: MarkedText, maxLength: number, near = ""): MarkedText {
  const { text, marks } = whole;
  if (text.length <= maxLength) return whole;
  const length = maxLength - 2;
  const start = marks.length > 0 ? bestStart(text, marks, length) : beginningOf(near, text);
  const from = wordStart(text, Math.min(start, text.length - length));
  const to = cutEnd(text, Math.min(start, text.length - length) + length);

  return partOf(whole, { start: from, end: to }, from > 0 ? "…" : "", to < text.length ? "…" : "");
}

/** A part of a text with what is in it, between two others that nothing is in. */
function partOf({ text, marks, hidden, code }: MarkedText, { start: from, end: to }: Range, before = "", after = "") {
  const shift = before.length - from;
  const inWindow = <R extends Range>(range: R) => ({
    ...range,
    start: Math.max(range.start, from) + shift,
    end: Math.min(range.end, to) + shift,
  });
  const isInside = (range: Range) => range.start < to && range.end > from;
  return {
    text: before + text.slice(from, to) + after,
    marks: marks.filter((mark) => mark.start >= from && mark.end <= to).map(inWindow),
    hidden: hidden.filter(isInside).map(inWindow),
    ...(code && { code: code.filter(isInside).map(inWindow) }),
  };
}

/**
 * A text as Discord Markdown: marked words bold, spoilers closed, what would format escaped, links and mentions as they are (send it
 * so that mentions ping nobody). On one line, but for blocks of code, which keep theirs between closed fences, and in which nothing
 * can be marked. Longer than the text by the escapes, marks and fences.
 * @param sign before each line that is not code: "> " makes them quotes
 */
export function markdownOf(marked: MarkedText, sign = ""): string {
  const blocks: string[] = [];
  let done = 0;
  const addLine = (end: number) => {
    const line = lineOf(trimmed(marked, { start: done, end }));
    if (line !== "") blocks.push(sign + line);
  };
  for (const range of marked.code ?? []) {
    addLine(range.start);
    blocks.push(fenced(marked.text, range));
    done = range.end;
  }
  addLine(marked.text.length);
  return blocks.join("\n");
}

/** Fences in the code itself, which characters that were left out may have made, end nothing. */
function fenced(text: string, { start, end, language }: CodeRange): string {
  const code = text.slice(start, end).replace(/^\n+|\s+$/g, "");
  return `\`\`\`${language}\n${code.replaceAll("```", "`\u200B`\u200B`")}\n\`\`\``;
}

function trimmed(marked: MarkedText, { start, end }: Range): MarkedText {
  const text = marked.text.slice(start, end);
  if (start === 0 && end === marked.text.length) return marked;
  return partOf(marked, { start: end - text.trimStart().length, end: start + text.trimEnd().length });
}

function lineOf(marked: MarkedText): string {
  let markdown = "";
  let done = 0;
  for (const range of marked.hidden) {
    markdown += withMarks(marked, { start: done, end: range.start });
    const inside = withMarks(marked, range);
    markdown += inside.trim() === "" ? inside : `||${inside}||`;
    done = range.end;
  }
  markdown += withMarks(marked, { start: done, end: marked.text.length });
  return markdown.replace(/^(?=[#>-])/, "\\").replace(/^(\d+)(?=\.)/, "$1\\");
}

/** The part of a text in a range, with the marks in it. */
function withMarks({ text, marks }: MarkedText, range: Range): string {
  let markdown = "";
  let done = range.start;
  for (const mark of joined(marks)) {
    const [start, end] = [Math.max(mark.start, range.start), Math.min(mark.end, range.end)];
    if (start >= end) continue;
    markdown += `${escapeMarkdown(text.slice(done, start))}**${escapeMarkdown(text.slice(start, end))}**`;
    done = end;
  }
  return markdown + escapeMarkdown(text.slice(done, range.end));
}

/** Words without a space between them (Chinese, say) are marked as one: "****" would end nothing and begin nothing. */
function joined(marks: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const mark of marks) {
    const last = all.at(-1);
    if (last?.end === mark.start) all.splice(-1, 1, { start: last.start, end: mark.end });
    else all.push(mark);
  }
  return all;
}

function escapeMarkdown(text: string): string {
  return text.replace(INTACT_OR_FORMATTING, (part) => (part.length > 1 ? part : `\\${part}`));
}

/** Where the best window begins, which is a little before a match. */
function bestStart(text: string, marks: readonly Mark[], length: number): number {
  let best = { from: 0, different: 0, count: 0 };
  /** How often each word is among marks[first] to marks[beyond - 1]. */
  const inside = new Map<number, number>();
  let beyond = 0;
  marks.forEach((first, at) => {
    const from = Math.max(0, Math.min(first.start - LEAD, text.length - length));
    for (let mark = marks[beyond]; mark && mark.end <= from + length; mark = marks[beyond]) {
      inside.set(mark.word, (inside.get(mark.word) ?? 0) + 1);
      beyond += 1;
    }
    const count = beyond - at;
    if (inside.size > best.different || (inside.size === best.different && count > best.count)) {
      best = { from, different: inside.size, count };
    }
    const left = (inside.get(first.word) ?? 0) - 1;
    if (left > 0) inside.set(first.word, left);
    else inside.delete(first.word);
    beyond = Math.max(beyond, at + 1);
  });
  return best.from;
}

/** Where a text has a part that begins so, whose spaces and fences may be written otherwise; 0 when it has none. */
function beginningOf(part: string, text: string): number {
  if (text.includes(part)) return text.indexOf(part);
  const words = part.replace(/^```[\w+.#-]*\s/, "").match(/[^\s`]+/g) ?? [];
  const pattern = words.map((word) => word.replace(/[^\p{L}\p{N}]/gu, "\\$&")).join("[\\s`]+");
  const found = words.length > 0 ? text.search(new RegExp(`(?<=\\n)[^\\S\\n]*${pattern}|${pattern}`)) : 0;
  return Math.max(0, found);
}

/** The next beginning of a line of code, or else of a word, unless there is none near. */
function wordStart(line: string, from: number): number {
  if (from === 0) return 0;
  const newline = line.indexOf("\n", from - 1);
  if (newline !== -1 && newline < from + LEAD) return newline + 1;
  const space = line.indexOf(" ", from - 1);
  return space !== -1 && space < from + LEAD / 2 ? space + 1 : whole(line, from);
}

function cutEnd(line: string, to: number): number {
  if (to >= line.length) return line.length;
  const newline = line.lastIndexOf("\n", to);
  if (newline > Math.max(0, to - LEAD)) return newline;
  const space = line.lastIndexOf(" ", to);
  return space > Math.max(0, to - LEAD / 2) ? space : whole(line, to);
}

/** Not between the halves of a surrogate pair. */
function whole(line: string, at: number): number {
  return /[\udc00-\udfff]/.test(line.charAt(at)) && at > 0 ? at - 1 : at;
}
