// What a record says, as Discord Markdown within a length. Pure.

import { type RecordText, type ShownText, shownRecord } from "../search/shown-text.ts";
import { cut, markdownOf, markWords } from "../search/snippet.ts";

export interface TextOptions {
  /** Of the Markdown, at most. Characters. */
  readonly room: number;
  /** Whose words are marked. */
  readonly query?: string;
  /** Where to look when the text is long and no word matches: the beginning of a part of it. */
  readonly near?: string;
}

/** All of a record's text on one line, or the part of it that matters; "" when it has none. */
export function recordMarkdown(record: RecordText, options: TextOptions): string {
  return textMarkdown(shownRecord(record), options);
}

/** As `recordMarkdown`. Never cut by its Markdown, where a mark or a spoiler would stay open. */
export function textMarkdown(shown: ShownText, { room, query = "", near = "" }: TextOptions): string {
  const marked = markWords(shown, query);
  for (let length = room; length > 2; length = Math.floor(length * 0.75)) {
    const markdown = markdownOf(cut(marked, length, near));
    if (markdown.length <= room) return markdown;
  }
  return "";
}
