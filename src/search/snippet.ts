// The part of a text worth showing for a query, with the query's words marked.

import { isSameWord, tellingWords, type Word, wordsOf } from "./words.ts";

export interface Snippet {
  /** A part of the text, on one line; "…" where something was cut off. */
  readonly text: string;
  /** UTF-16 positions in `text` of the words that match, in order, apart. `end` is not part of the word. */
  readonly marks: readonly { readonly start: number; readonly end: number }[];
}

/** Words before the first match that help to understand it. Characters. */
const LEAD = 40;

/** Links, mentions, custom emoji, timestamps: nothing inside them is marked or escaped, as that would break them. */
const INTACT = /https?:\/\/\S+|<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::\w)?|\/[\w -]+:\d+)>/g;
const INTACT_OR_FORMATTING = new RegExp(`${INTACT.source}|[\\\\*_~\`|[\\]<]`, "g");

/**
 * @param query words and phrases as searched for, without operators
 * @param maxLength of the snippet, "…" included, in UTF-16 code units
 */
export function makeSnippet(text: string, query: string, maxLength: number): Snippet {
  const line = text.replace(/\s+/g, " ").trim().toWellFormed();
  const asked = tellingWords([...new Set(wordsOf(query).map((word) => word.folded))]);
  const intact = Array.from(line.matchAll(INTACT), (found) => [found.index, found.index + found[0].length] as const);
  const matches = wordsOf(line)
    .filter((word) => asked.some((other) => isSameWord(word.folded, other)))
    .filter((word) => !intact.some(([start, end]) => word.start < end && word.end > start));
  const [from, to] = line.length <= maxLength ? [0, line.length] : bestWindow(line, matches, asked, maxLength - 2);

  const [before, after] = [from > 0 ? "…" : "", to < line.length ? "…" : ""];
  const shift = before.length - from;
  return {
    text: before + line.slice(from, to) + after,
    marks: matches
      .filter((word) => word.start >= from && word.end <= to)
      .map(({ start, end }) => ({ start: start + shift, end: end + shift })),
  };
}

/**
 * The snippet as Discord Markdown: marked words bold, what would format escaped, links and mentions as they are (send it so that
 * mentions ping nobody). Longer than the snippet's text by the escapes and marks.
 */
export function snippetMarkdown({ text, marks }: Snippet): string {
  let markdown = "";
  let done = 0;
  for (const { start, end } of marks) {
    markdown += `${escapeMarkdown(text.slice(done, start))}**${escapeMarkdown(text.slice(start, end))}**`;
    done = end;
  }
  markdown += escapeMarkdown(text.slice(done));
  return markdown.replace(/^(?=[#>-])/, "\\").replace(/^(\d+)(?=\.)/, "$1\\");
}

function escapeMarkdown(text: string): string {
  return text.replace(INTACT_OR_FORMATTING, (part) => (part.length > 1 ? part : `\\${part}`));
}

/** The window with the most different words of the query, then the most matches, then the earliest. */
function bestWindow(
  line: string,
  matches: readonly Word[],
  asked: readonly string[],
  length: number,
): [number, number] {
  let best = { from: 0, different: 0, count: 0 };
  for (const first of matches) {
    const from = Math.max(0, Math.min(first.start - LEAD, line.length - length));
    const inside = matches.filter((word) => word.start >= first.start && word.end <= from + length);
    const different = asked.filter((word) => inside.some((match) => isSameWord(match.folded, word))).length;
    if (different > best.different || (different === best.different && inside.length > best.count)) {
      best = { from, different, count: inside.length };
    }
  }
  return [wordStart(line, best.from), cutEnd(line, best.from + length)];
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
