// What is not to be stored of a guild. Whoever changes that writes one key more, which every record's commit checks: a process that has
// not heard of it yet is refused and looks again, so nothing slips in behind a removal.

import { isDeepStrictEqual } from "node:util";
import type { AtomicCheck, KvMutation } from "@deno/kv";
import type { ChannelInfo, Exclusion, RemovalScope } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ArchivedRecord } from "../../ports/records.ts";
import { compareSnowflakes, type Snowflake, snowflakeAt } from "../../snowflake.ts";
import { channelSchema, exclusionSchema, validated } from "./codec.ts";
import { guildKey, scopeKey } from "./keys.ts";
import { NOTHING } from "./record-writes.ts";
import type { Store } from "./store.ts";

export interface Exclusions {
  /** @param more to be written in the same commit */
  exclude(guildId: Snowflake, exclusion: Exclusion, more?: readonly KvMutation[]): Promise<void>;
  include(guildId: Snowflake, exclusion: Exclusion, now: number, more?: readonly KvMutation[]): Promise<boolean>;
  list(guildId: Snowflake): Promise<readonly Exclusion[]>;
  /** Which of these channels and threads are left out, and what a commit must check that rests on it. */
  channelsLeftOut(
    guildId: Snowflake,
    channels: readonly ChannelInfo[],
  ): Promise<{ readonly leftOut: ReadonlySet<Snowflake>; readonly check: AtomicCheck }>;
  /** What goes with a channel's coming into a category that is left out, or out of one. */
  moved(guildId: Snowflake, channel: ChannelInfo, isLeftOut: boolean): Promise<KvMutation[]>;
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
  const remembered = new Map<Snowflake, Known>();

  async function read(guildId: Snowflake): Promise<Known> {
    // In this order: what is changed in between is seen with the former stamp, and a commit that rests on it is refused.
    const { versionstamp: stamp } = await store.get(guildKey("exclusions", guildId));
    const before = remembered.get(guildId);
    if (before?.stamp === stamp) return before;
    const entries = await store.list({ prefix: ["exclusion", BigInt(guildId)] });
    const list: Exclusion[] = entries.flatMap((entry) => validated(exclusionSchema, entry, logger) ?? []);
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
    remembered.set(guildId, fresh);
    return fresh;
  }

  /** What is stored of these channels, and of the channels above them. */
  async function known(guildId: Snowflake, channelIds: ReadonlySet<Snowflake>): Promise<Map<Snowflake, ChannelInfo>> {
    const found = new Map<Snowflake, ChannelInfo>();
    for (let asked = channelIds; asked.size > 0; ) {
      const entries = await store.getMany([...asked].map((id) => guildKey("channel", guildId, id)));
      for (const { value } of entries) {
        const { data } = channelSchema.safeParse(value);
        if (data !== undefined) found.set(data.id, data);
      }
      const parents = [...found.values()].flatMap(({ parentId }) => parentId ?? []);
      asked = new Set(parents.filter((id) => !found.has(id) && !asked.has(id)));
    }
    return found;
  }

