// The quarantine on Deno KV.

import type { KvMutation } from "@deno/kv";
import type { Logger } from "../../ports/logger.ts";
import type { QuarantineEntry, QuarantineStore } from "../../ports/quarantine.ts";
import { compareSnowflakes, type Snowflake } from "../../snowflake.ts";
import { quarantineSchema, validated } from "./codec.ts";
import { markKey, markRange } from "./keys.ts";
import type { Store } from "./store.ts";

const MAX_REASON_LENGTH = 300;

export function createQuarantineStore(store: Store, logger: Logger): QuarantineStore {
  return {
    async add(guildId, entries) {
      await store.commitGroups(entries.map((entry) => [quarantineWrite(guildId, entry)]));
    },

    async list(guildId, kind, { newestId, oldestId }, limit) {
      if (compareSnowflakes(newestId, oldestId) < 0) return [];
      const range = markRange("quarantine", guildId, kind, { from: oldestId, to: newestId });
      const entries = await store.list(range, { limit, newestFirst: true });
      return entries.flatMap((entry) => validated(quarantineSchema, entry, logger, "quarantine:damaged") ?? []);
    },

    async release(guildId, kind, ids) {
      await store.commitGroups(ids.map((id) => [{ type: "delete", key: markKey("quarantine", guildId, kind, id) }]));
    },
  };
}

/** Also for commits that hold more than the entry. */
export function quarantineWrite(guildId: Snowflake, entry: QuarantineEntry): KvMutation {
  return {
    type: "set",
    key: markKey("quarantine", guildId, entry.kind, entry.id),
    value: { ...entry, reason: entry.reason.slice(0, MAX_REASON_LENGTH) },
  };
}
