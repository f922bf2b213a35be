// Discord's markup as the words a reader sees. Pure.

import { INVISIBLE } from "../../fold.ts";
import type { ArchivedRecord } from "../../ports/records.ts";

const MENTION = /<(@[!&]?|#)(\d+)>/g;
const CUSTOM_EMOJI = /<a?:(\w+):\d+>/g;
const TIMESTAMP = /<t:(\d{1,11})(?::\w)?>/g;
const SLASH_COMMAND = /<(\/[\w -]+):\d+>/g;
const LINK = /https?:\/\/(?:www\.)?([^\s<>()[\]"'/?#]+)([^\s<>()[\]"'?#]*)[^\s<>()[\]"']*/gi;
/** Part of a link's path that is a word, not an id: no digit among its letters, not too long. */
const PATH_WORD = /^\p{L}{2,24}$/u;

/** Mentions, custom emoji and commands by name, times as dates, no invisible characters, white space folded to spaces and newlines. */
export function readable(text: string, mentions: ArchivedRecord["mentions"] = []): string {
  const worded = text.includes("<") ? inWords(text, mentions) : text;
  // Single spaces, which are nearly all, are passed over.
  return worded
    .replace(INVISIBLE, "")
    .replace(/[^\S\n]{2,}|[^\S\n ]/g, " ")
    .trim();
}

function inWords(text: string, mentions: NonNullable<ArchivedRecord["mentions"]>): string {
  const names = new Map(mentions.map(({ id, name }) => [id, name]));
  return text
    .replace(MENTION, (whole, mark: string, id: string) => {
      const name = names.get(id);
      return name === undefined ? whole : `${mark.charAt(0)}${name}`;
    })
    .replace(CUSTOM_EMOJI, ":$1:")
    .replace(TIMESTAMP, (_, seconds: string) => new Date(Number(seconds) * 1000).toISOString().slice(0, 10))
    .replace(SLASH_COMMAND, "$1");
}

/** Links as their host and the words of their path: ids and parameters mean nothing to a model. */
export function withWordedLinks(text: string): string {
  if (!text.includes("://")) return text;
  return text.replace(LINK, (_, host: string, path: string) => {
    const words = path.split(/[/._+-]+|%20/).filter((part) => PATH_WORD.test(part));
    return [host, ...words].join(" ");
  });
}
