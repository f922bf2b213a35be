// What the archive remembers of a guild beside its records: channels, cursors, settings; and which guilds there are.

import { isDeepStrictEqual } from "node:util";
import type { KvKey, KvMutation } from "@deno/kv";
import type { z } from "zod";
import type { ChannelInfo, GuildState } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import { compareSnowflakes, LAST_SNOWFLAKE, type Snowflake } from "../../snowflake.ts";
import {
  channelSchema,
  cursorSchema,
  idSchema,
  outOfReachSchema,
  recheckSchema,
  settingsSchema,
  validated,
} from "./codec.ts";
import type { Exclusions } from "./exclusions.ts";
import { channelIndexRange, guildKey, idOf, idOfPackedKey, markKey, recordKey } from "./keys.ts";
import { NOTHING } from "./record-writes.ts";
import { type Store, unlessOutdated } from "./store.ts";

export function createGuildState(store: Store, exclusions: Exclusions, logger: Logger): GuildState {
  async function read<T>(schema: z.ZodType<T>, key: KvKey): Promise<T | undefined> {
    return validated(schema, await store.get(key), logger);
  }

  /** What each channel and thread has of a family. */
  async function readAll<T>(schema: z.ZodType<T>, family: string, guildId: Snowflake): Promise<Map<Snowflake, T>> {
    const found = new Map<Snowflake, T>();
    for (const entry of await store.list({ prefix: [family, BigInt(guildId)] })) {
      const value = validated(schema, entry, logger);
      if (value !== undefined) found.set(idOf(entry.key), value);
    }
    return found;
  }

  async function write(key: KvKey, value: Snowflake | object): Promise<void> {
    await store.commit([{ type: "set", key, value: typeof value === "object" ? { ...value } : value }]);
  }

  /** From guild to guild by their first key: one read each, however many there are of it. */
  async function* guildsOf(family: string): AsyncGenerator<Snowflake> {
    for (let from = 0n; ; ) {
      const range = { start: [family, from], end: [family, BigInt(LAST_SNOWFLAKE) + 1n] };
      const [entry] = await store.list(range, { limit: 1 });
      if (entry === undefined) return;
      const guildId = BigInt(String(entry.key[1]));
      yield guildId.toString();
      from = guildId + 1n;
    }
  }

  /** Those of a thread that are stored: the one it began from, and the first in it. */
  async function messagesNamedBy(guildId: Snowflake, threadId: Snowflake): Promise<Snowflake[]> {
    const [origin, [first]] = await Promise.all([
      store.get(recordKey(guildId, "message", threadId)),
      store.list(channelIndexRange("message", guildId, threadId), { limit: 1 }),
    ]);
    return [...(origin.value === null ? [] : [threadId]), ...(first === undefined ? [] : [idOfPackedKey(first.key)])];
  }

  async function saveChannelsNow(guildId: Snowflake, given: readonly ChannelInfo[]): Promise<void> {
    const keys = given.map((channel) => guildKey("channel", guildId, channel.id));
    const [{ leftOut, check }, stored] = await Promise.all([
      exclusions.channelsLeftOut(guildId, given),
      store.getMany(keys),
    ]);
    // A thread's name is what a member wrote.
    const channels = given.map((each) => (leftOut.has(each.id) ? { ...each, name: each.id } : each));
    const changed = channels.flatMap((channel, place) => {
      const [key, value, before] = [keys[place], { ...channel }, stored[place]?.value];
      return key === undefined || isDeepStrictEqual(before, value) ? [] : [{ channel, key, value, before }];
    });
    const groups = changed.map(async ({ channel, key, value, before }): Promise<KvMutation[]> => {
      const isNamedAnew = channel.parentId !== undefined && !(isNamed(before) && before.name === channel.name);
      const named = isNamedAnew ? await messagesNamedBy(guildId, channel.id) : [];
      // Whoever stores its first message at this moment may still have read the former name.
      const carriers = isNamedAnew && isNamed(before) ? [channel.id, ...named] : named;
      const marks = [...new Set(carriers)].map((id) => markKey("pending", guildId, "message", id));
      return [
        { type: "set", key, value },
        ...marks.map((mark) => ({ type: "set", key: mark, value: NOTHING }) as const),
        ...(await moves(guildId, channel, before, leftOut.has(channel.id))),
      ];
    });
    await store.commitGroups(await Promise.all(groups), [check]);
  }

  /** @param before what was stored of the channel */
  async function moves(guildId: Snowflake, channel: ChannelInfo, before: unknown, isLeftOut: boolean) {
    const former = channelSchema.safeParse(before).data;
    if (former === undefined || former.categoryId === channel.categoryId) return [];
    const wasLeftOut = (await exclusions.channelsLeftOut(guildId, [former])).leftOut.has(former.id);
    return wasLeftOut === isLeftOut ? [] : await exclusions.moved(guildId, channel, isLeftOut);
  }

  return {
    // Again when what is left out has been changed meanwhile.
    saveChannels: (guildId, channels) => unlessOutdated(() => saveChannelsNow(guildId, channels)),

    async channels(guildId, range) {
      const all = { prefix: ["channel", BigInt(guildId)] };
      const some = range && {
        start: guildKey("channel", guildId, range.oldestId),
        end: guildKey("channel", guildId, BigInt(range.newestId) + 1n),
      };
      const entries = await store.list(some ?? all);
      return entries.flatMap((entry) => validated(channelSchema, entry, logger) ?? []);
    },

    channel: (guildId, channelId) => read(channelSchema, guildKey("channel", guildId, channelId)),
    cursor: (guildId, channelId) => read(cursorSchema, guildKey("cursor", guildId, channelId)),
    saveCursor: (guildId, channelId, cursor) => write(guildKey("cursor", guildId, channelId), cursor),
    cursors: (guildId) => readAll(cursorSchema, "cursor", guildId),
    recheckCursor: (guildId, channelId) => read(recheckSchema, guildKey("reread", guildId, channelId)),
    saveRecheckCursor: (guildId, channelId, cursor) => write(guildKey("reread", guildId, channelId), cursor),
    outOfReach: (guildId) => readAll(outOfReachSchema, "out-of-reach", guildId),

    async saveOutOfReach(guildId, channelId, state) {
      const key = guildKey("out-of-reach", guildId, channelId);
      if (state === undefined) await store.commit([{ type: "delete", key }]);
      else await write(key, state);
    },

    completeTo: (guildId) => readAll(idSchema, "complete", guildId),

    async saveCompleteTo(guildId, channelId, id) {
      const key = guildKey("complete", guildId, channelId);
      const before = await read(idSchema, key);
      if (before === undefined || compareSnowflakes(before, id) < 0) await write(key, id);
    },

    listenedSince: (guildId) => read(idSchema, guildKey("listened-since", guildId)),
    saveListenedSince: (guildId, id) => write(guildKey("listened-since", guildId), id),
    settings: async (guildId) => (await read(settingsSchema, guildKey("settings", guildId))) ?? {},
    saveSettings: (guildId, settings) => write(guildKey("settings", guildId), settings),

    async guilds() {
      const ids = new Set<Snowflake>();
      // A removal counts too, so that one that stopped half-way is found and taken up again.
      for (const family of ["record", "note", "settings", "run", "removal"]) {
        for await (const guildId of guildsOf(family)) ids.add(guildId);
      }
      return [...ids].sort(compareSnowflakes);
    },

    async marked() {
      const ids = new Set<Snowflake>();
      for (const family of ["pending", "removal"]) for await (const guildId of guildsOf(family)) ids.add(guildId);
      return [...ids];
    },
  };
}

function isNamed(value: unknown): value is { readonly name: unknown } {
  return typeof value === "object" && value !== null && "name" in value;
}
