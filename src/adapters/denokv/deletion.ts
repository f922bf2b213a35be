// Deleting records with all their keys: some by id, or those of a channel, of an author, of bots, or that are too old. Every commit is
// bounded and leaves no half-removed record.

import type { AtomicCheck, KvEntry, KvListSelector, KvMutation } from "@deno/kv";
import type { ChannelInfo, RemovalScope } from "../../ports/archive.ts";
import type { ArchivedRecord, RecordKind } from "../../ports/records.ts";
import { slices } from "../../slices.ts";
import { compareSnowflakes, LAST_SNOWFLAKE, type Snowflake, snowflakeBefore } from "../../snowflake.ts";
import { createAuthored, type Found } from "./authored.ts";
import { channelSchema, valueToRecord } from "./codec.ts";
import type { Exclusions } from "./exclusions.ts";
import { createKeyDeletion } from "./key-deletion.ts";
import {
  channelIndexKey,
  channelIndexRange,
  dayOf,
  guildKey,
  idOf,
  idOfPackedKey,
  markKey,
  noteOwnerKey,
  noteOwnerRange,
  recordKey,
  scopeKey,
} from "./keys.ts";
import { deletionMark, NOTHING } from "./record-writes.ts";
import type { Store } from "./store.ts";

const KEYS_PER_ROUND = 500;

/** What tells that rows beside those of a removed record are not in order yet. */
type Mark = "pending" | "removing" | "none";

export interface DeletionStep {
  readonly limit: number;
  /** Of records that leave more than their own rows behind. */
  readonly mark: Mark;
  /** Of every commit: the removal is still wanted as it is. */
  readonly checks: readonly AtomicCheck[];
}

interface StepOptions extends DeletionStep {
  only(record: ArchivedRecord): boolean;
}

export interface DeletedRecords {
  readonly kind: RecordKind;
  readonly ids: readonly Snowflake[];
}

