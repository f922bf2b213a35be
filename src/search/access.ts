// Which channels a search may look into: for a member, what they can read on Discord right now; for a shared answer, what everyone
// in the channel can read. Decides; who can read what is asked of the Permissions port.

import type { Archive, Clock, Permissions, SearchFilter, Viewer } from "../ports.ts";
import { compareSnowflakes, type Snowflake } from "../snowflake.ts";

/** How old an answer about a private thread may be. The readability of the thread's parent is never remembered. */
const ANSWER_LIFETIME_MS = 15_000;
/** Look-ups at Discord for one search. */
const MAX_LOOK_UPS = 100;
const MAX_ANSWERS = 20_000;

export interface AccessFilter extends Pick<SearchFilter, "accessChannelIds" | "viewerId"> {
  /** Private threads that were left out because there were too many to look up. */
  readonly uncheckedThreads: number;
}

export interface Access {
  /**
   * What a member can read. A private thread costs a look-up at Discord, so: those under a channel the member cannot read are left
   * out unasked, answers are remembered for 15 s, and of the rest the 100 newest are looked up; no answer is a no, and
   * `uncheckedThreads` says how many got none.
   * @param candidateThreads if given, only these private threads are looked at (those that have hits, for instance)
   */
  filterFor(guildId: Snowflake, viewer: Viewer, candidateThreads?: readonly Snowflake[]): Promise<AccessFilter>;
  /** What everyone who reads a channel can certainly read. Nobody's private notes. */
  filterForSharing(guildId: Snowflake, channelId: Snowflake): Promise<Pick<SearchFilter, "accessChannelIds">>;
}

interface PrivateThread {
  readonly id: Snowflake;
  readonly parentId?: Snowflake;
}

export function createAccess({
  permissions,
  archive,
  clock,
}: {
  readonly permissions: Permissions;
  readonly archive: Pick<Archive, "channels">;
  readonly clock: Pick<Clock, "elapsed">;
}): Access {
  const answers = new Map<string, { readonly readable: boolean; readonly until: number }>();
  const threadLists = new Map<Snowflake, { readonly threads: readonly PrivateThread[]; readonly until: number }>();

  /** A thread that is newer than the list is left out until the list is read again. */
  async function privateThreads(guildId: Snowflake): Promise<readonly PrivateThread[]> {
    const known = threadLists.get(guildId);
    if (known && known.until > clock.elapsed()) return known.threads;
    const until = clock.elapsed() + ANSWER_LIFETIME_MS;
    const threads = (await archive.channels(guildId))
      .filter((channel) => channel.type === "private-thread")
      .sort((one, other) => compareSnowflakes(other.id, one.id));
    threadLists.set(guildId, { threads, until });
    return threads;
  }

  function remember(key: string, readable: boolean): void {
    answers.delete(key);
    answers.set(key, { readable, until: clock.elapsed() + ANSWER_LIFETIME_MS });
    // The first key was set longest ago.
    for (const [oldest, answer] of answers) {
      if (answers.size <= MAX_ANSWERS && answer.until > clock.elapsed()) break;
      answers.delete(oldest);
    }
  }

  async function readableThreads(guildId: Snowflake, viewer: Viewer, threads: readonly PrivateThread[]) {
    const key = (threadId: Snowflake) => `${threadId}:${viewer.userId}`;
    const isKnown = (threadId: Snowflake) => (answers.get(key(threadId))?.until ?? 0) > clock.elapsed();
    const unknown = threads.map((thread) => thread.id).filter((threadId) => !isKnown(threadId));
    const asked = unknown.slice(0, MAX_LOOK_UPS);
    const readable = new Set(
      threads.map((thread) => thread.id).filter((id) => isKnown(id) && answers.get(key(id))?.readable),
    );
    const found = new Set(asked.length > 0 ? await permissions.readableThreads(guildId, viewer, asked) : []);
    for (const threadId of asked) {
      remember(key(threadId), found.has(threadId));
      if (found.has(threadId)) readable.add(threadId);
    }
    return { readable: [...readable], uncheckedThreads: unknown.length - asked.length };
  }

  return {
    async filterFor(guildId, viewer, candidateThreads) {
      const [channels, known] = await Promise.all([
        permissions.readableChannels(guildId, viewer),
        privateThreads(guildId),
      ]);
      const open = new Set(channels);
      const candidates = candidateThreads && new Set(candidateThreads);
      const threads = known.filter(
        (thread) => thread.parentId && open.has(thread.parentId) && (candidates?.has(thread.id) ?? true),
      );
      const { readable, uncheckedThreads } = await readableThreads(guildId, viewer, threads);
      return { accessChannelIds: [...channels, ...readable], viewerId: viewer.userId, uncheckedThreads };
    },

    async filterForSharing(guildId, channelId) {
      return { accessChannelIds: await permissions.readableByReadersOf(guildId, channelId) };
    },
  };
}
