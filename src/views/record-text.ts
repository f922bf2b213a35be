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

export interface BlockOptions extends TextOptions {
  /** Before each line that is not code: "> " makes them quotes. */
  readonly sign?: string;
  /** At most: code of short lines is high for its length. */
  readonly lines?: number;
}

/** All of a record's text on one line, or the part of it that matters; "" when it has none. */
export function recordMarkdown(record: RecordText, options: TextOptions): string {
  return textMarkdown(shownRecord(record), options);
}

/** As `recordMarkdown`, with blocks of code on lines of their own, as they were written. Ends where a further line may begin. */
export function recordBlocks(record: RecordText, options: BlockOptions): string {
  return textMarkdown(shownRecord(record, true), options);
}

/** As `recordMarkdown`. Never cut by its Markdown, where a mark, a spoiler or a fence would stay open. */
export function textMarkdown(shown: ShownText, options: BlockOptions): string {
  const { room, query = "", near = "", sign = "", lines = Number.POSITIVE_INFINITY } = options;
  const marked = markWords(shown, query);
  for (let length = room; length > 2; length = Math.floor(length * 0.75)) {
    const markdown = markdownOf(cut(marked, length, near), sign);
    if (markdown.length <= room && markdown.split("\n").length <= lines) return markdown;
  }
  return "";
}
