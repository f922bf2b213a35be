// Deleting records: some by id, or a whole channel, author or guild. A scope's removal is remembered until it is finished, so a
// crash in between is taken up again. Every commit is bounded and leaves no half-removed record.

import type { KvListSelector, KvMutation } from "@deno/kv";
import type { Logger, RecordKind, RemovalScope } from "../../ports.ts";
import type { Snowflake } from "../../snowflake.ts";
import { removalSchema, valueToRecord, whyInvalid } from "./codec.ts";
import {
  guildFamilies,
  guildKey,
  idOfIndexKey,
  indexFamilies,
  indexKey,
  indexOfGuild,
  indexRange,
  markKey,
  recordKey,
  removalKey,
} from "./keys.ts";
import type { Store } from "./store.ts";

const KEYS_PER_ROUND = 500;

export function createRemoval(store: Store, logger: Logger) {
  /** Deletes records with all their keys. With `pending` each that existed leaves a mark, otherwise its mark goes too. */
  async function removeRecords(
    guildId: Snowflake,
    kind: RecordKind,
    ids: readonly Snowflake[],
    options: { readonly pending: boolean; readonly scope?: Exclude<RemovalScope, { by: "guild" }> },
  ): Promise<number> {
    const { pending, scope } = options;
    let removed = 0;
    const groups: KvMutation[][] = [];
    const unique = [...new Set(ids)];
    const entries = await store.getMany(unique.map((id) => recordKey(guildId, kind, id)));
    for (const [place, { key, value, versionstamp }] of entries.entries()) {
      const id = unique[place];
      if (id === undefined) continue;
      const deletions: KvMutation[] = [];
      if (scope !== undefined) {
        const index = scope.by === "channel" ? "in" : "by";
        deletions.push({ type: "delete", key: indexKey(index, kind, guildId, scope.id, id) });
      }
      const read = versionstamp === null ? undefined : valueToRecord(kind, id, value);
      const record = read !== undefined && "record" in read ? read.record : undefined;
      // An index key may be out of date: two processes saved a record at once, under different channels.
      const owner = scope?.by === "channel" ? record?.channelId : record?.authorId;
      const foreign = scope !== undefined && record !== undefined && owner !== scope.id;
      if (read !== undefined && !foreign) {
        removed += 1;
        deletions.push({ type: "delete", key }, { type: "delete", key: markKey("quarantine", guildId, kind, id) });
        if (record !== undefined) {
          deletions.push(
            { type: "delete", key: indexKey("in", kind, guildId, record.channelId, id) },
            { type: "delete", key: indexKey("by", kind, guildId, record.authorId, id) },
          );
        }
        const mark = markKey("pending", guildId, kind, id);
        deletions.push(pending ? { type: "set", key: mark, value: new Uint8Array(0) } : { type: "delete", key: mark });
      }
      groups.push(deletions);
    }
    await store.commitGroups(groups);
    return removed;
  }

  /** Deletes every key of a range. @returns how many there were */
  async function removeAll(range: KvListSelector): Promise<number> {
    for (let removed = 0; ; ) {
      const entries = await store.list(range, { limit: KEYS_PER_ROUND });
      if (entries.length === 0) return removed;
      await store.commitGroups(entries.map(({ key }) => [{ type: "delete", key }]));
      removed += entries.length;
    }
  }

  async function removeOwned(guildId: Snowflake, scope: Exclude<RemovalScope, { by: "guild" }>): Promise<number> {
    let removed = 0;
    for (const kind of ["message", "note"] as const) {
      const range = indexRange(scope.by === "channel" ? "in" : "by", kind, guildId, scope.id);
      for (;;) {
        const keys = await store.list(range, { limit: KEYS_PER_ROUND });
        if (keys.length === 0) break;
        const ids = keys.map(({ key }) => idOfIndexKey(key));
        removed += await removeRecords(guildId, kind, ids, { pending: false, scope });
      }
    }
    if (scope.by === "channel") {
      await store.commit([
        { type: "delete", key: guildKey("channel", guildId, scope.id) },
        { type: "delete", key: guildKey("cursor", guildId, scope.id) },
      ]);
    }
    return removed;
  }

  async function removeGuild(guildId: Snowflake): Promise<number> {
    let records = 0;
    for (const family of guildFamilies) {
      // The memory of the removal itself goes last, in `finish`.
      if (family === "removal") continue;
      const removed = await removeAll({ start: [family, BigInt(guildId)], end: [family, BigInt(guildId) + 1n] });
      if (family === "record" || family === "note") records += removed;
    }
    for (const family of indexFamilies) await removeAll(indexOfGuild(family, guildId));
    return records;
  }

  return {
    removeRecords,

    async begin(guildId: Snowflake, scope: RemovalScope): Promise<void> {
      const key = removalKey(guildId, scope);
      // Begun twice, it keeps its place in the order.
      await store.commit([{ type: "set", key, value: { ...scope } }], [{ key, versionstamp: null }]);
    },

    async finish(guildId: Snowflake, scope: RemovalScope): Promise<{ readonly removed: number }> {
      const removed = scope.by === "guild" ? await removeGuild(guildId) : await removeOwned(guildId, scope);
      if (scope.by === "guild") await removeAll({ prefix: ["removal", BigInt(guildId)] });
      else await store.commit([{ type: "delete", key: removalKey(guildId, scope) }]);
      return { removed };
    },

    async unfinished(guildId: Snowflake): Promise<RemovalScope[]> {
      const entries = await store.list({ prefix: ["removal", BigInt(guildId)] });
      return entries
        .sort((a, b) => (a.versionstamp < b.versionstamp ? -1 : 1))
        .flatMap(({ key, value }) => {
          const parsed = removalSchema.safeParse(value);
          if (parsed.success) return [parsed.data];
          logger.warn("archive:damaged", { key: key.map(String).join("/"), reason: whyInvalid(value, parsed.error) });
          return [];
        });
    },
  };
}
