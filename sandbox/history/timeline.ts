// Gives the written lines their times: conversations spread over half a year, evenings and weekends busier, pauses as people
// make them, and no two conversations of a channel talking through each other.

import type { Conversation, Line } from "./parse.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** How far back the history goes. */
export const HISTORY_DAYS = 180;
/** Days kept free at the end, so that follow-ups and postponed conversations still fit. */
const SLACK_DAYS = 3;
/** Left to the conversation that ends the history. */
const LAST_WORD_MS = 3 * HOUR_MS;
const QUIET_AROUND_MS = 12 * MINUTE_MS;

/** Numbers in [0, 1). */
export type Random = () => number;

/** A line with its place in time and space; ids come later, when all are sorted. */
export interface Draft {
  readonly line: Line;
  readonly channel: string;
  readonly at: number;
  readonly replyTo: Draft | undefined;
  readonly thread: ThreadDraft | undefined;
}

export interface ThreadDraft {
  readonly name: string;
  readonly channel: string;
  /** The message a public thread was started from; for a private one, the message before it. */
  readonly after: Draft;
  readonly invited: readonly string[] | undefined;
}

/** A small seeded generator (mulberry32), enough for believable pauses. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/** First hour (UTC) and length in hours. */
const partsOfDay: Readonly<Record<string, readonly [number, number]>> = {
  morning: [7.5, 3],
  noon: [11.5, 2],
  afternoon: [13.5, 3.5],
  evening: [17.5, 4],
  night: [22.3, 1.5],
};
const usualParts = ["evening", "evening", "evening", "evening", "afternoon", "afternoon", "noon", "morning", "night"];

export interface Timeline {
  /** Places a channel's conversations in their order over the whole span. */
  spread(channel: string, conversations: readonly Conversation[]): Draft[];
  /** Places one conversation at a likely moment anywhere in the span. */
  scatter(channel: string, conversation: Conversation): Draft[];
  /** A likely moment at this fraction of the span. */
  momentAt(fraction: number): number;
}

/** @param endsAt milliseconds since 1970; nothing is placed after it */
export function createTimeline(endsAt: number, random: Random): Timeline {
  const startsAt = Math.floor((endsAt - HISTORY_DAYS * DAY_MS) / DAY_MS) * DAY_MS;
  const taken = new Map<string, [from: number, to: number][]>();
  // Busy and quiet days, drawn once; weekends weigh more. The first day belongs to whoever opens the place.
  const dayWeights = Array.from({ length: HISTORY_DAYS + 1 }, (_, day) => {
    const weekday = new Date(startsAt + day * DAY_MS).getUTCDay();
    return day === 0 ? 0 : (0.35 + random() ** 2 * 2) * (weekday === 0 || weekday === 6 ? 1.7 : 1);
  });

  /** The day at this fraction of all the days' weight. */
  function dayAt(fraction: number): number {
    let rest = fraction * sumOf(dayWeights);
    for (const [day, weight] of dayWeights.entries()) {
      rest -= weight;
      if (rest < 0) return day;
    }
    return 0;
  }

  function timeOfDay(part: string | undefined): number {
    const [from, hours] = partsOfDay[part ?? usualParts[Math.floor(random() * usualParts.length)] ?? ""] ?? [18, 3];
    return (from + random() * hours) * HOUR_MS;
  }

  function start(header: string, usualDay: number, gapsMs: number): number {
    const words = header.split(" ");
    let day = words[0] === "day" ? Number(words[1]) : usualDay;
    day = Math.floor(Math.max(0, Math.min(day, HISTORY_DAYS - SLACK_DAYS - gapsMs / DAY_MS)));
    const weekday = words.map((word) => weekdays.indexOf(word)).find((index) => index >= 0);
    if (weekday !== undefined) {
      const ahead = (weekday - new Date(startsAt + day * DAY_MS).getUTCDay() + 7) % 7;
      day += ahead - (day + ahead > HISTORY_DAYS - SLACK_DAYS ? 7 : 0);
    }
    return startsAt + day * DAY_MS + timeOfDay(words.find((word) => word in partsOfDay));
  }

  /** The first moment from `wanted` on at which the channel is quiet for as long as needed. */
  function quietMoment(channel: string, wanted: number, durationMs: number): number {
    const intervals = taken.get(channel) ?? [];
    taken.set(channel, intervals);
    let from = wanted;
    for (;;) {
      const clash = intervals.find(
        ([start, end]) => from < end + QUIET_AROUND_MS && from + durationMs > start - QUIET_AROUND_MS,
      );
      if (!clash) break;
      from = clash[1] + QUIET_AROUND_MS + 1;
    }
    intervals.push([from, from + durationMs]);
    return from;
  }

  function pauseMs(line: Line): number {
    const typing = 6_000 + line.content.length * 110;
    const thinking = -Math.log(1 - random()) * 50_000;
    return Math.round(typing + thinking + (random() < 0.07 ? (4 + random() * 16) * MINUTE_MS : 0));
  }

  /** Places a conversation from `start` on; each of its stretches waits until the channel is quiet. */
  function place(channel: string, { lines }: Conversation, start: number, pauses: readonly number[]): Draft[] {
    const drafts: Draft[] = [];
    const threads = new Map<string, ThreadDraft>();
    let at = start;
    for (const [index, line] of lines.entries()) {
      const { gapMs } = line;
      if (index === 0 || gapMs !== undefined) {
        const next = lines.findIndex((later, position) => position > index && later.gapMs !== undefined);
        const stretch = pauses.slice(index + 1, next < 0 ? lines.length : next);
        const jitterMs = gapMs !== undefined && gapMs >= DAY_MS ? (random() - 0.5) * 2 * HOUR_MS : 0;
        at = quietMoment(channel, at + (gapMs ?? 0) + jitterMs, sumOf(stretch));
      } else {
        at += pauses[index] ?? 0;
      }
      const before = drafts.at(-1);
      if (line.thread && before && !threads.has(line.thread.name)) {
        threads.set(line.thread.name, { ...line.thread, channel, after: before });
      }
      drafts.push({
        line,
        channel,
        at: Math.round(at),
        replyTo: line.answersBack > 0 ? drafts[drafts.length - line.answersBack] : undefined,
        thread: line.thread && threads.get(line.thread.name),
      });
    }
    return drafts;
  }

  return {
    spread: (channel, conversations) =>
      conversations.flatMap((conversation, index) => {
        const { header, lines } = conversation;
        const pauses = lines.map(pauseMs);
        const fraction = (index + 0.2 + random() * 0.6) / conversations.length;
        const usualDay = 1 + fraction * (HISTORY_DAYS - SLACK_DAYS - 1);
        const gapsMs = sumOf(lines.map((line) => line.gapMs ?? 0));
        const begin = header === "end" ? endsAt - MINUTE_MS - sumOf(pauses.slice(1)) : start(header, usualDay, gapsMs);
        return place(channel, conversation, begin, pauses);
      }),
    scatter: (channel, conversation) => {
      const latest = endsAt - LAST_WORD_MS - sumOf(conversation.lines.map((line) => line.gapMs ?? 0));
      let begin = Number.POSITIVE_INFINITY;
      while (begin > latest) begin = startsAt + dayAt(random()) * DAY_MS + timeOfDay(undefined);
      return place(channel, conversation, begin, conversation.lines.map(pauseMs));
    },
    momentAt: (fraction) =>
      startsAt + Math.floor(1 + fraction * (HISTORY_DAYS - SLACK_DAYS)) * DAY_MS + timeOfDay(undefined),
  };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
