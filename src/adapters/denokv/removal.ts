// The removal of a whole channel, author or guild, of bots' messages, or of what is too old. It is remembered until it is finished, and so
// is what its present step has deleted, so a crash in between is taken up again.

import type { AtomicCheck } from "@deno/kv";
import type { RemovalScope, RemovalStep } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import { removalSchema, validated } from "./codec.ts";
import { createDeletion, type DeletedRecords, type DeletionStep } from "./deletion.ts";
import { type Exclusions, isSameScope } from "./exclusions.ts";
import { createKeyDeletion } from "./key-deletion.ts";
import { guildFamilies, guildKey, idOf, markKey, packedFamilies, packedOfGuild, scopeKey } from "./keys.ts";
import { deletionMark, NOTHING } from "./record-writes.ts";
import { CheckFailedError, type Store } from "./store.ts";

const RECORDS_PER_ROUND = 500;

export function createRemoval(store: Store, exclusions: Exclusions, logger: Logger) {
  const { removeRecords, removeScope } = createDeletion(store, exclusions);
  const { removeAll } = createKeyDeletion(store);
  const marked = deletionMark();

  /**
   * Marks of a step need no stamps, as pending ones do: only a removal sets and clears them, and none but the latest that has taken it
   * up. So hundreds of them are cleared in one commit.
   */
  async function* removeInSteps(guildId: Snowflake, scope: RemovalScope, limit: number): AsyncGenerator<RemovalStep> {
    const marks = { prefix: ["removing", BigInt(guildId)] };
    try {
      const checks = await takeUp(guildId, scope);
      if (checks === undefined) return;
      const step = ({ kind, ids }: DeletedRecords, isLeftOver: boolean): RemovalStep => ({
        kind,
        ids,
        isLeftOver,
        async rewriting(others) {
          const keys = others.map((id) => markKey("removing", guildId, "message", id));
          await store.commitGroups(
            keys.map((key) => [{ type: "set", key, value: NOTHING }]),
            checks,
          );
        },
      });
      const left = await store.list(marks);
      for (const kind of ["message", "note"] as const) {
        const ids = left.filter(({ key }) => key[2] === kind).map(({ key }) => idOf(key));
        if (ids.length > 0) yield step({ kind, ids }, true);
      }
      await removeAll(marks, checks);
      for await (const removed of removeScope(guildId, scope, { limit, mark: "removing", checks })) {
        yield step(removed, false);
        await removeAll(marks, checks);
      }
    } catch (thrown) {
      if (!(thrown instanceof CheckFailedError)) throw thrown;
    }
  }

  /**
   * Whoever was at one of the guild's before, and does not know yet that they are another's now, commits nothing for it any more.
   * @returns what every commit for it is to check; undefined when another removal has taken its place
   * @throws CheckFailedError when it has just been replaced
   */
  async function takeUp(guildId: Snowflake, scope: RemovalScope): Promise<readonly AtomicCheck[] | undefined> {
    const { key, value, versionstamp } = await store.get(scopeKey("removal", guildId, scope));
    if (versionstamp !== null && !isSameScope(scope, value)) return undefined;
    const wanted = { key, versionstamp };
    const fence = guildKey("remover", guildId);
    const stamp = await store.commit([{ type: "set", key: fence, value: NOTHING }], [wanted]);
    if (stamp === undefined) throw new CheckFailedError("another removal has taken its place");
    return [wanted, { key: fence, versionstamp: stamp }];
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

    async finish(guildId: Snowflake, scope: RemovalScope): Promise<{ readonly removed: number }> {
      if (scope.by === "guild") {
        const removed = await removeGuild(guildId);
        await removeAll({ prefix: ["removal", BigInt(guildId)] });
        return { removed };
      }
      let removed = 0;
      try {
        const checks = await takeUp(guildId, scope);
        if (checks === undefined) return { removed };
        const step: DeletionStep = { limit: RECORDS_PER_ROUND, mark: "pending", checks };
        for await (const { ids } of removeScope(guildId, scope, step)) removed += ids.length;
        const left = await store.list({ prefix: ["removing", BigInt(guildId)] }, { limit: 1 });
        // A step that has not been finished is remembered with it.
        if (left.length > 0) return { removed };
        const over = checks.map(({ key }) => ({ type: "delete", key }) as const);
        await store.commit(over, checks);
      } catch (thrown) {
        if (!(thrown instanceof CheckFailedError)) throw thrown;
      }
      return { removed };
    },

    async unfinished(guildId: Snowflake): Promise<RemovalScope[]> {
      const entries = await store.list({ prefix: ["removal", BigInt(guildId)] });
      return entries
        .sort((a, b) => (a.versionstamp < b.versionstamp ? -1 : 1))
        .flatMap((entry) => validated(removalSchema, entry, logger) ?? []);
    },
  };
}
