// Dates and stretches of time as people type them. Pure. Discord does not tell a bot its members' time zones, so a day is a day in
// UTC; whoever shows results says so with the bounds in the reader's own time.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const AGES_MS: Readonly<Record<string, number>> = {
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
  m: 30 * DAY_MS,
  y: 365 * DAY_MS,
};

const MONTHS = "january february march april may june july august september october november december".split(" ");

/** A stretch of time, or a moment, which has no length. Milliseconds since 1970; `end` is not part of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Understands `2025`, `2025-03`, `2025-03-01`, `1.3.2025`, `march`, `mar 2025`, `1 march 2025`, `today`, `yesterday`, `7d`,
 * `3 weeks ago`, `last month`, `2025-03-01T14:30`, with an offset like `+02:00` if wanted, and Discord's own `<t:1740830400>`. A
 * date whose day and month could be taken for each other (03/04/2025) is no date.
 * @param now milliseconds since 1970
 */
export function parseSpan(typed: string, now: number): Span | undefined {
  const text = typed.trim().toLowerCase().replace(/,/g, " ").replace(/\s+/g, " ");
  return relativeSpan(text, now) ?? momentOf(text) ?? namedMonth(text, now) ?? calendarDate(text);
}

function relativeSpan(text: string, now: number): Span | undefined {
  const today = now - (now % DAY_MS);
  if (text === "today") return { start: today, end: today + DAY_MS };
  if (text === "yesterday") return { start: today - DAY_MS, end: today };
  const age = /^(\d{1,4}|an?|last|one) ?(h|d|w|m|y)(?:ours?|ays?|eeks?|onths?|ears?)?(?: ago)?$/.exec(text);
  if (!age) return undefined;
  const count = /\d/.test(age[1] ?? "") ? Number(age[1]) : 1;
  return moment(now - count * (AGES_MS[age[2] ?? ""] ?? 0));
}

function momentOf(text: string): Span | undefined {
  const stamp = /^<t:(\d{1,11})(?::\w)?>$/.exec(text);
  if (stamp) return moment(Number(stamp[1]) * 1_000);
  const iso = /^(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::\d{2})?) ?(z|[+-]\d{2}:\d{2})?$/.exec(text);
  const at = iso ? Date.parse(`${iso[1]}T${iso[2]}${(iso[3] ?? "z").toUpperCase()}`) : Number.NaN;
  return Number.isNaN(at) ? undefined : moment(at);
}

/** A month by its name, with day and year as far as they are given; without a year, the latest such month that has begun. */
function namedMonth(text: string, now: number): Span | undefined {
  const parts = /^(?:(\d{1,2})(?:st|nd|rd|th)? )?(\p{L}{3,9})(?: (\d{1,2})(?:st|nd|rd|th)?)?(?: (\d{4}))?$/u.exec(text);
  const month = MONTHS.findIndex((name) => parts?.[2] !== undefined && name.startsWith(parts[2])) + 1;
  if (!parts || month === 0) return undefined;
  const today = new Date(now);
  const latest = month > today.getUTCMonth() + 1 ? today.getUTCFullYear() - 1 : today.getUTCFullYear();
  return calendarSpan(numberIn(parts[4]) ?? latest, month, numberIn(parts[1] ?? parts[3]));
}

function calendarDate(text: string): Span | undefined {
  const yearFirst = /^(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?$/.exec(text);
  if (yearFirst) return calendarSpan(Number(yearFirst[1]), numberIn(yearFirst[2]), numberIn(yearFirst[3]));
  // Where dots are written, the day comes first without doubt.
  const dayFirst = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  return dayFirst ? calendarSpan(Number(dayFirst[3]), Number(dayFirst[2]), Number(dayFirst[1])) : undefined;
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

function moment(at: number): Span {
  return { start: at, end: at };
}
