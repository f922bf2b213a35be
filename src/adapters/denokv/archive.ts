// The archive on Deno KV: records and their pending marks. Removal is in removal.ts, the rest of a guild in guild-state.ts.

import { isDeepStrictEqual } from "node:util";
import type { KvMutation } from "@deno/kv";
import { createTurns } from "../../async/turns.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Deed } from "../../ports/deeds.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ArchivedRecord, DamagedRecord, RecordKind, StoredRecord } from "../../ports/records.ts";
import { slices } from "../../slices.ts";
import { compareSnowflakes, type Snowflake, snowflakeBefore } from "../../snowflake.ts";
import { createAuthored } from "./authored.ts";
import { createChannelOrder } from "./channel-order.ts";
import { type RecordValue, recordToValue, valueToRecord } from "./codec.ts";
import { completions } from "./completions.ts";
import { createDeeds, deedMutation } from "./deeds.ts";
import { createExclusions } from "./exclusions.ts";
import { createGuildState } from "./guild-state.ts";
import { createKeyDeletion } from "./key-deletion.ts";
import { idOf, idOfPackedKey, markKey, noteOwnerRange, recordKey, recordRange } from "./keys.ts";
import { createReadings } from "./readings.ts";
import { createRecordWrites, NOTHING } from "./record-writes.ts";
import { createRemoval } from "./removal.ts";
import { type Store, unlessOutdated } from "./store.ts";

/** Records that `save` looks up together. */
const RECORDS_PER_SLICE = 2_000;
/** More ids than one read takes are looked for with a list. */
const KEYS_WORTH_A_LIST = 10;

