// A text with the query's words marked, the part of it worth showing, and both as Markdown with its spoilers closed.

import type { Range, ShownText } from "./shown-text.ts";
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
export function markWords({ text, hidden }: ShownText, query: string): MarkedText {
  const asked = tellingWords([...new Set(wordsOf(query).map((word) => word.folded))]);
  if (asked.length === 0) return { text, hidden, marks: [] };
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
  return { text, hidden, marks };
}

/**
 * The part of a text with the most different words of the query, then the most matches, then the earliest.
 * @param maxLength "…" included, in UTF-16 code units
 * @param near where to look when no word matches: the beginning of a part of the text
 */
export function cut({ text, marks, hidden }: MarkedText, maxLength: number, near = ""): MarkedText {
  if (text.length <= maxLength) return { text, marks, hidden };
  const length = maxLength - 2;
  const start = marks.length > 0 ? bestStart(text, marks, length) : Math.max(0, text.indexOf(near));
  const from = wordStart(text, Math.min(start, text.length - length));
  const to = cutEnd(text, Math.min(start, text.length - length) + length);

  const [before, after] = [from > 0 ? "…" : "", to < text.length ? "…" : ""];
  const shift = before.length - from;
  const inWindow = <R extends Range>(range: R) => ({
    ...range,
    start: Math.max(range.start, from) + shift,
    end: Math.min(range.end, to) + shift,
  });
  return {
    text: before + text.slice(from, to) + after,
    marks: marks.filter((mark) => mark.start >= from && mark.end <= to).map(inWindow),
    hidden: hidden.filter((range) => range.start < to && range.end > from).map(inWindow),
  };
}

/**
 * A text as Discord Markdown on one line: marked words bold, spoilers closed, what would format escaped, links and mentions as they
 * are (send it so that mentions ping nobody). Longer than the text by the escapes and marks.
 */
export function markdownOf(marked: MarkedText): string {
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

/** The next beginning of a word, unless there is none near. */
function wordStart(line: string, from: number): number {
  if (from === 0) return 0;
  const space = line.indexOf(" ", from - 1);
  return space !== -1 && space < from + LEAD / 2 ? space + 1 : whole(line, from);
}

function cutEnd(line: string, to: number): number {
  if (to >= line.length) return line.length;
  const space = line.lastIndexOf(" ", to);
  return space > to - LEAD / 2 ? space : whole(line, to);
}

/** Not between the halves of a surrogate pair. */
function whole(line: string, at: number): number {
  return /[\udc00-\udfff]/.test(line.charAt(at)) && at > 0 ? at - 1 : at;
}
