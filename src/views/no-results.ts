// Why a search found nothing, and what to do about it. Pure.

import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import { isActive, type Run, totals } from "../backfill/run/run.ts";
import type { SearchResult } from "../search/search.ts";
import type { Limit } from "../search/why-nothing.ts";
import { compareSnowflakes, snowflakeTime } from "../snowflake.ts";
import { ago, clip, percent, plain } from "./words.ts";

export interface EmptyPage {
  readonly result: Omit<SearchResult, "hits">;
  /** Counted from 0. */
  readonly page: number;
  readonly shared: boolean;
  readonly ageRestrictedLeftOut: boolean;
  /** Undefined when not known. */
  readonly status: BackfillStatus | undefined;
  /** Something that can be read here is not searchable yet. */
  readonly newestArePending: boolean;
}

const limitNames: Readonly<Record<Limit, string>> = {
  author: "the author",
  channel: "the channel",
  time: "the dates",
  has: "what it has or links to",
  kind: "the kind",
  except: "what is left out",
};

export function reasonsForNothing(empty: EmptyPage): string[] {
  if (empty.page > 0) return ["There are no more results."];
  return [...reasons(empty), ...(empty.ageRestrictedLeftOut ? [ageRestricted] : [])];
}

function reasons(empty: EmptyPage): string[] {
  const { result, shared, status, newestArePending } = empty;
  const { unknown } = result;
  if (unknown.length > 0) {
    const names = unknown.slice(0, 5).map((name) => `“${plain(clip(name, 60))}”`);
    const whom = shared ? "everybody here can read" : "you can read";
    return [
      `Nobody here is called ${names.join(" or ")}, and no channel that ${whom}. Check how the name is written, or choose it as a mention.`,
    ];
  }
  return [whyNot(empty), ...(shared ? [sharing] : []), ...howFar(status, newestArePending)];
}

const ageRestricted = "Age-restricted channels are searched only from such a channel.";
const sharing =
  "Only what everybody who sees this channel can certainly read is shown here; search without `share` to see more.";

function whyNot({ result: { query, filter, nothing }, shared }: EmptyPage): string {
  const { afterId, beforeId } = filter;
  if (afterId !== undefined && beforeId !== undefined && compareSnowflakes(afterId, beforeId) >= 0) {
    return "No message can be both after the one date and before the other.";
  }
  if (nothing?.anythingToSee === false) return "Nothing that can be read here is searchable yet.";
  if (query.messageId !== undefined && query.text === "") {
    return "That message is not there: it is gone, has no text, is not searchable yet, or is not for you to read.";
  }
  if (nothing?.anythingWithinLimits === false) {
    const names = nothing.inTheWay.map((limit) => limitNames[limit]);
    if (names.length === 0) return "Nothing fits all the limits at once, whatever the words. Leave some of them out.";
    return `Nothing fits the limits, whatever the words. There would be something without ${names.join(", or without ")}.`;
  }
  if (query.phrases.length > 0) {
    const phrases = query.phrases.slice(0, 3).map((phrase) => `“${plain(clip(phrase, 60))}”`);
    return `Nothing that ${shared ? "everybody here" : "you"} can read says exactly ${phrases.join(" and ")}. Without the quotes I also find what means the same.`;
  }
  if (nothing?.onlyFar) {
    const who = shared ? "everybody here" : "you";
    return `Nothing close to that is among what ${who} can read, and none of it has these words. Check how they are written, or try others.`;
  }
  return "Nothing was found among what can be read here. Try other words, or fewer limits.";
}

/** How much of the past is searchable, as far as that may explain it. */
function howFar(status: BackfillStatus | undefined, newestArePending: boolean): string[] {
  const run = status?.run;
  const live = newestArePending ? ["The newest messages are still being made searchable."] : [];
  // While an index is being changed, the former one answers for what is not done yet.
  if (status?.change && (!run || status.otherModel)) return live;
  if (status && (!run || status.otherModel)) {
    const why = run ? "the search model was changed" : "no backfill has been made here";
    return [`Older messages may not be searchable yet: ${why}. An admin can start a backfill.`, ...live];
  }
  if (!run || run.status === "succeeded") return live;
  const { read, remaining } = totals(run);
  const reached = reachedBack(run);
  const back = reached === undefined ? "" : `, back to ${ago(reached)}`;
  const done = `${percent(read, read + remaining)}${back}`;
  const line = isActive(run.status)
    ? `A backfill is making older messages searchable, newest first; it is at ${done}.`
    : `The backfill of older messages is not finished (it is at ${done}), so some of them cannot be found yet.`;
  return [line, ...live];
}

/** The moment back to which all messages are searchable, milliseconds since 1970; undefined where that cannot be said. */
function reachedBack(run: Run): number | undefined {
  const [first, ...rest] = run.phases.filter(({ kind }) => kind === "message");
  if (first?.name !== "recent" || run.collection?.finished === false || first.counters.read === 0) return undefined;
  const cursor = [first, ...rest].find((phase) => phase.cursor !== undefined)?.cursor;
  return cursor === undefined ? undefined : snowflakeTime(cursor);
}
