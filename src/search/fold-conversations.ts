// One conversation is one result: of the hits in one thread or in one exchange of messages, a result list shows the best.

import type { FoundRow } from "../ports/vector-index.ts";
import { type Snowflake, snowflakeTime } from "../snowflake.ts";
import { ANSWER_MS, type ConversationFacts } from "./conversation-facts.ts";

/** Somebody's next message within this is the same thought. */
const SAME_AUTHOR_MS = 5 * 60_000;

/** What scores less than this share of the conversation's best goes with it, and is not worth being told of. */
const WORTH_TELLING = 0.5;

interface Entry {
  readonly row: FoundRow;
  readonly score: number;
}

interface Conversation<E> {
  readonly best: E;
  readonly others: FoundRow[];
}

/**
 * @param entries best first
 * @param facts of their rows
 * @param ownThreads threads that the search was narrowed to: who looks into one wants to see more of it than one message
 * @returns the best of each conversation in order, with the others of it, most of them best first
 */
export function foldConversations<E extends Entry>(
  entries: readonly E[],
  { threadIds, answered }: ConversationFacts,
  ownThreads: readonly Snowflake[] = [],
): (E & { readonly others: readonly FoundRow[] })[] {
  const conversations = new Set<Conversation<E>>();
  const byChannel = new Map<Snowflake, readonly Conversation<E>[]>();
  const narrowedTo = new Set(ownThreads);
  for (const entry of entries) {
    const { row, score } = entry;
    const here = byChannel.get(row.channelId) ?? [];
    const isOneThread = threadIds.has(row.channelId) && !narrowedTo.has(row.channelId);
    const [first, ...more] = here.filter(
      ({ best, others }) =>
        best.row.kind === "message" &&
        row.kind === "message" &&
        (isOneThread || [best.row, ...others].some((other) => isSameExchange(row, other, answered))),
    );
    if (first === undefined) {
      const conversation = { best: entry, others: [] };
      conversations.add(conversation);
      byChannel.set(row.channelId, [...here, conversation]);
    } else if (score >= WORTH_TELLING * first.best.score) {
      // What stands between two exchanges makes them one.
      first.others.push(...more.flatMap(({ best, others }) => [best.row, ...others]), row);
      for (const joined of more) conversations.delete(joined);
      byChannel.set(
        row.channelId,
        here.filter((conversation) => !more.includes(conversation)),
      );
    }
  }
  return [...conversations].map(({ best, others }) => ({ ...best, others }));
}

/** An answer belongs to what it answers, whenever it came; `contextId` is that message, or the one right before. */
function isSameExchange(one: FoundRow, other: FoundRow, answered: ReadonlyMap<Snowflake, Snowflake>): boolean {
  const [oneAnswers, otherAnswers] = [answered.get(one.id), answered.get(other.id)];
  if (oneAnswers === other.id || otherAnswers === one.id) return true;
  if (oneAnswers !== undefined && oneAnswers === otherAnswers) return true;

  const isAnswer = one.contextId === other.id || other.contextId === one.id;
  const haveSameParent = one.contextId !== undefined && one.contextId === other.contextId;
  const mostMs = isAnswer || haveSameParent ? ANSWER_MS : one.authorId === other.authorId ? SAME_AUTHOR_MS : 0;
  return mostMs > 0 && Math.abs(snowflakeTime(one.id) - snowflakeTime(other.id)) <= mostMs;
}
