// Deleting records: some by id, or a whole channel, author or guild. A scope's removal is remembered until it is finished, so a
// crash in between is taken up again. Every commit is bounded and leaves no half-removed record.

import type { KvListSelector, KvMutation } from "@deno/kv";
import type { RemovalScope } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ArchivedRecord, RecordKind } from "../../ports/records.ts";
import type { Snowflake } from "../../snowflake.ts";
import { removalSchema, valueToRecord, whyInvalid } from "./codec.ts";
import {
  channelIndexKey,
  channelIndexRange,
  dayOf,
  daysRange,
  guildFamilies,
  guildKey,
  idOf,
  idOfPackedKey,
  markKey,
  noteOwnerKey,
  noteOwnerRange,
  packedFamilies,
  packedOfGuild,
  recordKey,
  removalKey,
  unpackedId,
} from "./keys.ts";
import { NOTHING } from "./record-writes.ts";
import type { Store } from "./store.ts";

const KEYS_PER_ROUND = 500;

export function createRemoval(store: Store, logger: Logger) {
  /**
   * Deletes records with all their keys. With `pending` each that existed leaves a mark, otherwise its mark goes too.
   * @param options.only leaves records alone of which this is not true: the key that led to them is out of date
   * @returns the ids of those removed
   */
  async function removeRecords(
    guildId: Snowflake,
    kind: RecordKind,
    ids: readonly Snowflake[],
    options: { readonly pending: boolean; readonly only?: (record: ArchivedRecord) => boolean },
  ): Promise<Set<Snowflake>> {
    const { pending, only = () => true } = options;
    const unique = [...new Set(ids)];
    const removed = new Set<Snowflake>();
    const groups: KvMutation[][] = [];
    for (const { key, value, versionstamp } of await store.getMany(unique.map((id) => recordKey(guildId, kind, id)))) {
      if (versionstamp === null) continue;
      const id = idOf(key);
      const read = valueToRecord(kind, id, value);
      const record = "record" in read ? read.record : undefined;
      if (record !== undefined && !only(record)) continue;
      const mark = markKey("pending", guildId, kind, id);
      const group: KvMutation[] = [
        { type: "delete", key },
        { type: "delete", key: markKey("quarantine", guildId, kind, id) },
        pending ? { type: "set", key: mark, value: NOTHING } : { type: "delete", key: mark },
      ];
      if (record !== undefined) {
        group.push({ type: "delete", key: channelIndexKey(kind, guildId, record.channelId, id) });
        if (kind === "note") group.push({ type: "delete", key: noteOwnerKey(guildId, record.authorId, id) });
      }
      groups.push(group);
      removed.add(id);
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

  /** Deletes the records that a range of keys leads to, and the keys. */
  async function removeFound(
    guildId: Snowflake,
    kind: RecordKind,
    range: KvListSelector,
    only: (record: ArchivedRecord) => boolean,
  ): Promise<number> {
    for (let count = 0; ; ) {
      const found = await store.list(range, { limit: KEYS_PER_ROUND });
      if (found.length === 0) return count;
      const ids = found.map(({ key }) => idOfPackedKey(key));
      const removed = await removeRecords(guildId, kind, ids, { pending: false, only });
      count += removed.size;
      // What led to no such record is out of date, unless it was written anew meanwhile.
      for (const { key, versionstamp } of found) {
        if (!removed.has(idOfPackedKey(key))) await store.commit([{ type: "delete", key }], [{ key, versionstamp }]);
      }
    }
  }

  async function removeChannel(guildId: Snowflake, channelId: Snowflake): Promise<number> {
    let removed = 0;
    for (const kind of ["message", "note"] as const) {
      const range = channelIndexRange(kind, guildId, channelId);
      removed += await removeFound(guildId, kind, range, (record) => record.channelId === channelId);
    }
    await store.commit([
      { type: "delete", key: guildKey("channel", guildId, channelId) },
      { type: "delete", key: guildKey("cursor", guildId, channelId) },
      { type: "delete", key: guildKey("reread", guildId, channelId) },
      { type: "delete", key: guildKey("complete", guildId, channelId) },
    ]);
    return removed;
  }

  async function removeAuthor(guildId: Snowflake, authorId: Snowflake): Promise<number> {
    const isTheirs = (record: ArchivedRecord) => record.authorId === authorId;
    let removed = await removeFound(guildId, "note", noteOwnerRange(guildId, authorId), isTheirs);
    for (;;) {
      const days = await store.list(daysRange(guildId, authorId), { limit: KEYS_PER_ROUND });
      if (days.length === 0) return removed;
      for (const { key, versionstamp } of days) {
        const { channelId, range } = dayOf(key);
        const written = await store.list(channelIndexRange("message", guildId, channelId, range));
        const ids = written
          .filter(({ value }) => unpackedId(value) === authorId)
          .map((entry) => idOfPackedKey(entry.key));
        // The marks are for the rows of their neighbours, which carry their words.
        removed += (await removeRecords(guildId, "message", ids, { pending: true, only: isTheirs })).size;
        // A mark renewed meanwhile stands for a message saved meanwhile, and stays for the next round.
        await store.commit([{ type: "delete", key }], [{ key, versionstamp }]);
      }
    }
  }

  async function removeGuild(guildId: Snowflake): Promise<number> {
    let records = 0;
    for (const family of guildFamilies) {
      // The memory of the removal itself goes last, in `finish`.
      if (family === "removal") continue;
      const removed = await removeAll({ start: [family, BigInt(guildId)], end: [family, BigInt(guildId) + 1n] });
      if (family === "record" || family === "note") records += removed;
    }
    for (const family of packedFamilies) await removeAll(packedOfGuild(family, guildId));
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
      const removed = await (scope.by === "guild"
        ? removeGuild(guildId)
        : scope.by === "channel"
          ? removeChannel(guildId, scope.id)
          : removeAuthor(guildId, scope.id));
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
