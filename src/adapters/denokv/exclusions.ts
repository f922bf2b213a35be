// What is not to be stored of a guild. Whoever changes that writes one key more, which every record's commit checks: a process that has
// not heard of it yet is refused and looks again, so nothing slips in behind a removal.

import { isDeepStrictEqual } from "node:util";
import type { AtomicCheck, KvMutation } from "@deno/kv";
import type { Exclusion, RemovalScope } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ArchivedRecord } from "../../ports/records.ts";
import { compareSnowflakes, type Snowflake, snowflakeAt } from "../../snowflake.ts";
import { channelSchema, exclusionSchema, whyInvalid } from "./codec.ts";
import { guildKey, idOf, scopeKey } from "./keys.ts";
import { NOTHING } from "./record-writes.ts";
import type { Store } from "./store.ts";

export interface Exclusions {
  exclude(guildId: Snowflake, exclusion: Exclusion): Promise<void>;
  include(guildId: Snowflake, exclusion: Exclusion, now: number): Promise<boolean>;
  list(guildId: Snowflake): Promise<readonly Exclusion[]>;
  /** Which exclusion concerns each of the records, if one does, and what a commit must check that rests on it. */
  concerning(
    guildId: Snowflake,
    records: readonly ArchivedRecord[],
  ): Promise<{ readonly excluded: ReadonlyMap<ArchivedRecord, Exclusion>; readonly check: AtomicCheck }>;
}

interface Known {
  readonly stamp: string | null;
  readonly list: readonly Exclusion[];
  readonly authors: ReadonlyMap<Snowflake, Exclusion & { readonly by: "author" }>;
  readonly channels: ReadonlyMap<Snowflake, Exclusion>;
  readonly bots: Exclusion | undefined;
  readonly age: (Exclusion & { readonly by: "age" }) | undefined;
}

export function createExclusions(store: Store, logger: Logger): Exclusions {
  const known = new Map<Snowflake, Known>();

  async function read(guildId: Snowflake): Promise<Known> {
    // In this order: what is changed in between is seen with the former stamp, and a commit that rests on it is refused.
    const { versionstamp: stamp } = await store.get(guildKey("exclusions", guildId));
    const before = known.get(guildId);
    if (before?.stamp === stamp) return before;
    const entries = await store.list({ prefix: ["exclusion", BigInt(guildId)] });
    const list = entries.flatMap(({ key, value }) => {
      const parsed = exclusionSchema.safeParse(value);
      if (parsed.success) return [parsed.data as Exclusion];
      logger.warn("archive:damaged", { key: key.map(String).join("/"), reason: whyInvalid(value, parsed.error) });
      return [];
    });
    const by = <Kind extends Exclusion["by"]>(kind: Kind) =>
      list.filter((each): each is Exclusion & { readonly by: Kind } => each.by === kind);
    const fresh: Known = {
      stamp,
      list,
      authors: new Map(by("author").map((each) => [each.id, each])),
      channels: new Map(by("channel").map((each) => [each.id, each])),
      bots: by("bots")[0],
      age: by("age")[0],
    };
    known.set(guildId, fresh);
    return fresh;
  }

  /** The channel above each thread that is known. */
  async function parentsOf(guildId: Snowflake, channelIds: ReadonlySet<Snowflake>) {
    const entries = await store.getMany([...channelIds].map((id) => guildKey("channel", guildId, id)));
    return new Map(entries.map(({ key, value }) => [idOf(key), channelSchema.safeParse(value).data?.parentId]));
  }

  async function change(guildId: Snowflake, mutations: readonly KvMutation[]): Promise<void> {
    await store.commit([...mutations, { type: "set", key: guildKey("exclusions", guildId), value: NOTHING }]);
  }

  return {
    async exclude(guildId, exclusion) {
      const scopes: RemovalScope[] = [exclusion];
      if (exclusion.by === "channel") {
        const entries = await store.list({ prefix: ["channel", BigInt(guildId)] });
        for (const { value } of entries) {
          const { data: thread } = channelSchema.safeParse(value);
          if (thread?.parentId === exclusion.id) scopes.push({ by: "channel", id: thread.id });
        }
      }
      const removals = scopes.map(
        (scope) => ({ type: "set", key: scopeKey("removal", guildId, scope), value: { ...scope } }) as const,
      );
      const standing = {
        type: "set",
        key: scopeKey("exclusion", guildId, exclusion),
        value: { ...exclusion },
      } as const;
      // More threads than one commit takes: the others' removals come first, and may be begun again.
      await store.commitGroups(removals.slice(1).map((removal) => [removal]));
      await change(guildId, [standing, ...removals.slice(0, 1)]);
    },

    async include(guildId, exclusion, now) {
      const key = scopeKey("exclusion", guildId, exclusion);
      if ((await store.get(key)).versionstamp === null) return false;
      const removal = scopeKey("removal", guildId, exclusion);
      const isUnderWay = (await store.get(removal)).versionstamp !== null;
      // What an author writes from now on is to stay.
      const bounded = exclusion.by === "author" && isUnderWay;
      const beforeId = snowflakeAt(now);
      await change(guildId, [
        { type: "delete", key },
        ...(bounded ? [{ type: "set", key: removal, value: { ...exclusion, beforeId } } as const] : []),
      ]);
      return true;
    },

    list: async (guildId) => (await read(guildId)).list,

    async concerning(guildId, records) {
      const { stamp, list, authors, channels, bots, age } = await read(guildId);
      const check: AtomicCheck = { key: guildKey("exclusions", guildId), versionstamp: stamp };
      const excluded = new Map<ArchivedRecord, Exclusion>();
      if (list.length === 0) return { excluded, check };
      const places = new Set(channels.size === 0 ? [] : records.map(({ channelId }) => channelId));
      const parents = await parentsOf(guildId, places);
      const byAuthor = (authorId: Snowflake | undefined, id: Snowflake) => {
        const author = authorId === undefined ? undefined : authors.get(authorId);
        return author && (author.beforeId === undefined || compareSnowflakes(id, author.beforeId) < 0)
          ? author
          : undefined;
      };
      for (const record of records) {
        const { kind, id, channelId, accessChannelId, authorId, sourceAuthorId, sourceMessageId } = record;
        const isMessage = kind === "message";
        const found =
          byAuthor(authorId, id) ??
          byAuthor(sourceAuthorId, sourceMessageId ?? id) ??
          channels.get(channelId) ??
          channels.get(accessChannelId) ??
          channels.get(parents.get(channelId) ?? channelId) ??
          (isMessage && record.bot ? bots : undefined) ??
          (isMessage && age && compareSnowflakes(id, age.beforeId) < 0 ? age : undefined);
        if (found !== undefined) excluded.set(record, found);
      }
      return { excluded, check };
    },
  };
}

/** Whether an exclusion or a removal is the same as another, bounds included. */
export const isSameScope = (one: RemovalScope, other: unknown) => isDeepStrictEqual({ ...one }, other);
