// Deleting records: some by id, or a whole channel, author or guild. A scope's removal is remembered until it is finished, so a
// crash in between is taken up again. Every commit is bounded and leaves no half-removed record.

import type { AtomicCheck, KvEntry, KvListSelector, KvMutation } from "@deno/kv";
import type { ChannelInfo, RemovalScope, RemovedRecords } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ArchivedRecord, RecordKind } from "../../ports/records.ts";
import { compareSnowflakes, LAST_SNOWFLAKE, type Snowflake, snowflakeBefore } from "../../snowflake.ts";
import { createAuthored, type Found } from "./authored.ts";
import { channelSchema, removalSchema, valueToRecord, whyInvalid } from "./codec.ts";
import { type Exclusions, isSameScope } from "./exclusions.ts";
import { createKeyDeletion } from "./key-deletion.ts";
import {
  channelIndexKey,
  channelIndexRange,
  dayOf,
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
  scopeKey,
} from "./keys.ts";
import { deletionMark, NOTHING } from "./record-writes.ts";
import { CheckFailedError, type Store } from "./store.ts";

const KEYS_PER_ROUND = 500;

interface Step {
  readonly limit: number;
  /** Of every commit: the removal is still wanted as it is. */
  readonly checks: readonly AtomicCheck[];
}

interface StepOptions extends Step {
  readonly pending: boolean;
  only(record: ArchivedRecord): boolean;
}