  /** The exclusion of a channel, or of the channel or category that it is in. */
  function ofChannel(
    channels: Known["channels"],
    infos: ReadonlyMap<Snowflake, ChannelInfo>,
    ids: readonly (Snowflake | undefined)[],
  ): Exclusion | undefined {
    for (const id of ids) {
      if (id === undefined) continue;
      const info = infos.get(id);
      const parent = info?.parentId === undefined ? undefined : infos.get(info.parentId);
      for (const each of [id, info?.parentId, info?.categoryId, parent?.categoryId]) {
        const found = each === undefined ? undefined : channels.get(each);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** The channels in a category, and the threads in these or in a channel. */
  async function within(guildId: Snowflake, channelId: Snowflake): Promise<Snowflake[]> {
    const entries = await store.list({ prefix: ["channel", BigInt(guildId)] });
    const all = entries.flatMap(({ value }) => channelSchema.safeParse(value).data ?? []);
    const channels = all.filter(({ categoryId }) => categoryId === channelId).map(({ id }) => id);
    const above = new Set([channelId, ...channels]);
    return [
      ...channels,
      ...all.flatMap(({ id, parentId }) => (parentId !== undefined && above.has(parentId) ? [id] : [])),
    ];
  }

  const removalOf = (guildId: Snowflake, scope: RemovalScope) =>
    ({ type: "set", key: scopeKey("removal", guildId, scope), value: { ...scope } }) as const;
  const refetchOf = (guildId: Snowflake, scope: Exclusion) =>
    ({ type: "set", key: scopeKey("refetch", guildId, scope), value: { scope: { ...scope } } }) as const;

  async function beginWithin(guildId: Snowflake, channelId: Snowflake, except: readonly Snowflake[] = []) {
    const ids = (await within(guildId, channelId)).filter((id) => !except.includes(id));
    await store.commitGroups(ids.map((id) => [removalOf(guildId, { by: "channel", id })]));
    return ids;
  }

  async function change(guildId: Snowflake, mutations: readonly KvMutation[]): Promise<void> {
    await store.commit([...mutations, { type: "set", key: guildKey("exclusions", guildId), value: NOTHING }]);
  }

  return {
    async exclude(guildId, exclusion, more = []) {
      // More channels than one commit takes: the others' removals come first, and may be begun again.
      const begun = exclusion.by === "channel" ? await beginWithin(guildId, exclusion.id) : [];
      const standing = {
        type: "set",
        key: scopeKey("exclusion", guildId, exclusion),
        value: { ...exclusion },
      } as const;
      const { age } = await read(guildId);
      const isOlderStored =
        exclusion.by === "age" && age !== undefined && compareSnowflakes(exclusion.beforeId, age.beforeId) < 0;
      const calledOff = { type: "delete", key: scopeKey("refetch", guildId, exclusion) } as const;
      // A bound that moves on calls nothing off.
      const refetch = isOlderStored ? [refetchOf(guildId, exclusion)] : exclusion.by === "age" ? [] : [calledOff];
      await change(guildId, [standing, removalOf(guildId, exclusion), ...refetch, ...more]);
      // Those that have appeared meanwhile.
      if (exclusion.by === "channel") await beginWithin(guildId, exclusion.id, begun);
    },

    async include(guildId, exclusion, now, more = []) {
      const key = scopeKey("exclusion", guildId, exclusion);
      if ((await store.get(key)).versionstamp === null) return false;
      const removal = scopeKey("removal", guildId, exclusion);
      const underWay = exclusionSchema.safeParse((await store.get(removal)).value).data;
      // What an author writes from now on is to stay; what was to stay before, too.
      const bounded = underWay?.by === "author" && underWay.beforeId === undefined;
      const beforeId = snowflakeAt(now);
      await change(guildId, [
        { type: "delete", key },
        ...(bounded ? [{ type: "set", key: removal, value: { ...exclusion, beforeId } } as const] : []),
        ...(exclusion.by === "author" ? [] : [refetchOf(guildId, exclusion)]),
        ...more,
      ]);
      return true;
    },

    async channelsLeftOut(guildId, given) {
      const { stamp, channels } = await read(guildId);
      const check: AtomicCheck = { key: guildKey("exclusions", guildId), versionstamp: stamp };
      if (channels.size === 0) return { leftOut: new Set(), check };
      const parents = new Set(given.flatMap(({ parentId }) => parentId ?? []));
      const infos = new Map([...(await known(guildId, parents)), ...given.map((info) => [info.id, info] as const)]);
      const isLeftOut = ({ id, accessChannelId }: ChannelInfo) =>
        ofChannel(channels, infos, [id, accessChannelId]) !== undefined;
      return { leftOut: new Set(given.filter(isLeftOut).map(({ id }) => id)), check };
    },

    async moved(guildId, { id }, isLeftOut) {
      const scope = { by: "channel", id } as const;
      const bump = { type: "set", key: guildKey("exclusions", guildId), value: NOTHING } as const;
      if (!isLeftOut) return [refetchOf(guildId, scope), bump];
      await beginWithin(guildId, id);
      return [removalOf(guildId, scope), { type: "delete", key: scopeKey("refetch", guildId, scope) }, bump];
    },

    list: async (guildId) => (await read(guildId)).list,

    async concerning(guildId, records) {
      const { stamp, list, authors, channels, bots, age } = await read(guildId);
      const check: AtomicCheck = { key: guildKey("exclusions", guildId), versionstamp: stamp };
      const excluded = new Map<ArchivedRecord, Exclusion>();
      if (list.length === 0) return { excluded, check };
      const places = records.flatMap(({ channelId, accessChannelId }) => [channelId, accessChannelId]);
      const infos = channels.size === 0 ? new Map() : await known(guildId, new Set(places));
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
          ofChannel(channels, infos, [channelId, accessChannelId]) ??
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
