// The record of who did what in a guild, and what is still to be fetched again because somebody has changed what is stored.

import type { KvMutation } from "@deno/kv";
import type { Archive } from "../../ports/archive.ts";
import type { Deed } from "../../ports/deeds.ts";
import { type Snowflake, snowflakeAt } from "../../snowflake.ts";
import { deedSchema, refetchSchema } from "./codec.ts";
import { createKeyDeletion } from "./key-deletion.ts";
import { guildKey, scopeKey } from "./keys.ts";
import type { Store } from "./store.ts";

/** An id's lower 22 bits, which keep deeds of the same millisecond apart. */
const SERIALS = 1 << 22;

export function deedMutation(guildId: Snowflake, deed: Deed): KvMutation {
  const serial = BigInt(snowflakeAt(deed.at)) + BigInt(Math.floor(Math.random() * SERIALS));
  return { type: "set", key: guildKey("deed", guildId, serial), value: { ...deed } };
}

export function createDeeds(
  store: Store,
): Pick<Archive, "addDeed" | "deeds" | "forgetDeeds" | "refetches" | "saveRefetch" | "finishRefetch"> {
  const { removeAll } = createKeyDeletion(store);
  return {
    async addDeed(guildId, deed) {
      await store.commit([deedMutation(guildId, deed)]);
    },

    async deeds(guildId, limit) {
      const entries = await store.list({ prefix: ["deed", BigInt(guildId)] }, { limit, newestFirst: true });
      return entries.flatMap(({ value }) => deedSchema.safeParse(value).data ?? []);
    },

    async forgetDeeds(guildId, before) {
      const prefix = ["deed", BigInt(guildId)];
      await removeAll({ start: [...prefix, 0n], end: [...prefix, BigInt(snowflakeAt(before))] });
    },

    async refetches(guildId) {
      const entries = await store.list({ prefix: ["refetch", BigInt(guildId)] });
      return entries.flatMap(({ value }) => refetchSchema.safeParse(value).data ?? []);
    },

    async saveRefetch(guildId, refetch) {
      const { key, versionstamp } = await store.get(scopeKey("refetch", guildId, refetch.scope));
      if (versionstamp === null) return;
      await store.commit([{ type: "set", key, value: { ...refetch } }], [{ key, versionstamp }]);
    },

    async finishRefetch(guildId, scope) {
      await store.commit([{ type: "delete", key: scopeKey("refetch", guildId, scope) }]);
    },
  };
}