export function createRemoval(store: Store, exclusions: Exclusions, logger: Logger) {
  const authored = createAuthored(store);
  const { removeAll, removeUnchanged } = createKeyDeletion(store);
  const marked = deletionMark();

  /**
   * Deletes records with all their keys. With `pending` each that existed leaves a mark, otherwise its mark goes too.
   * @param options.only leaves records alone of which this is not true: the key that led to them is out of date
   * @returns those removed
   */
  async function removeRecords(
    guildId: Snowflake,
    kind: RecordKind,
    ids: readonly Snowflake[],
    options: {
      readonly pending: boolean;
      readonly only?: (record: ArchivedRecord) => boolean;
      readonly checks?: readonly AtomicCheck[] | undefined;
    },
  ): Promise<RemovedRecords> {
    const { pending, only = () => true, checks } = options;
    const unique = [...new Set(ids)];
    const removed: Snowflake[] = [];
    const groups: KvMutation[][] = [];
    for (const { key, value, versionstamp } of await store.getMany(unique.map((id) => recordKey(guildId, kind, id)))) {
      if (versionstamp === null) continue;
      const id = idOf(key);
      const read = valueToRecord(kind, id, value);
      const record = "record" in read ? read.record : undefined;
      if (record !== undefined && !only(record)) continue;
      const mark = markKey("pending", guildId, kind, id);
      const group: KvMutation[] = [
        marked(guildId),
        { type: "delete", key },
        { type: "delete", key: markKey("quarantine", guildId, kind, id) },
        pending ? { type: "set", key: mark, value: NOTHING } : { type: "delete", key: mark },
      ];
      if (record !== undefined) {
        group.push({ type: "delete", key: channelIndexKey(kind, guildId, record.channelId, id) });
        if (kind === "note") group.push({ type: "delete", key: noteOwnerKey(guildId, record.authorId, id) });
      }
      groups.push(group);
      removed.push(id);
    }
    const stamps = await store.commitGroups(groups, checks);
    const marks = pending ? removed.map((id, place) => ({ kind, id, stamp: stamps[place] ?? "" })) : [];
    return { kind, ids: removed, marks };
  }

  /** Deletes the records that a range of keys leads to, and the keys. */
  async function* removeFound(
    guildId: Snowflake,
    kind: RecordKind,
    range: KvListSelector,
    { pending, only, limit, checks }: StepOptions,
  ): AsyncGenerator<RemovedRecords> {
    for (;;) {
      const found = await store.list(range, { limit });
      if (found.length === 0) return;
      const ids = found.map(({ key }) => idOfPackedKey(key));
      const removed = await removeRecords(guildId, kind, ids, { pending, only, checks });
      // What led to no such record is out of date, unless it was written anew meanwhile.
      const there = new Set(removed.ids);
      await removeUnchanged(found.filter(({ key }) => !there.has(idOfPackedKey(key))));
      if (removed.ids.length > 0) yield removed;
    }
  }

  async function* removeChannel(guildId: Snowflake, channelId: Snowflake, step: Step) {
    const only = (record: ArchivedRecord) => record.channelId === channelId;
    for (const kind of ["message", "note"] as const) {
      yield* removeFound(guildId, kind, channelIndexRange(kind, guildId, channelId), { pending: false, only, ...step });
    }
    const key = guildKey("channel", guildId, channelId);
    const info = channelSchema.safeParse((await store.get(key)).value).data as ChannelInfo | undefined;
    const isLeftOut = info && (await exclusions.channelsLeftOut(guildId, [info])).leftOut.has(channelId);
    await store.commit([
      // What is left out is remembered, without its name: for the threads in it, and for what is still to be written there.
      isLeftOut ? { type: "set", key, value: { ...info, name: channelId } } : { type: "delete", key },
      { type: "delete", key: guildKey("cursor", guildId, channelId) },
      { type: "delete", key: guildKey("reread", guildId, channelId) },
      { type: "delete", key: guildKey("complete", guildId, channelId) },
      { type: "delete", key: guildKey("out-of-reach", guildId, channelId) },
    ]);
  }

  /** Walks through all records of a kind, or those up to an id, and deletes some. */
  async function* removeAmong(
    guildId: Snowflake,
    kind: RecordKind,
    idsToGo: (found: readonly Found[]) => Promise<readonly Snowflake[]> | readonly Snowflake[],
    { limit, checks }: Step,
    to?: Snowflake,
  ): AsyncGenerator<RemovedRecords> {
    for await (const found of authored.walk(guildId, kind, limit, to)) {
      const removed = await removeRecords(guildId, kind, await idsToGo(found), { pending: true, checks });
      if (removed.ids.length > 0) yield removed;
    }
  }

  async function* removeAuthor(
    guildId: Snowflake,
    { id: authorId, beforeId = LAST_SNOWFLAKE }: RemovalScope & { readonly by: "author" },
    step: Step,
  ): AsyncGenerator<RemovedRecords> {
    const isTheirs = (by: Snowflake, id: Snowflake) => by === authorId && compareSnowflakes(id, beforeId) < 0;
    const only = (record: ArchivedRecord) => isTheirs(record.authorId, record.id);
    // Before the messages, which tell whose words they are.
    const isBefore = ({ id }: Found) => compareSnowflakes(id, beforeId) < 0;
    const saved = (notes: readonly Found[]) => authored.savedFrom(guildId, notes.filter(isBefore), isTheirs);
    yield* removeAmong(guildId, "note", saved, step);
    yield* removeFound(guildId, "note", noteOwnerRange(guildId, authorId, beforeId), { pending: false, only, ...step });
    const { limit, checks } = step;
    // Days hold few messages each: those of many days make one step.
    let found: Snowflake[] = [];
    let over: KvEntry<unknown>[] = [];
    async function* removeFoundByDays(): AsyncGenerator<RemovedRecords> {
      for (let at = 0; at < found.length; at += limit) {
        // The marks are for the rows of their neighbours, which carry their words.
        const removed = await removeRecords(guildId, "message", found.slice(at, at + limit), {
          pending: true,
          only,
          checks,
        });
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

  function removeScope(guildId: Snowflake, scope: RemovalScope, step: Step): AsyncGenerator<RemovedRecords> {
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

  /** As long as it is wanted: another bound may take its place meanwhile. */
  async function* removeInSteps(
    guildId: Snowflake,
    scope: RemovalScope,
    limit: number,
  ): AsyncGenerator<RemovedRecords> {
    const key = scopeKey("removal", guildId, scope);
    const { value, versionstamp } = await store.get(key);
    if (versionstamp !== null && !isSameScope(scope, value)) return;
    const checks = versionstamp === null ? [] : [{ key, versionstamp }];
    try {
      yield* removeScope(guildId, scope, { limit, checks });
    } catch (thrown) {
      if (!(thrown instanceof CheckFailedError)) throw thrown;
    }
  }

  async function removeGuild(guildId: Snowflake): Promise<number> {
    let records = 0;
    await store.commit([marked(guildId)]);
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
      const key = scopeKey("removal", guildId, scope);
      const { value, versionstamp } = await store.get(key);
      // Begun twice, it keeps its place in the order.
      if (versionstamp === null || !isSameScope(scope, value)) {
        await store.commit([{ type: "set", key, value: { ...scope } }]);
      }
    },

    removeInSteps,

    async finish(
      guildId: Snowflake,
      scope: RemovalScope,
    ): Promise<{ readonly removed: number; readonly isOver: boolean }> {
      const key = scopeKey("removal", guildId, scope);
      const { value, versionstamp } = await store.get(key);
      let removed = 0;
      if (scope.by === "guild") removed = await removeGuild(guildId);
      else for await (const { ids } of removeInSteps(guildId, scope, KEYS_PER_ROUND)) removed += ids.length;
      if (scope.by === "guild") {
        await removeAll({ prefix: ["removal", BigInt(guildId)] });
        return { removed, isOver: true };
      }
      // One that has taken its place goes on.
      const isOver =
        isSameScope(scope, value) &&
        (await store.commit([{ type: "delete", key }], [{ key, versionstamp }])) !== undefined;
      return { removed, isOver: isOver || versionstamp === null };
    },

    async unfinished(guildId: Snowflake): Promise<RemovalScope[]> {
      const entries = await store.list({ prefix: ["removal", BigInt(guildId)] });
      return entries
        .sort((a, b) => (a.versionstamp < b.versionstamp ? -1 : 1))
        .flatMap(({ key, value }) => {
          const parsed = removalSchema.safeParse(value);
          if (parsed.success) return [parsed.data as RemovalScope];
          logger.warn("archive:damaged", { key: key.map(String).join("/"), reason: whyInvalid(value, parsed.error) });
          return [];
        });
    },
  };
}
