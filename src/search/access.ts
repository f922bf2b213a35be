// Which channels a search may look into: for a member, what they can read on Discord right now; for a shared answer, what everyone
// in the channel can read. Decides; who can read what is asked of the Permissions port.

import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { Permissions, Viewer } from "../ports/discord.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import type { SearchFilter } from "../ports/vector-index.ts";
import { compareSnowflakes, type Snowflake } from "../snowflake.ts";

/** How long a no about a private thread is remembered. A yes never is: whoever leaves a thread stops seeing it at once. */
const NO_LIFETIME_MS = 15_000;
/** How long a guild's list of private threads is; a message in a newer one is found that much later. */
const LIST_LIFETIME_MS = 2_000;
/** Look-ups at Discord for one search. */
const MAX_LOOK_UPS = 100;
const MAX_NOES = 20_000;

export interface AccessFilter extends Pick<SearchFilter, "accessChannelIds" | "viewerId"> {
  /** Private threads that were left out because there were too many to look up. */
  readonly uncheckedThreads: number;
  /** Age-restricted channels that were left out because this is not asked in one of them. */
  readonly ageRestrictedChannels: number;
}

export interface Access {
  /**
   * What a member can read. A private thread costs a look-up at Discord, so: those under a channel the member cannot read are left
   * out unasked, a no is remembered for 15 s, and of the rest the 100 newest are looked up; no answer is a no, and
   * `uncheckedThreads` says how many got none.
   * @param candidateThreads if given, only these private threads are looked at (those that have hits, for instance)
   */
  filterFor(guildId: Snowflake, viewer: Viewer, candidateThreads?: readonly Snowflake[]): Promise<AccessFilter>;
  /** What everyone who sees a channel, and so who asks there, can certainly read. Nobody's private notes. */
  filterForSharing(guildId: Snowflake, channelId: Snowflake): Promise<Pick<SearchFilter, "accessChannelIds">>;
}

/** Whether a filter lets a record through: for records that do not come out of a search under that filter. */
export function isReadable(
  record: Pick<ArchivedRecord, "kind" | "visibility" | "authorId" | "accessChannelId">,
  { accessChannelIds, viewerId }: Pick<SearchFilter, "accessChannelIds" | "viewerId">,
): boolean {
  const isPrivate = record.kind === "note" && record.visibility !== "channel";
  return isPrivate ? record.authorId === viewerId : accessChannelIds.includes(record.accessChannelId);
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
  /** Until when each no holds, by thread and member; the oldest first. */
  const noes = new Map<string, number>();
  const threadLists = new Map<Snowflake, { readonly threads: readonly PrivateThread[]; readonly until: number }>();

  /** A thread that is newer than the list is left out until the list is read again. */
  async function privateThreads(guildId: Snowflake): Promise<readonly PrivateThread[]> {
    const known = threadLists.get(guildId);
    if (known && known.until > clock.elapsed()) return known.threads;
    const until = clock.elapsed() + LIST_LIFETIME_MS;
    const threads = (await archive.channels(guildId))
      .filter((channel) => channel.type === "private-thread")
      .sort((one, other) => compareSnowflakes(other.id, one.id));
    threadLists.set(guildId, { threads, until });
    return threads;
  }

  function rememberNo(key: string): void {
    noes.delete(key);
    noes.set(key, clock.elapsed() + NO_LIFETIME_MS);
    for (const [oldest, until] of noes) {
      if (noes.size <= MAX_NOES && until > clock.elapsed()) break;
      noes.delete(oldest);
    }
  }

  async function readableThreads(guildId: Snowflake, viewer: Viewer, threads: readonly PrivateThread[]) {
    const key = (threadId: Snowflake) => `${threadId}:${viewer.userId}`;
    const open = threads.map(({ id }) => id).filter((id) => (noes.get(key(id)) ?? 0) <= clock.elapsed());
    const asked = open.slice(0, MAX_LOOK_UPS);
    const readable = asked.length > 0 ? await permissions.readableThreads(guildId, viewer, asked) : [];
    for (const id of asked) if (!readable.includes(id)) rememberNo(key(id));
    return { readable, uncheckedThreads: open.length - asked.length };
  }

  return {
    async filterFor(guildId, viewer, candidateThreads) {
      const [{ channelIds, ageRestricted }, known] = await Promise.all([
        permissions.readableChannels(guildId, viewer),
        privateThreads(guildId),
      ]);
      const open = new Set(channelIds);
      const candidates = candidateThreads && new Set(candidateThreads);
      const threads = known.filter(
        (thread) => thread.parentId && open.has(thread.parentId) && (candidates?.has(thread.id) ?? true),
      );
      const { readable, uncheckedThreads } = await readableThreads(guildId, viewer, threads);
      return {
        accessChannelIds: [...channelIds, ...readable],
        viewerId: viewer.userId,
        uncheckedThreads,
        ageRestrictedChannels: ageRestricted,
      };
    },

    async filterForSharing(guildId, channelId) {
      return { accessChannelIds: await permissions.readableByReadersOf(guildId, channelId) };
    },
  };
}
