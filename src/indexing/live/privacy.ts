// What members decide about their own words: what is stored of them is told and handed out; it is deleted, or not stored at all any more.
// The deleting itself is the removal's (removals.ts), which the archive remembers until it is done.

import type { Archive, ChannelType, Exclusion } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KeptWhere, StoredAbout } from "../../ports/privacy.ts";
import type { ArchivedRecord } from "../../ports/records.ts";
import { slices } from "../../slices.ts";
import { compareSnowflakes, type Snowflake } from "../../snowflake.ts";

const LOOK_EVERY_MS = 500;
const REMOVAL_AWAITED_MS = 10 * 60_000;
const RECORDS_PER_PAGE = 500;

export interface Privacy {
  readonly where: KeptWhere;
  about(guildId: Snowflake, userId: Snowflake): Promise<StoredAbout>;
  /** All messages and notes of a member with the names of their channels, page by page. */
  records(
    guildId: Snowflake,
    userId: Snowflake,
  ): AsyncIterable<readonly { readonly record: ArchivedRecord; readonly channelName: string | undefined }[]>;
  /** Deletes all that is older than an id, and sees to it that it is not stored again when Discord's history is read. */
  forget(guildId: Snowflake, userId: Snowflake, beforeId: Snowflake): Promise<void>;
  /** Deletes everything, and from now on stores nothing. */
  optOut(guildId: Snowflake, userId: Snowflake): Promise<void>;
  /** @returns false when there was nothing to take back */
  optIn(guildId: Snowflake, userId: Snowflake): Promise<boolean>;
  /** Resolves when nothing of the member is left to be removed: true; or after so long, or when the process stops: false. */
  removed(guildId: Snowflake, userId: Snowflake, withinMs: number): Promise<boolean>;
  stop(): void;
}

export interface PrivacyParts {
  readonly archive: Pick<
    Archive,
    "authored" | "channels" | "get" | "exclude" | "include" | "exclusions" | "unfinishedRemovals"
  >;
  readonly where: KeptWhere;
  /** Says that there is a removal to be done. */
  onRemoval(guildId: Snowflake): void;
  /** Says that something is stored again that was not: Discord's history may have more of it. */
  onIncluded(guildId: Snowflake): void;
  readonly clock: Clock;
}

export function createPrivacy({ archive, where, onRemoval, onIncluded, clock }: PrivacyParts): Privacy {
  const stopped = new AbortController();

  async function exclusionOf(guildId: Snowflake, userId: Snowflake) {
    const all = await archive.exclusions(guildId);
    return {
      own: all.find((each) => each.by === "author" && each.id === userId) as
        | (Exclusion & { readonly by: "author" })
        | undefined,
      keptSinceId: all.find((each) => each.by === "age")?.beforeId,
    };
  }

  async function isBeingRemoved(guildId: Snowflake, userId: Snowflake): Promise<boolean> {
    return (await archive.unfinishedRemovals(guildId)).some(
      (scope) => scope.by === "guild" || (scope.by === "author" && scope.id === userId),
    );
  }

  async function exclude(guildId: Snowflake, exclusion: Exclusion): Promise<void> {
    await archive.exclude(guildId, exclusion);
    onRemoval(guildId);
  }

  async function removed(guildId: Snowflake, userId: Snowflake, withinMs: number): Promise<boolean> {
    const giveUpAt = clock.elapsed() + withinMs;
    while (await isBeingRemoved(guildId, userId)) {
      if (stopped.signal.aborted || clock.elapsed() > giveUpAt) return false;
      await clock.sleep(LOOK_EVERY_MS, stopped.signal);
    }
    return true;
  }

  return {
    where,

    async about(guildId, userId) {
      const types = new Map((await archive.channels(guildId)).map(({ id, type }) => [id, type]));
      const messages = new Map<ChannelType, number>();
      let [oldestId, notes, savedByOthers]: [Snowflake | undefined, number, number] = [undefined, 0, 0];
      for await (const found of archive.authored(guildId, userId)) {
        const [first] = found.ids;
        if (found.kind === "note") notes += found.ids.length;
        if (found.kind === "saved-by-others") savedByOthers += found.ids.length;
        if (found.kind !== "message" || first === undefined) continue;
        const type = types.get(found.channelId) ?? "other";
        messages.set(type, (messages.get(type) ?? 0) + found.ids.length);
        if (oldestId === undefined || compareSnowflakes(first, oldestId) < 0) oldestId = first;
      }
      const { own, keptSinceId } = await exclusionOf(guildId, userId);
      return {
        messages,
        oldestId,
        notes,
        savedByOthers,
        isOptedOut: own !== undefined && own.beforeId === undefined,
        deletedBeforeId: own?.beforeId,
        isBeingRemoved: await isBeingRemoved(guildId, userId),
        keptSinceId,
      };
    },

    async *records(guildId, userId) {
      const names = new Map((await archive.channels(guildId)).map(({ id, name }) => [id, name]));
      for await (const { kind, ids } of archive.authored(guildId, userId)) {
        // What others keep is theirs to see.
        if (kind === "saved-by-others") continue;
        for (const some of slices(ids, RECORDS_PER_PAGE)) {
          const found = await archive.get(guildId, kind, some);
          yield [...found.values()].map(({ record }) => ({ record, channelName: names.get(record.channelId) }));
        }
      }
    },

    async forget(guildId, userId, beforeId) {
      const { own } = await exclusionOf(guildId, userId);
      const isOptedOut = own !== undefined && own.beforeId === undefined;
      await exclude(guildId, { by: "author", id: userId, ...(!isOptedOut && { beforeId }) });
    },

    optOut: (guildId, userId) => exclude(guildId, { by: "author", id: userId }),

    async optIn(guildId, userId) {
      const { own } = await exclusionOf(guildId, userId);
      // What was deleted stays so: nobody has asked for it.
      if (own === undefined || own.beforeId !== undefined) return false;
      const isTakenBack = await archive.include(guildId, { by: "author", id: userId }, clock.now());
      if (!isTakenBack) return false;
      // What is read of Discord before would be removed again.
      await removed(guildId, userId, REMOVAL_AWAITED_MS);
      onIncluded(guildId);
      return isTakenBack;
    },

    removed,

    stop: () => stopped.abort(),
  };
}
