// What rows do not tell of the conversations they belong to, and the archive does: which channels are threads, and which messages answer
// another.

import type { Archive } from "../ports/archive.ts";
import type { FoundRow } from "../ports/vector-index.ts";
import { type Snowflake, snowflakeTime } from "../snowflake.ts";

/** An answer, or what stands right before, within this is the same exchange without asking. */
export const ANSWER_MS = 15 * 60_000;

/** A channel's kind never changes, so it is looked up once. */
const MAX_REMEMBERED = 20_000;

export interface ConversationFacts {
  readonly threadIds: ReadonlySet<Snowflake>;
  /** Of late messages that may answer one of the others, or the same as one of them, what they answer. */
  readonly answered: ReadonlyMap<Snowflake, Snowflake>;
}

export function createConversationFacts(archive: Pick<Archive, "get" | "channel">) {
  const isThread = new Map<Snowflake, boolean>();

  async function threadsAmong(guildId: Snowflake, channelIds: readonly Snowflake[]): Promise<ReadonlySet<Snowflake>> {
    await Promise.all(
      channelIds.map(async (id) => {
        if (isThread.has(id)) return;
        const channel = await archive.channel(guildId, id);
        if (isThread.size >= MAX_REMEMBERED) isThread.clear();
        if (channel) isThread.set(id, channel.type === "public-thread" || channel.type === "private-thread");
      }),
    );
    return new Set(channelIds.filter((id) => isThread.get(id)));
  }

  /** A row's neighbour is what it answers, or only what stands before it. */
  async function answeredBy(guildId: Snowflake, rows: readonly FoundRow[]): Promise<ReadonlyMap<Snowflake, Snowflake>> {
    const ids = new Set(rows.map(({ id }) => id));
    const carriers = new Map<Snowflake, number>();
    for (const { contextId } of rows) {
      if (contextId !== undefined) carriers.set(contextId, (carriers.get(contextId) ?? 0) + 1);
    }
    const asked = rows.filter(({ kind, id, contextId }) => {
      if (kind === "note" || contextId === undefined) return false;
      const isLate = snowflakeTime(id) - snowflakeTime(contextId) > ANSWER_MS;
      return isLate && (ids.has(contextId) || (carriers.get(contextId) ?? 0) > 1);
    });
    if (asked.length === 0) return new Map();
    const records = await archive.get(guildId, "message", [...new Set(asked.map(({ id }) => id))]);
    return new Map(
      [...records].flatMap(([id, { record }]) => (record.replyToId === undefined ? [] : [[id, record.replyToId]])),
    );
  }

  return async (guildId: Snowflake, rows: readonly FoundRow[]): Promise<ConversationFacts> => {
    const [threadIds, answered] = await Promise.all([
      threadsAmong(guildId, [...new Set(rows.map(({ channelId }) => channelId))]),
      answeredBy(guildId, rows),
    ]);
    return { threadIds, answered };
  };
}
