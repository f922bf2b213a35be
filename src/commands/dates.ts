// The options `after` and `before`: dates as people type them, read as the query's own `after:` and `before:` read them, and what to
// offer while they are being typed.

import { UserError } from "../errors.ts";
import { dateQuestion, parseSpan, type Span, startAfter } from "../search/dates.ts";
import { type Snowflake, snowflakeAt, snowflakeBefore } from "../snowflake.ts";
import { monthName } from "../views/words.ts";

/**
 * Only ids greater than this were made after the date. @param now milliseconds since 1970
 * @throws UserError when it is no date
 */
export function afterDate(typed: string, now: number): Snowflake {
  return snowflakeBefore(snowflakeAt(startAfter(spanOf(typed, now), now)));
}

/** Only ids smaller than this were made before the date. As `afterDate`. */
export function beforeDate(typed: string, now: number): Snowflake {
  return snowflakeAt(spanOf(typed, now).start);
}

function spanOf(typed: string, now: number): Span {
  const span = parseSpan(typed, now);
  if (span) return span;
  const question = dateQuestion(typed);
  if (question !== undefined)
    throw new UserError(`“${typed.slice(0, 50)}” could be two things: ${question} Please write it out.`);
  throw new UserError(
    `I do not understand “${typed.slice(0, 50)}” as a date. Write it like 2025-03-01, 2025-03, march 2025, last monday or “3 weeks ago”.`,
  );
}

export interface DateChoice {
  readonly name: string;
  readonly value: string;
}

const AGES = ["today", "yesterday", "a week ago", "a month ago", "3 months ago"];
/** Offered before anything is typed; older ones come with the letters typed. */
const LATEST_MONTHS = 12;
/** Discord takes no more. */
const MAX_CHOICES = 25;
const MAX_CHOICE_LENGTH = 60;

/**
 * What fits the letters typed so far: what they mean as a date, if anything, and ages, months and years of the server's life. Made of
 * the calendar alone, so that it tells nothing of what was written when.
 * @param since when the server began. Milliseconds since 1970, like `now`
 */
export function dateChoices(typed: string, now: number, since: number): DateChoice[] {
  const wanted = typed.trim().toLowerCase();
  const months = monthsBack(now, since);
  const years = [...new Set(months.map(({ value }) => value.slice(0, 4)))];
  const known = [
    ...AGES.map(choice),
    ...(wanted === "" ? months.slice(0, LATEST_MONTHS) : months),
    ...years.map(choice),
  ];
  const fitting = known.filter(({ name, value }) => name.toLowerCase().includes(wanted) || value.startsWith(wanted));
  const read = wanted.length > MAX_CHOICE_LENGTH ? undefined : parseSpan(wanted, now);
  const isKnown = fitting.some(({ value }) => value === wanted);
  return [...(read && !isKnown ? [{ name: `${wanted} (${inWords(read)})`, value: wanted }] : []), ...fitting].slice(
    0,
    MAX_CHOICES,
  );
}

const choice = (value: string): DateChoice => ({ name: value, value });

/** This month and those before it, back to the one of `since`. */
function monthsBack(now: number, since: number): DateChoice[] {
  const [today, first] = [new Date(now), new Date(since)];
  const count = 12 * (today.getUTCFullYear() - first.getUTCFullYear()) + today.getUTCMonth() - first.getUTCMonth() + 1;
  return Array.from({ length: Math.max(1, count) }, (_, back) => {
    const month = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back)).toISOString().slice(0, 7);
    return { name: monthName(month), value: month };
  });
}

function inWords({ start, end }: Span): string {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  if (start === end) return `${new Date(start).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const [first, last] = [day(start), day(end - 1)];
  return first === last ? first : `${first} to ${last}`;
}
