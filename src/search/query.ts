// What a member typed, taken apart: words, "phrases", and the operators people know from Discord's own search. Pure; never throws.

import type { Has } from "../ports/vector-index.ts";
import { isSnowflake, type Snowflake, snowflakeAt, snowflakeBefore } from "../snowflake.ts";
import { parseSpan } from "./dates.ts";

export interface ParsedQuery {
  /** Words and phrases without the operators: what is embedded and matched. May be empty. */
  readonly text: string;
  /** What stood in quotes. */
  readonly phrases: readonly string[];
  /** Ids, or names in lower case without their @ or #. */
  readonly from: readonly string[];
  readonly in: readonly string[];
  /** Only ids greater / smaller than these. */
  readonly afterId?: Snowflake;
  readonly beforeId?: Snowflake;
  readonly has: readonly Has[];
  /** The message that a link points to, or the id that was all that was typed. */
  readonly messageId?: Snowflake;
  /** Operators with a value that makes no sense, e.g. "before:lunch": taken as words, which may not be what was meant. */
  readonly misread: readonly string[];
}

const LINK = /<?https?:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/\d+\/(\d{17,19})>?/;
/** A phrase, an operator with its value (which may be quoted), or a word. A quote that is not closed is a character like any other. */
const PART = /"([^"]*)"|(\w+):(?:"([^"]*)"|(\S+))|(\S+)/g;
/** Discord's own search puts a space there. */
const SPACE_AFTER_OPERATOR = /\b(from|in|before|after|has):\s+(?=\S)/gi;
/** What telephones make of a quote. */
const SMART_QUOTES = /[\u201c-\u201f\u00ab\u00bb]/g;
/** Ours, and those of Discord's own search that we do not have. */
const OPERATORS = new Set(["from", "in", "before", "after", "during", "on", "has", "mentions", "pinned", "authortype"]);

const HAS: ReadonlyMap<string, Has> = new Map([
  ["link", "link"],
  ["links", "link"],
  ["embed", "link"],
  ["image", "image"],
  ["images", "image"],
  ["file", "file"],
  ["files", "file"],
  ["code", "code"],
  ["poll", "poll"],
]);

/** @param now for `today`, `yesterday` and ages like `7d`; milliseconds since 1970 */
export function parseQuery(typed: string, now: number): ParsedQuery {
  const from: string[] = [];
  const channels: string[] = [];
  const has = new Set<Has>();
  const phrases: string[] = [];
  const words: string[] = [];
  const misread: string[] = [];
  let after: number | undefined;
  let before: number | undefined;

  /** @returns false when this is not an operator after all */
  function takeOperator(name: string, value: string): boolean {
    const what = HAS.get(value.toLowerCase());
    const span = parseSpan(value, now);
    const meant = asName(value);
    if (name === "from" && meant) from.push(meant);
    else if (name === "in" && meant) channels.push(meant);
    else if (name === "has" && what) has.add(what);
    else if (name === "before" && span) before = Math.min(before ?? span.start, span.start);
    else if (name === "after" && span) after = Math.max(after ?? span.end, span.end);
    else if ((name === "during" || name === "on") && span) {
      before = Math.min(before ?? span.end, span.end);
      after = Math.max(after ?? span.start, span.start);
    } else return false;
    return true;
  }

  const link = LINK.exec(typed);
  for (const [whole, phrase, operator, quoted, value, word] of typed
    .replace(LINK, " ")
    .replace(SMART_QUOTES, '"')
    .replace(SPACE_AFTER_OPERATOR, "$1:")
    .matchAll(PART)) {
    const name = operator?.toLowerCase() ?? "";
    if (operator !== undefined && takeOperator(name, quoted ?? value ?? "")) continue;
    if (OPERATORS.has(name)) misread.push(whole);
    // An emoji or a dash alone is no word that could stand next to another.
    if (phrase !== undefined && /[\p{L}\p{N}]/u.test(phrase)) phrases.push(phrase.trim());
    if (phrase === undefined || phrase.trim()) words.push(phrase?.trim() ?? word ?? whole);
  }

  const text = words.join(" ");
  const bareId = /^\d{17,19}$/.test(text) ? text : undefined;
  const messageId = link?.[1] ?? bareId;
  return {
    text,
    // If it is no message's id, it is a number that somebody wrote, and no other number will do.
    phrases: bareId === undefined ? phrases : [bareId],
    from,
    in: channels,
    has: [...has],
    misread,
    ...(after !== undefined && { afterId: snowflakeBefore(snowflakeAt(after)) }),
    ...(before !== undefined && { beforeId: snowflakeAt(before) }),
    ...(messageId !== undefined && isSnowflake(messageId) && { messageId }),
  };
}

/** `<@123>`, `<#123>`, `@name`, `#name`, `name`: an id or a name. */
function asName(value: string): string {
  return /^<(?:@!?|#)(\d+)>$/.exec(value)?.[1] ?? value.replace(/^[@#]/, "").trim().toLowerCase();
}