export function createArchive(store: Store, logger: Logger): Archive {
  const readings = createReadings();
  const exclusions = createExclusions(store, logger);
  const removal = createRemoval(store, exclusions, logger);
  const { removeUnchanged } = createKeyDeletion(store);

  /** Stored values of these ids, which are in ascending order. Absent ids are absent. */
  async function storedValues(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]) {
    const found = new Map<Snowflake, unknown>();
    const [from, to] = [ids[0], ids.at(-1)];
    if (from === undefined || to === undefined) return found;
    // A look at the whole span is several times faster than asking for each key when the span is empty (a first import) or
    // dense (a repeated one). Where it holds much else, only its beginning is read.
    let unseen = ids;
    if (ids.length > KEYS_WORTH_A_LIST) {
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

  async function saveNow(guildId: Snowflake, records: readonly ArchivedRecord[], pending: boolean, completes: boolean) {
    const counts = { created: 0, changed: 0, same: 0 };
    const [{ excluded, check }, moves] = await Promise.all([
      exclusions.concerning(guildId, records),
      completes ? completions(store, guildId, records) : new Map<Snowflake, KvMutation>(),
    ]);
    const writes = createRecordWrites(guildId, pending);
    async function* changes() {
      for (const { kind, records: slice } of slicesByKind(records)) {
        const stored = await storedValues(
          guildId,
          kind,
          slice.map((record) => record.id),
        );
        for (const record of slice) {
          // What is written in a channel that is left out completes nothing: it is missing when the channel is no longer left out.
          const move = excluded.get(record)?.by === "channel" ? undefined : moves.get(record.id);
          const mutations = move ? [move] : [];
          if (!excluded.has(record)) {
            const value = recordToValue(record);
            const before = stored.get(record.id);
            const outcome = outcomeOf(record, value, before);
            counts[outcome] += 1;
            if (outcome !== "same") mutations.push(...writes(record, value, before));
          }
          if (mutations.length > 0) yield mutations;
        }
      }
    }
    await store.commitGroups(changes(), [check]);
    return counts;
  }

  const recorded = (guildId: Snowflake, deed: Deed | undefined) => (deed ? [deedMutation(guildId, deed)] : []);

  return {
    reading: readings.open,

    async save(guildId, records, { pending, asOf, completes = false }) {
      return readings.inTurn(guildId, () => {
        const current = asOf ? records.filter((each) => !readings.isOutdated(guildId, each, asOf)) : records;
        for (const kind of ["message", "note"] as const) {
          const ids = current.filter((each) => each.kind === kind).map(({ id }) => id);
          readings.noteIds(guildId, kind, ids, asOf);
        }
        // Again when another process has changed meanwhile what is to be stored: what has been by then is only the same.
        return unlessOutdated(() => saveNow(guildId, current, pending, completes));
      });
    },

    async remove(guildId, kind, ids, asOf) {
      return readings.inTurn(guildId, async () => {
        const current = asOf ? ids.filter((id) => !readings.isOutdated(guildId, { kind, id }, asOf)) : ids;
        readings.noteIds(guildId, kind, current, asOf);
        return { removed: (await removal.removeRecords(guildId, kind, current, { mark: "pending" })).ids.length };
      });
    },
    async beginRemoval(guildId, scope) {
      return readings.inTurn(guildId, () => {
        readings.noteScope(guildId, scope);
        return removal.begin(guildId, scope);
      });
    },
    removeInSteps: removal.removeInSteps,
    finishRemoval: removal.finish,
    unfinishedRemovals: removal.unfinished,

    // In turn with what is being saved: it is refused, or it is there to be removed.
    exclude: (guildId, exclusion, deed) =>
      readings.inTurn(guildId, () => exclusions.exclude(guildId, exclusion, recorded(guildId, deed))),
    include: (guildId, exclusion, now, deed) =>
      readings.inTurn(guildId, () => exclusions.include(guildId, exclusion, now, recorded(guildId, deed))),
    exclusions: exclusions.list,
    channelsLeftOut: async (guildId, channels) => (await exclusions.channelsLeftOut(guildId, channels)).leftOut,
    ...createDeeds(store),
    async admitted(guildId, records) {
      const { excluded } = await exclusions.concerning(guildId, records);
      return records.filter((record) => !excluded.has(record));
    },

    get,

    async page(guildId, kind, { newestId, oldestId }, limit) {
      const records: StoredRecord[] = [];
      const damaged: DamagedRecord[] = [];
      if (compareSnowflakes(newestId, oldestId) < 0) return { records, damaged, nextNewestId: undefined };
      const range = recordRange(guildId, kind, { from: oldestId, to: newestId });
      const entries = await store.list(range, { limit, newestFirst: true });
      const takeTurns = createTurns();
      for (const { key, value } of entries) {
        await takeTurns();
        const id = idOf(key);
        const read = valueToRecord(kind, id, value);
        if ("record" in read) records.push(read);
        else damaged.push({ kind, id, reason: read.reason });
      }
      const last = entries.at(-1);
      const more = entries.length >= limit && last !== undefined && idOf(last.key) !== oldestId;
      return { records, damaged, nextNewestId: more ? snowflakeBefore(idOf(last.key)) : undefined };
    },

    async notesOf(guildId, ownerId, limit) {
      const keys = await store.list(noteOwnerRange(guildId, ownerId), { limit, newestFirst: true });
      return inOrder(
        guildId,
        "note",
        keys.map(({ key }) => idOfPackedKey(key)),
      );
    },

    authored: createAuthored(store).of,
    ...createChannelOrder(store, (guildId, ids) => get(guildId, "message", ids)),

    async markPending(guildId, kind, ids) {
      const stamps = await store.commitGroups(
        ids.map((id) => [{ type: "set", key: markKey("pending", guildId, kind, id), value: NOTHING }]),
      );
      return ids.map((id, place) => ({ kind, id, stamp: stamps[place] ?? "" }));
    },

    async pending(guildId, limit) {
      const entries = await store.list({ prefix: ["pending", BigInt(guildId)] }, { limit, newestFirst: true });
      return entries.map(({ key, versionstamp }) => ({
        kind: key[2] === "note" ? "note" : "message",
        id: idOf(key),
        stamp: versionstamp,
      }));
    },

    clearPending: (guildId, marks) =>
      removeUnchanged(
        marks.map(({ kind, id, stamp }) => ({ key: markKey("pending", guildId, kind, id), versionstamp: stamp })),
      ),

    ...createGuildState(store, exclusions, logger),
  };
}

/** Records apart by kind, in ascending order, in slices; of several with the same id the last. */
function* slicesByKind(records: readonly ArchivedRecord[]) {
  for (const kind of ["message", "note"] as const) {
    const latest = new Map<Snowflake, ArchivedRecord>();
    for (const record of records) if (record.kind === kind) latest.set(record.id, record);
    const ordered = [...latest.values()].sort((a, b) => compareSnowflakes(a.id, b.id));
    for (const slice of slices(ordered, RECORDS_PER_SLICE)) yield { kind, records: slice };
  }
}

function outcomeOf(record: ArchivedRecord, value: RecordValue, before: unknown): "created" | "changed" | "same" {
  if (before === undefined) return "created";
  if (isDeepStrictEqual(before, value)) return "same";
  // An event that was on its way for long must not undo a later edit that has been read from Discord meanwhile.
  const read = valueToRecord(record.kind, record.id, before);
  return "record" in read && (read.record.editedAt ?? 0) > (record.editedAt ?? 0) ? "same" : "changed";
}
