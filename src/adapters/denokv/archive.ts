// The archive on Deno KV: records, pending marks and what is remembered of guilds and channels. Removal of whole scopes is in
// removal.ts.

import { isDeepStrictEqual } from "node:util";
import type { KvKey, KvMutation } from "@deno/kv";
import type { z } from "zod";
import type {
  Archive,
  ArchivedRecord,
  DamagedRecord,
  Logger,
  PendingEntry,
  RecordKind,
  StoredRecord,
} from "../../ports.ts";
import {
  compareSnowflakes,
  FIRST_SNOWFLAKE,
  LAST_SNOWFLAKE,
  type Snowflake,
  snowflakeAfter,
  snowflakeBefore,
} from "../../snowflake.ts";
import {
  channelSchema,
  cursorSchema,
  recordToValue,
  settingsSchema,
  Undecodable,
  valueToRecord,
  whyInvalid,
} from "./codec.ts";
import {
  everything,
  guildKey,
  idOf,
  idOfIndexKey,
  indexKey,
  indexRange,
  markKey,
  recordKey,
  recordRange,
} from "./keys.ts";
import { createRemoval } from "./removal.ts";
import { CHECKS_PER_COMMIT, type Store } from "./store.ts";

/** Records looked up and committed together by `save`. */
const RECORDS_PER_SLICE = 200;

