// Dates and stretches of time as people type them. Pure. Discord does not tell a bot its members' time zones, so a day is a day in
// UTC; whoever shows results says so with the bounds in the reader's own time. Why no library reads them: docs/decisions.md.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Units of an age by what people write for them. "m" alone is not among them: it could be minutes or months. */
const UNITS: readonly (readonly [names: RegExp, unitMs: number])[] = [
  [/^(?:s|secs?|seconds?)$/, 1_000],
  [/^(?:mins?|minutes?)$/, MINUTE_MS],
  [/^(?:h|hrs?|hours?)$/, HOUR_MS],
  [/^(?:d|days?)$/, DAY_MS],
  [/^(?:w|wks?|weeks?)$/, 7 * DAY_MS],
  [/^fortnights?$/, 14 * DAY_MS],
  [/^(?:mos?|mths?|months?)$/, 30 * DAY_MS],
  [/^(?:y|yrs?|years?)$/, 365 * DAY_MS],
];
const NUMBERS: readonly string[] = "zero one two three four five six seven eight nine ten eleven twelve".split(" ");
const MONTHS = "january february march april may june july august september october november december".split(" ");
const WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split(" ");

/** A stretch of time, or a moment, which has no length. Milliseconds since 1970; `end` is not part of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Understands `2025`, `2025-03`, `2025-03-01`, `1.3.2025`, `25/12/2024`, `12/25/2024`, `march`, `mar 2025`, `1 march 2025`,
 * `5th of january 2024`, `Q1 2024`, `today`, `yesterday`, `monday`, `last monday`, `this week`, `last month`, `7d`, `two weeks ago`,
 * `3 mo ago`, `2025-03-01T14:30`, with an offset like `+02:00` if wanted, and Discord's own `<t:1740830400>`. What could be two
 * dates is none: see `dateQuestion`.
 * @param now milliseconds since 1970
 */
export function parseSpan(typed: string, now: number): Span | undefined {
  const text = plain(typed);
  if (dateQuestion(text) !== undefined) return undefined;
  return (
    nearDay(text, now) ??
    thisOrLast(text, now) ??
    age(text, now) ??
    momentOf(text) ??
    partOfYear(text, now) ??
    week(text, now) ??
    namedMonth(text, now) ??
    calendarDate(text)
  );
}

/** Where "after" a stretch begins: at its end, or at its start while it lasts: nothing is later than "this week". */
export function startAfter({ start, end }: Span, now: number): number {
  return end > now ? start : end;
}

/** What to ask about a date that could be two, e.g. "5 minutes or 5 months?"; undefined for all others. */
export function dateQuestion(typed: string): string | undefined {
  const text = plain(typed);
  const [, count] = /^(\d{1,4}) ?m(?: ago)?$/.exec(text) ?? [];
  if (count !== undefined) return `${count} minutes or ${count} months?`;
  const [, first, second, year] = /^(\d{1,2})[-/](\d{1,2})[-/](\d{4})$/.exec(text) ?? [];
  const [one, other] = [Number(first), Number(second)];
  if (year === undefined || one === other || !isMonth(one) || !isMonth(other)) return undefined;
  return `${one} ${monthName(other)} or ${other} ${monthName(one)} ${year}?`;
}

