// What a member typed, taken apart: words, "phrases", and the operators people know from Discord's own search. Pure; never throws.

import type { Has } from "../ports.ts";
import { isSnowflake, type Snowflake, snowflakeAt, snowflakeBefore } from "../snowflake.ts";

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
}

const LINK = /https?:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/\d+\/(\d{17,19})/;
/** A phrase, an operator with its value (which may be quoted), or a word. A quote that is not closed is a character like any other. */
const PART = /"([^"]*)"|(\w+):(?:"([^"]*)"|(\S+))|(\S+)/g;

/** What telephones make of a quote. */
/** Discord's own search puts a space there. */
const SPACE_AFTER_OPERATOR = /\b(from|in|before|after|has):\s+(?=\S)/gi;

const SMART_QUOTES = /[\u201c-\u201f\u00ab\u00bb]/g;

const HAS: Readonly<Record<string, Has>> = {
  link: "link",
  links: "link",
  embed: "link",
  image: "image",
  images: "image",
  file: "file",
  files: "file",
  code: "code",
  poll: "poll",
};

const DAY_MS = 86_400_000;
const AGES_MS: Readonly<Record<string, number>> = {
  h: DAY_MS / 24,
  d: DAY_MS,
  w: 7 * DAY_MS,
  m: 30 * DAY_MS,
  y: 365 * DAY_MS,
};

/** A stretch of time: a day, month or year (UTC), or a moment. Milliseconds since 1970; `end` is not part of it. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** @param now for `today`, `yesterday` and ages like `7d`; milliseconds since 1970 */
export function parseQuery(typed: string, now: number): ParsedQuery {
  const from: string[] = [];
  const channels: string[] = [];
  const has = new Set<Has>();
  const phrases: string[] = [];
  const words: string[] = [];
  let after: number | undefined;
  let before: number | undefined;

  /** @returns false when this is not an operator after all */
  function takeOperator(name: string, value: string): boolean {
    const what = HAS[value.toLowerCase()];
    const span = parseSpan(value, now);
    if (name === "from") from.push(...asNames(value));
    else if (name === "in") channels.push(...asNames(value));
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
    if (operator !== undefined && takeOperator(operator.toLowerCase(), quoted ?? value ?? "")) continue;
    if (phrase?.trim()) phrases.push(phrase.trim());
    if (phrase === undefined || phrase.trim()) words.push(phrase?.trim() ?? word ?? whole);
  }

  const text = words.join(" ");
  const messageId = link?.[1] ?? (/^\d{17,19}$/.test(text) ? text : undefined);
  return {
    text,
    phrases,
    from,
    in: channels,
    has: [...has],
    ...(after !== undefined && { afterId: snowflakeBefore(snowflakeAt(after)) }),
    ...(before !== undefined && { beforeId: snowflakeAt(before) }),
    ...(messageId !== undefined && isSnowflake(messageId) && { messageId }),
  };
}

/** `<@123>`, `<#123>`, `@name`, `#name`, `name`: an id or a name. */
function asNames(value: string): string[] {
  const id = /^<(?:@!?|#)(\d+)>$/.exec(value)?.[1];
  const name = id ?? value.replace(/^[@#]/, "").trim().toLowerCase();
  return name === "" ? [] : [name];
}

function parseSpan(value: string, now: number): Span | undefined {
  const typed = value.toLowerCase();
  const today = now - (now % DAY_MS);
  if (typed === "today") return { start: today, end: today + DAY_MS };
  if (typed === "yesterday") return { start: today - DAY_MS, end: today };
  const age = /^(\d{1,4})([hdwmy])$/.exec(typed);
  if (age) {
    const moment = now - Number(age[1]) * (AGES_MS[age[2] ?? ""] ?? 0);
    return { start: moment, end: moment };
  }
  const date = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/.exec(typed);
  return date ? calendarSpan(Number(date[1]), date[2], date[3]) : undefined;
}

function calendarSpan(year: number, monthText: string | undefined, dayText: string | undefined): Span | undefined {
  const month = Number(monthText ?? 1) - 1;
  const day = Number(dayText ?? 1);
  const start = Date.UTC(year, month, day);
  const read = new Date(start);
  // 2024-02-31 is not a date.
  if (read.getUTCMonth() !== month || read.getUTCDate() !== day || year < 1970) return undefined;
  if (monthText === undefined) return { start, end: Date.UTC(year + 1, 0, 1) };
  return { start, end: dayText === undefined ? Date.UTC(year, month + 1, 1) : start + DAY_MS };
}