export function createArchive(store: Store, logger: Logger): Archive {
  const removal = createRemoval(store, logger);

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

  /** Stored values of these ids, which are in ascending order. Absent ids are absent. */
  async function storedValues(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]) {
    const found = new Map<Snowflake, unknown>();
    const [from, to] = [ids[0], ids.at(-1)];
    if (from === undefined || to === undefined) return found;
    // A look at the whole span is several times faster than asking for each key when the span is empty (a first import) or
    // dense (a repeated one). Where it holds much else, only its beginning is read.
    let unseen = ids;
    if (ids.length > CHECKS_PER_COMMIT) {
      const limit = ids.length * 2;
      const entries = await store.list(recordRange(guildId, kind, { from, to }), { limit });
      for (const { key, value } of entries) found.set(idOf(key), value);
      const last = entries.at(-1);
      const reached = entries.length < limit || last === undefined ? to : idOf(last.key);
      unseen = ids.filter((id) => compareSnowflakes(id, reached) > 0);
    }
    const entries = await store.getMany(unseen.map((id) => recordKey(guildId, kind, id)));
    for (const { key, value, versionstamp } of entries) if (versionstamp !== null) found.set(idOf(key), value);
    return found;
  }

  /** Everything that one record's commit writes. */
  function writesOf(guildId: Snowflake, record: ArchivedRecord, value: unknown, before: unknown, pending: boolean) {
    const { kind, id, channelId, authorId } = record;
    const writes: KvMutation[] = [];
    const known = before === undefined ? undefined : valueToRecord(kind, id, before);
    if (known !== undefined && "record" in known) {
      const old = known.record;
      if (old.channelId !== channelId) {
        writes.push({ type: "delete", key: indexKey("in", kind, guildId, old.channelId, id) });
      }
      if (old.authorId !== authorId) {
        writes.push({ type: "delete", key: indexKey("by", kind, guildId, old.authorId, id) });
      }
    }
    writes.push(
      { type: "set", key: recordKey(guildId, kind, id), value },
      { type: "set", key: indexKey("in", kind, guildId, channelId, id), value: NOTHING },
      { type: "set", key: indexKey("by", kind, guildId, authorId, id), value: NOTHING },
    );
    if (pending) writes.push({ type: "set", key: markKey("pending", guildId, kind, id), value: NOTHING });
    return writes;
  }

  async function get(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]) {
    const found = new Map<Snowflake, StoredRecord>();
    const entries = await store.getMany(ids.map((id) => recordKey(guildId, kind, id)));
    for (const { key, value, versionstamp } of entries) {
      if (versionstamp === null) continue;
      const read = valueToRecord(kind, idOf(key), value);
      if ("record" in read) found.set(read.record.id, read);
      else logger.warn("archive:damaged", { key: key.map(String).join("/"), reason: read.reason });
    }
    return found;
  }

  /** Records by id in the order of the ids; what vanished meanwhile is left out. */
  async function inOrder(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]) {
    const found = await get(guildId, kind, ids);
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  return {
    async save(guildId, records, { pending }) {
      const counts = { created: 0, changed: 0, same: 0 };
      async function* changes() {
        for (const { kind, records: slice } of slicesByKind(records)) {
          const stored = await storedValues(
            guildId,
            kind,
            slice.map((record) => record.id),
          );
          for (const record of slice) {
            const value = recordToValue(record);
            const before = stored.get(record.id);
            const outcome = before === undefined ? "created" : isDeepStrictEqual(before, value) ? "same" : "changed";
            counts[outcome] += 1;
            if (outcome !== "same") yield writesOf(guildId, record, value, before, pending);
          }
        }
      }
      await store.commitGroups(changes());
      return counts;
    },

    async remove(guildId, kind, ids) {
      return { removed: await removal.removeRecords(guildId, kind, ids, { pending: true }) };
    },
    beginRemoval: removal.begin,
    finishRemoval: removal.finish,
    unfinishedRemovals: removal.unfinished,

    get,

    async page(guildId, kind, { newestId, oldestId }, limit) {
      const records: StoredRecord[] = [];
      const damaged: DamagedRecord[] = [];
      if (compareSnowflakes(newestId, oldestId) < 0) return { records, damaged, nextNewestId: undefined };
      const range = recordRange(guildId, kind, { from: oldestId, to: newestId });
      const entries = await store.list(range, { limit, newestFirst: true });
      for (const { key, value } of entries) {
        const id = idOf(key);
        const read = valueToRecord(kind, id, value);
        if ("record" in read) records.push(read);
        else damaged.push({ kind, id, reason: read.reason });
      }
      const last = entries.at(-1);
      const more = entries.length >= limit && last !== undefined && idOf(last.key) !== oldestId;
      return { records, damaged, nextNewestId: more ? snowflakeBefore(idOf(last.key)) : undefined };
    },

    async neighbours(guildId, channelId, id, direction, limit) {
      const older = direction === "before";
      if (older && id === FIRST_SNOWFLAKE) return [];
      if (!older && id === LAST_SNOWFLAKE) return [];
      const range = older
        ? { from: everything.from, to: snowflakeBefore(id) }
        : { from: snowflakeAfter(id), to: everything.to };
      const keys = await store.list(indexRange("in", "message", guildId, channelId, range), {
        limit,
        newestFirst: older,
      });
      return inOrder(
        guildId,
        "message",
        keys.map(({ key }) => idOfIndexKey(key)),
      );
    },

    async notesOf(guildId, ownerId, limit) {
      const keys = await store.list(indexRange("by", "note", guildId, ownerId), { limit, newestFirst: true });
      return inOrder(
        guildId,
        "note",
        keys.map(({ key }) => idOfIndexKey(key)),
      );
    },

    async idsInChannel(guildId, channelId, { newestId, oldestId }) {
      if (compareSnowflakes(newestId, oldestId) < 0) return [];
      const range = indexRange("in", "message", guildId, channelId, { from: oldestId, to: newestId });
      return (await store.list(range, { newestFirst: true })).map(({ key }) => idOfIndexKey(key));
    },

    async markPending(guildId, kind, ids) {
      await store.commitGroups(
        ids.map((id) => [{ type: "set", key: markKey("pending", guildId, kind, id), value: NOTHING }]),
      );
    },

    async pending(guildId, limit) {
      const entries = await store.list({ prefix: ["pending", BigInt(guildId)] }, { limit });
      return entries.map(({ key, versionstamp }) => ({
        kind: key[2] === "note" ? "note" : "message",
        id: idOf(key),
        stamp: versionstamp,
      }));
    },

    async clearPending(guildId, entries) {
      const clear = async (some: readonly PendingEntry[]) => {
        const keys = some.map(({ kind, id }) => markKey("pending", guildId, kind, id));
        const checks = keys.map((key, place) => ({ key, versionstamp: some[place]?.stamp ?? null }));
        return store.commit(
          keys.map((key) => ({ type: "delete", key })),
          checks,
        );
      };
      for (let start = 0; start < entries.length; start += CHECKS_PER_COMMIT) {
        const some = entries.slice(start, start + CHECKS_PER_COMMIT);
        // One renewed mark refuses the commit of all ten: then each goes, or stays, by itself.
        if ((await clear(some)) === undefined) for (const entry of some) await clear([entry]);
      }
    },

    async saveChannels(guildId, channels) {
      const keys = channels.map((channel) => guildKey("channel", guildId, channel.id));
      const stored = await store.getMany(keys);
      const changed = channels.flatMap((channel, place): KvMutation[][] => {
        const [key, value] = [keys[place], { ...channel }];
        if (key === undefined || isDeepStrictEqual(stored[place]?.value, value)) return [];
        return [[{ type: "set", key, value }]];
      });
      await store.commitGroups(changed);
    },

    async channels(guildId) {
      const entries = await store.list({ prefix: ["channel", BigInt(guildId)] });
      return entries.flatMap((entry) => validated(channelSchema, entry) ?? []);
    },

    async cursor(guildId, channelId) {
      return validated(cursorSchema, await store.get(guildKey("cursor", guildId, channelId)));
    },

    async saveCursor(guildId, channelId, cursor) {
      await store.commit([{ type: "set", key: guildKey("cursor", guildId, channelId), value: { ...cursor } }]);
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
        // From guild to guild by their first key: one read each, however many records they have.
        for (let from = 0n; ; ) {
          const [entry] = await store.list(
            { start: [family, from], end: [family, BigInt(LAST_SNOWFLAKE) + 1n] },
            { limit: 1 },
          );
          if (entry === undefined) break;
          const guildId = BigInt(String(entry.key[1]));
          ids.add(guildId.toString());
          from = guildId + 1n;
        }
      }
      return [...ids].sort(compareSnowflakes);
    },
  };
}

const NOTHING = new Uint8Array(0);

/** Records apart by kind, in ascending order, in slices; of several with the same id the last. */
function* slicesByKind(records: readonly ArchivedRecord[]) {
  for (const kind of ["message", "note"] as const) {
    const latest = new Map<Snowflake, ArchivedRecord>();
    for (const record of records) if (record.kind === kind) latest.set(record.id, record);
    const ordered = [...latest.values()].sort((a, b) => compareSnowflakes(a.id, b.id));
    for (let start = 0; start < ordered.length; start += RECORDS_PER_SLICE) {
      yield { kind, records: ordered.slice(start, start + RECORDS_PER_SLICE) };
    }
  }
}