function plain(typed: string): string {
  return (
    typed
      .normalize("NFKC")
      .replace(/\p{Nd}/gu, asciiDigit)
      .trim()
      .toLowerCase()
      .replace(/[,_]|(?<=\p{L})-(?=\d)|(?<=\d)-(?=\p{L})/gu, " ")
      // "jan '24"
      .replace(/ ?['’](\d{2})$/, " 20$1")
      .replace(/\s+/g, " ")
  );
}

/** Of Arabic, Persian, Hindi, Thai and other digits, ten of which always follow each other. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(code - zero);
}

function nearDay(text: string, now: number): Span | undefined {
  const today = now - (now % DAY_MS);
  if (text === "now") return moment(now);
  if (text === "today") return day(today);
  if (text === "yesterday") return day(today - DAY_MS);
  if (text === "the day before yesterday") return day(today - 2 * DAY_MS);
  const [, last, name] = /^(?:(last|on|this) )?(\p{L}{3,9})$/u.exec(text) ?? [];
  const wanted = WEEKDAYS.findIndex((weekday) => name !== undefined && isShortFor(weekday, name));
  if (wanted === -1) return undefined;
  const back = (weekdayOf(now) - wanted + 7) % 7;
  // On a Monday, "monday" is today and "last monday" a week ago.
  return day(today - (back === 0 && last === "last" ? 7 : back) * DAY_MS);
}

/** Calendar weeks (from Monday), months and years. */
function thisOrLast(text: string, now: number): Span | undefined {
  const [, which, unit] = /^(this|last|previous|past) (week|weekend|month|quarter|year)$/.exec(text) ?? [];
  if (unit === undefined) return undefined;
  const back = which === "this" ? 0 : 1;
  const at = new Date(now);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  const monday = now - (now % DAY_MS) - weekdayOf(now) * DAY_MS;
  switch (unit) {
    case "week":
      return { start: monday - back * 7 * DAY_MS, end: monday + (1 - back) * 7 * DAY_MS };
    case "weekend":
      return { start: monday + (5 - back * 7) * DAY_MS, end: monday + (7 - back * 7) * DAY_MS };
    case "month":
      return { start: Date.UTC(year, month - back), end: Date.UTC(year, month + 1 - back) };
    case "quarter": {
      const first = month - (month % 3) - back * 3;
      return { start: Date.UTC(year, first), end: Date.UTC(year, first + 3) };
    }
    default:
      return { start: Date.UTC(year - back, 0), end: Date.UTC(year + 1 - back, 0) };
  }
}

/** "3 weeks ago", "1yr", "half a year ago". */
function age(text: string, now: number): Span | undefined {
  const found =
    /^(?:(?:the )?(?:last|past) )?(\d{1,4}|half an?|an?|(?:a )?couple of|\p{L}{3,6}) ?(\p{L}{1,10})(?: ago)?$/u.exec(
      text,
    );
  const [, number = "", name = ""] = found ?? [];
  const count = countOf(number);
  const unit = UNITS.find(([names]) => names.test(name))?.[1];
  return count === undefined || unit === undefined ? undefined : moment(now - count * unit);
}

function countOf(number: string): number | undefined {
  if (/^\d+$/.test(number)) return Number(number);
  if (/^half an?$/.test(number)) return 0.5;
  if (/^an?$/.test(number)) return 1;
  if (number.endsWith("couple of")) return 2;
  const count = NUMBERS.indexOf(number);
  return count > 0 ? count : undefined;
}

function momentOf(text: string): Span | undefined {
  const stamp = /^<t:(\d{1,11})(?::\w)?>$/.exec(text);
  if (stamp) return moment(Number(stamp[1]) * 1_000);
  const iso = /^(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::\d{2})?) ?(z|[+-]\d{2}:\d{2})?$/.exec(text);
  const at = iso ? Date.parse(`${iso[1]}T${iso[2]}${(iso[3] ?? "z").toUpperCase()}`) : Number.NaN;
  return Number.isNaN(at) ? undefined : moment(at);
}

/** "Q1 2024", "2024 q1", "q1", "h2 2024": without a year, the latest that has begun. */
function partOfYear(text: string, now: number): Span | undefined {
  const found = /^(?:(\d{4}) ?)?(q[1-4]|h[12])(?: ?(\d{4}))?$/.exec(text);
  const [, before, part = "", after] = found ?? [];
  if (!found || (before && after)) return undefined;
  const months = part.startsWith("q") ? 3 : 6;
  const first = months * (Number(part.slice(1)) - 1) + 1;
  const year = Number(before ?? after ?? latestYearWith(first, now));
  const start = calendarSpan(year, first, undefined);
  return start && { start: start.start, end: Date.UTC(year, first - 1 + months) };
}

/** "2024-W05", "week 5 2024": from Monday; the first has the year's first Thursday (ISO 8601). */
function week(text: string, now: number): Span | undefined {
  const found = /^(\d{4}) ?w(\d{1,2})$/.exec(text) ?? [];
  const named = /^(?:calendar )?week (\d{1,2})(?: (?:of )?(\d{4}))?$/.exec(text) ?? [];
  const number = Number(found[2] ?? named[1]);
  const year = Number(found[1] ?? named[2] ?? new Date(now).getUTCFullYear());
  if (!(number >= 1 && number <= 53) || year < 1970) return undefined;
  const january4 = Date.UTC(year, 0, 4);
  const start = january4 + ((number - 1) * 7 - weekdayOf(january4)) * DAY_MS;
  return { start, end: start + 7 * DAY_MS };
}

/** A month by its name, with day and year as far as they are given; without a year, the latest such month that has begun. */
function namedMonth(text: string, now: number): Span | undefined {
  const parts =
    /^(?:(?:the )?(\d{1,2})(?:st|nd|rd|th)?(?: of)? )?(\p{L}{3,9})\.?(?: (?:the )?(\d{1,2})(?:st|nd|rd|th)?)?(?: (?:of )?(\d{4}))?$/u.exec(
      text,
    );
  const [, dayBefore, name, dayAfter, year] = parts ?? [];
  const month = MONTHS.findIndex((month) => name !== undefined && isShortFor(month, name)) + 1;
  if (month === 0 || (dayBefore !== undefined && dayAfter !== undefined)) return undefined;
  return calendarSpan(numberIn(year) ?? latestYearWith(month, now), month, numberIn(dayBefore ?? dayAfter));
}

function calendarDate(text: string): Span | undefined {
  const yearFirst = /^(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?$/.exec(text);
  if (yearFirst) return calendarSpan(Number(yearFirst[1]), numberIn(yearFirst[2]), numberIn(yearFirst[3]));
  const compact = /^((?:19|20)\d{2})(\d{2})(\d{2})$/.exec(text);
  if (compact) return calendarSpan(Number(compact[1]), Number(compact[2]), Number(compact[3]));
  const monthFirst = /^(\d{1,2})[-./](\d{4})$/.exec(text);
  if (monthFirst) return calendarSpan(Number(monthFirst[2]), Number(monthFirst[1]), undefined);
  const [, first, mark, second, year] = /^(\d{1,2})([-./])(\d{1,2})\2(\d{4})$/.exec(text) ?? [];
  const [one, other] = [Number(first), Number(second)];
  if (year === undefined) return undefined;
  // Where dots are written, the day comes first without doubt. Elsewhere only one of the two can be the month, or they are the same.
  const dayFirst = mark === "." || isMonth(other);
  return dayFirst ? calendarSpan(Number(year), other, one) : calendarSpan(Number(year), one, other);
}

/** "mar", "sept" and "tues" are; "m" and "marc" are words of their own. */
function isShortFor(name: string, typed: string): boolean {
  return typed === name || (typed.length >= 3 && typed.length <= 5 && name.startsWith(typed));
}

/** Of a month, or a quarter's first, counted from 1. */
function latestYearWith(month: number, now: number): number {
  const today = new Date(now);
  return month > today.getUTCMonth() + 1 ? today.getUTCFullYear() - 1 : today.getUTCFullYear();
}

/** Monday is 0. */
function weekdayOf(at: number): number {
  return (new Date(at).getUTCDay() + 6) % 7;
}

function isMonth(number: number): boolean {
  return number >= 1 && number <= 12;
}

function monthName(month: number): string {
  const name = MONTHS[month - 1] ?? "";
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function numberIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function calendarSpan(year: number, month: number | undefined, day: number | undefined): Span | undefined {
  const start = Date.UTC(year, (month ?? 1) - 1, day ?? 1);
  const read = new Date(start);
  // 2024-02-31 is not a date.
  if (read.getUTCMonth() + 1 !== (month ?? 1) || read.getUTCDate() !== (day ?? 1) || year < 1970) return undefined;
  if (month === undefined) return { start, end: Date.UTC(year + 1, 0, 1) };
  return { start, end: day === undefined ? Date.UTC(year, month, 1) : start + DAY_MS };
}

function day(start: number): Span {
  return { start, end: start + DAY_MS };
}

function moment(at: number): Span {
  return { start: at, end: at };
}
