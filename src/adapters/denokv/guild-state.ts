// What the archive remembers of a guild beside its records: channels, cursors, settings; and which guilds there are.

import { isDeepStrictEqual } from "node:util";
import type { KvKey, KvMutation } from "@deno/kv";
import type { z } from "zod";
import type { Archive, ChannelInfo, OutOfReach } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import { compareSnowflakes, LAST_SNOWFLAKE, type Snowflake } from "../../snowflake.ts";
import {
  channelSchema,
  cursorSchema,
  idSchema,
  outOfReachSchema,
  recheckSchema,
  settingsSchema,
  Undecodable,
  whyInvalid,
} from "./codec.ts";
import type { Exclusions } from "./exclusions.ts";
import { channelIndexRange, guildKey, idOf, idOfPackedKey, markKey, recordKey } from "./keys.ts";
import { NOTHING } from "./record-writes.ts";
import { CheckFailedError, type Store } from "./store.ts";

type GuildState = Pick<
  Archive,
  | "saveChannels"
  | "channels"
  | "channel"
  | "cursor"
  | "saveCursor"
  | "recheckCursor"
  | "saveRecheckCursor"
  | "outOfReach"
  | "saveOutOfReach"
  | "cursors"
  | "completeTo"
  | "saveCompleteTo"
  | "listenedSince"
  | "saveListenedSince"
  | "settings"
  | "saveSettings"
  | "guilds"
  | "marked"
>;

export function createGuildState(store: Store, exclusions: Exclusions, logger: Logger): GuildState {
  /** A small value read back; one that is damaged is reported and left out. */
  function validated<T>(schema: z.ZodType<T>, entry: { readonly key: KvKey; readonly value: unknown }): T | undefined {
    if (entry.value === null) return undefined;
    const parsed = schema.safeParse(entry.value);
    if (parsed.success && !(entry.value instanceof Undecodable)) return parsed.data;
    logger.warn("archive:damaged", {
      key: entry.key.map(String).join("/"),
      reason: whyInvalid(entry.value, parsed.error),
    });
    return undefined;
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
    const former = channelSchema.safeParse(before).data as ChannelInfo | undefined;
    if (former === undefined || former.categoryId === channel.categoryId) return [];
    const wasLeftOut = (await exclusions.channelsLeftOut(guildId, [former])).leftOut.has(former.id);
    return wasLeftOut === isLeftOut ? [] : await exclusions.moved(guildId, channel, isLeftOut);
  }

  return {
    async saveChannels(guildId, channels) {
      for (;;) {
        try {
          return await saveChannelsNow(guildId, channels);
        } catch (thrown) {
          // What is left out has been changed meanwhile.
          if (!(thrown instanceof CheckFailedError)) throw thrown;
        }
      }
    },

    async channels(guildId, range) {
      const all = { prefix: ["channel", BigInt(guildId)] };
      const some = range && {
        start: guildKey("channel", guildId, range.oldestId),
        end: guildKey("channel", guildId, BigInt(range.newestId) + 1n),
      };
      const entries = await store.list(some ?? all);
      return entries.flatMap((entry) => validated(channelSchema, entry) ?? []);
    },

    async channel(guildId, channelId) {
      return validated(channelSchema, await store.get(guildKey("channel", guildId, channelId)));
    },

    async cursor(guildId, channelId) {
      return validated(cursorSchema, await store.get(guildKey("cursor", guildId, channelId)));
    },

    async saveCursor(guildId, channelId, cursor) {
      await store.commit([{ type: "set", key: guildKey("cursor", guildId, channelId), value: { ...cursor } }]);
    },

    async recheckCursor(guildId, channelId) {
      return validated(recheckSchema, await store.get(guildKey("reread", guildId, channelId)));
    },

    async saveRecheckCursor(guildId, channelId, cursor) {
      await store.commit([{ type: "set", key: guildKey("reread", guildId, channelId), value: { ...cursor } }]);
    },

    async outOfReach(guildId) {
      const entries = await store.list({ prefix: ["out-of-reach", BigInt(guildId)] });
      return new Map(
        entries.flatMap((entry) => {
          const state = validated(outOfReachSchema, entry);
          return state === undefined ? [] : [[idOf(entry.key), state as OutOfReach] as const];
        }),
      );
    },

    async saveOutOfReach(guildId, channelId, state) {
      const key = guildKey("out-of-reach", guildId, channelId);
      await store.commit([state === undefined ? { type: "delete", key } : { type: "set", key, value: { ...state } }]);
    },

    async cursors(guildId) {
      const entries = await store.list({ prefix: ["cursor", BigInt(guildId)] });
      return new Map(
        entries.flatMap((entry) => {
          const cursor = validated(cursorSchema, entry);
          return cursor === undefined ? [] : [[idOf(entry.key), cursor] as const];
        }),
      );
    },

    async completeTo(guildId) {
      const entries = await store.list({ prefix: ["complete", BigInt(guildId)] });
      return new Map(
        entries.flatMap((entry) => {
          const id = validated(idSchema, entry);
          return id === undefined ? [] : [[idOf(entry.key), id] as const];
        }),
      );
    },

    async saveCompleteTo(guildId, channelId, id) {
      const entry = await store.get(guildKey("complete", guildId, channelId));
      const before = validated(idSchema, entry);
      if (before !== undefined && compareSnowflakes(before, id) >= 0) return;
      await store.commit([{ type: "set", key: entry.key, value: id }]);
    },

    async listenedSince(guildId) {
      return validated(idSchema, await store.get(guildKey("listened-since", guildId)));
    },

    async saveListenedSince(guildId, id) {
      await store.commit([{ type: "set", key: guildKey("listened-since", guildId), value: id }]);
    },

    async settings(guildId) {
      return validated(settingsSchema, await store.get(guildKey("settings", guildId))) ?? {};
    },

    async saveSettings(guildId, settings) {
      await store.commit([{ type: "set", key: guildKey("settings", guildId), value: { ...settings } }]);
    },

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