export function createDeletion(store: Store, exclusions: Exclusions) {
  const authored = createAuthored(store);
  const { removeUnchanged } = createKeyDeletion(store);
  const marked = deletionMark();

  /**
   * Deletes records with all their keys. Each that existed leaves the mark asked for; a pending mark of before goes.
   * @param options.only leaves records alone of which this is not true: the key that led to them is out of date
   * @returns those removed
   */
  async function removeRecords(
    guildId: Snowflake,
    kind: RecordKind,
    ids: readonly Snowflake[],
    options: {
      readonly mark: Mark;
      readonly only?: (record: ArchivedRecord) => boolean;
      readonly checks?: readonly AtomicCheck[];
    },
  ): Promise<DeletedRecords> {
    const { mark, only = () => true, checks } = options;
    const unique = [...new Set(ids)];
    const removed: Snowflake[] = [];
    const groups: KvMutation[][] = [];
    for (const { key, value, versionstamp } of await store.getMany(unique.map((id) => recordKey(guildId, kind, id)))) {
      if (versionstamp === null) continue;
      const id = idOf(key);
      const read = valueToRecord(kind, id, value);
      const record = "record" in read ? read.record : undefined;
      if (record !== undefined && !only(record)) continue;
      const pending = markKey("pending", guildId, kind, id);
      const group: KvMutation[] = [
        marked(guildId),
        { type: "delete", key },
        { type: "delete", key: markKey("quarantine", guildId, kind, id) },
        mark === "pending" ? { type: "set", key: pending, value: NOTHING } : { type: "delete", key: pending },
      ];
      if (mark === "removing") group.push({ type: "set", key: markKey(mark, guildId, kind, id), value: NOTHING });
      if (record !== undefined) {
        group.push({ type: "delete", key: channelIndexKey(kind, guildId, record.channelId, id) });
        if (kind === "note") group.push({ type: "delete", key: noteOwnerKey(guildId, record.authorId, id) });
      }
      groups.push(group);
      removed.push(id);
    }
    await store.commitGroups(groups, checks);
    return { kind, ids: removed };
  }

  /** Deletes the records that a range of keys leads to, and the keys. */
  async function* removeFound(
    guildId: Snowflake,
    kind: RecordKind,
    range: KvListSelector,
    { limit, ...options }: StepOptions,
  ): AsyncGenerator<DeletedRecords> {
    for (;;) {
      const found = await store.list(range, { limit });
      if (found.length === 0) return;
      const ids = found.map(({ key }) => idOfPackedKey(key));
      const removed = await removeRecords(guildId, kind, ids, options);
      // What led to no such record is out of date, unless it was written anew meanwhile.
      const there = new Set(removed.ids);
      await removeUnchanged(found.filter(({ key }) => !there.has(idOfPackedKey(key))));
      if (removed.ids.length > 0) yield removed;
    }
  }

  async function* removeChannel(guildId: Snowflake, channelId: Snowflake, step: DeletionStep) {
    const only = (record: ArchivedRecord) => record.channelId === channelId;
    for (const kind of ["message", "note"] as const) {
      yield* removeFound(guildId, kind, channelIndexRange(kind, guildId, channelId), { ...step, only, mark: "none" });
    }
    const key = guildKey("channel", guildId, channelId);
    const info = channelSchema.safeParse((await store.get(key)).value).data;
    const isLeftOut = info && (await exclusions.channelsLeftOut(guildId, [info])).leftOut.has(channelId);
    // What is left out is remembered, without its name: for the threads in it, and for what is still to be written there.
    if (info && isLeftOut) await store.commit([{ type: "set", key, value: { ...info, name: channelId } }]);
    else if (!info || !(await isToBeFetched(guildId, info))) await store.commit([{ type: "delete", key }]);
    await store.commit([
      { type: "delete", key: guildKey("cursor", guildId, channelId) },
      { type: "delete", key: guildKey("reread", guildId, channelId) },
      { type: "delete", key: guildKey("complete", guildId, channelId) },
      { type: "delete", key: guildKey("out-of-reach", guildId, channelId) },
    ]);
  }

  /** Taken in again meanwhile, by itself or with what it is in: whoever fetches it knows of it from here. */
  async function isToBeFetched(guildId: Snowflake, { id, parentId, categoryId }: ChannelInfo): Promise<boolean> {
    const { value } = parentId === undefined ? {} : await store.get(guildKey("channel", guildId, parentId));
    const above = channelSchema.safeParse(value).data?.categoryId;
    const places = [id, parentId, categoryId, above].filter((each) => each !== undefined);
    const keys = places.map((each) => scopeKey("refetch", guildId, { by: "channel", id: each }));
    return (await store.getMany(keys)).some(({ versionstamp }) => versionstamp !== null);
  }

  /** Walks through all records of a kind, or those up to an id, and deletes some. */
  async function* removeAmong(
    guildId: Snowflake,
    kind: RecordKind,
    idsToGo: (found: readonly Found[]) => Promise<readonly Snowflake[]> | readonly Snowflake[],
    { limit, ...options }: DeletionStep,
    to?: Snowflake,
  ): AsyncGenerator<DeletedRecords> {
    for await (const found of authored.walk(guildId, kind, limit, to)) {
      const removed = await removeRecords(guildId, kind, await idsToGo(found), options);
      if (removed.ids.length > 0) yield removed;
    }
  }

  async function* removeAuthor(
    guildId: Snowflake,
    { id: authorId, beforeId = LAST_SNOWFLAKE }: RemovalScope & { readonly by: "author" },
    step: DeletionStep,
  ): AsyncGenerator<DeletedRecords> {
    const isTheirs = (by: Snowflake, id: Snowflake) => by === authorId && compareSnowflakes(id, beforeId) < 0;
    const only = (record: ArchivedRecord) => isTheirs(record.authorId, record.id);
    // Before the messages, which tell whose words they are.
    const isBefore = ({ id }: Found) => compareSnowflakes(id, beforeId) < 0;
    const saved = (notes: readonly Found[]) => authored.savedFrom(guildId, notes.filter(isBefore), isTheirs);
    yield* removeAmong(guildId, "note", saved, step);
    yield* removeFound(guildId, "note", noteOwnerRange(guildId, authorId, beforeId), { ...step, only, mark: "none" });
    const { limit, ...options } = step;
    // Days hold few messages each: those of many days make one step.
    let found: Snowflake[] = [];
    let over: KvEntry<unknown>[] = [];
    async function* removeFoundByDays(): AsyncGenerator<DeletedRecords> {
      for (const some of slices(found, limit)) {
        // The marks are for the rows of their neighbours, which carry their words.
        const removed = await removeRecords(guildId, "message", some, { ...options, only });
        if (removed.ids.length > 0) yield removed;
      }
      await removeUnchanged(over);
      [found, over] = [[], []];
    }
    for await (const days of authored.days(guildId, authorId)) {
      for (const entry of days) {
        const day = dayOf(entry.key);
        if (compareSnowflakes(day.range.from, beforeId) >= 0) continue;
        found.push(...(await authored.idsOfDay(guildId, authorId, day)));
        // A day that is not over then stays marked.
        if (compareSnowflakes(day.range.to, beforeId) < 0) over.push(entry);
        if (found.length >= limit || over.length >= KEYS_PER_ROUND) yield* removeFoundByDays();
      }
    }
    yield* removeFoundByDays();
  }

  function removeScope(guildId: Snowflake, scope: RemovalScope, step: DeletionStep): AsyncGenerator<DeletedRecords> {
    switch (scope.by) {
      case "channel":
        return removeChannel(guildId, scope.id, step);
      case "author":
        return removeAuthor(guildId, scope, step);
      case "age":
        return removeAmong(guildId, "message", (all) => all.map(({ id }) => id), step, snowflakeBefore(scope.beforeId));
      case "bots": {
        const ofBots = (found: readonly Found[]) => found.filter(({ record }) => record?.bot).map(({ id }) => id);
        return removeAmong(guildId, "message", ofBots, step);
      }
      case "guild":
        throw new Error("a guild is removed at once");
    }
  }

  return { removeRecords, removeScope };
}
