// Deleting many keys in bounded commits.

import type { AtomicCheck, KvListSelector } from "@deno/kv";
import { slices } from "../../slices.ts";
import { CHECKS_PER_COMMIT, type Store } from "./store.ts";

const KEYS_PER_ROUND = 500;

export function createKeyDeletion(store: Store) {
  /** Deletes every key of a range. @param checks of every commit @returns how many there were @throws CheckFailedError */
  async function removeAll(range: KvListSelector, checks: readonly AtomicCheck[] = []): Promise<number> {
    for (let removed = 0; ; ) {
      const entries = await store.list(range, { limit: KEYS_PER_ROUND });
      if (entries.length === 0) return removed;
      await store.commitGroups(
        entries.map(({ key }) => [{ type: "delete", key }]),
        checks,
      );
      removed += entries.length;
    }
  }

  /** Deletes keys, but none that has been written anew since it was read. */
  async function removeUnchanged(entries: readonly AtomicCheck[]): Promise<void> {
    const remove = (some: readonly AtomicCheck[]) =>
      store.commit(
        some.map(({ key }) => ({ type: "delete", key })),
        some,
      );
    for (const some of slices(entries, CHECKS_PER_COMMIT)) {
      // One that was renewed refuses the commit of all of them: then each goes, or stays, by itself.
      if ((await remove(some)) === undefined) for (const entry of some) await remove([entry]);
    }
  }

  return { removeAll, removeUnchanged };
}
