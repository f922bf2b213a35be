// Deno KV with its limits kept and its errors translated, a local file and a remote one the same to everything above. How each is read is
// in reads.ts, how each commits in commits.ts.

import type { AtomicCheck, Kv, KvEntry, KvEntryMaybe, KvKey, KvListSelector, KvMutation } from "@deno/kv";
import { slices } from "../../slices.ts";
import type { Commit } from "./commits.ts";
import { mapErrors } from "./errors.ts";
import { sizeBound } from "./fit.ts";
import type { Reads } from "./reads.ts";

// https://docs.deno.com/deploy/kv/manual/transactions and the service itself: 10 keys a read, 10 checks, 1,000
// mutations and 819,200 bytes a commit. Commits of some hundred mutations are the fastest.
const KEYS_PER_READ = 10;
const MUTATIONS_PER_COMMIT = 600;
const BYTES_PER_COMMIT = 700_000;
const PARALLEL_READS = 4;

/** The most checks one commit takes; the tenth is the fence's. */
export const CHECKS_PER_COMMIT = 9;

/** What a commit rested on has changed. */
export class CheckFailedError extends Error {}

/** Does it again as long as what it rests on has changed meanwhile. */
export async function unlessOutdated<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof CheckFailedError)) throw thrown;
    }
  }
}

export interface Store {
  get(key: KvKey): Promise<KvEntryMaybe<unknown>>;
  /** Any number of keys; entries in their order. Only up to 10 keys are one consistent read. */
  getMany(keys: readonly KvKey[]): Promise<KvEntryMaybe<unknown>[]>;
  list(
    selector: KvListSelector,
    options?: { readonly limit?: number; readonly newestFirst?: boolean },
  ): Promise<KvEntry<unknown>[]>;
  /** One atomic commit. @returns its versionstamp, or undefined when a check failed */
  commit(mutations: readonly KvMutation[], checks?: readonly AtomicCheck[]): Promise<string | undefined>;
  /**
   * As few commits as the limits allow. A group is never split: its mutations are in one commit. A mutation object that is in
   * several groups is written once per commit.
   * @param checks of every commit
   * @returns the versionstamp of each group's commit, in their order
   * @throws CheckFailedError when a check failed: some of the commits may have been made
   */
  commitGroups(
    groups: Iterable<readonly KvMutation[]> | AsyncIterable<readonly KvMutation[]>,
    checks?: readonly AtomicCheck[],
  ): Promise<string[]>;
  /** Does something while no commit of this process is under way; those asked for meanwhile wait. */
  quietly<Result>(work: () => Promise<Result>): Promise<Result>;
  close(): void;
}

/** @param location the file or URL, for error messages */
export function createStore(kv: Kv, location: string, reads: Reads, commitTo: Commit): Store {
  // After a panic in its own thread (a damaged file) the library aborts the process when it is asked to close.
  let dead = false;
  const guarded = <T>(call: () => Promise<T>): Promise<T> =>
    mapErrors(location, call, () => {
      dead = true;
    });

  const readTen = (keys: readonly KvKey[]) => guarded(() => reads.getMany(keys));

  async function getMany(keys: readonly KvKey[]) {
    const entries: KvEntryMaybe<unknown>[] = [];
    for (const some of slices(slices(keys, KEYS_PER_READ), PARALLEL_READS)) {
      for (const read of await Promise.all(some.map(readTen))) entries.push(...read);
    }
    return entries;
  }

  /** Resolves when commits may be made. */
  let quiet: Promise<unknown> = Promise.resolve();
  const underWay = new Set<Promise<unknown>>();

  async function commit(mutations: readonly KvMutation[], checks: readonly AtomicCheck[] = []) {
    await quiet;
    const committing = guarded(() => commitTo(mutations, checks));
    const settled = committing.catch(() => undefined).finally(() => underWay.delete(settled));
    underWay.add(settled);
    return await committing;
  }

  return {
    get: (key) => guarded(() => kv.get(key)),
    getMany,
    list: (selector, { limit = Number.POSITIVE_INFINITY, newestFirst = false } = {}) =>
      guarded(async () => (limit <= 0 ? [] : await reads.list(selector, limit, newestFirst))),
    commit,
    async commitGroups(groups, checks = []) {
      const stamps: string[] = [];
      let mutations = new Set<KvMutation>();
      let bytes = 0;
      let ofGroups = 0;
      // One commit is written while the next is put together.
      let underWay: Promise<unknown> = Promise.resolve();
      const flush = async () => {
        await underWay;
        if (mutations.size === 0) return;
        const groupsOfIt = ofGroups;
        underWay = commit([...mutations], checks).then((stamp) => {
          if (stamp === undefined) throw new CheckFailedError("what was to be written has become out of date");
          for (let group = 0; group < groupsOfIt; group += 1) stamps.push(stamp);
        });
        // Its failure is thrown where it is awaited; until then it must not count as unhandled.
        underWay.catch(() => undefined);
        mutations = new Set();
        bytes = 0;
        ofGroups = 0;
      };
      try {
        for await (const group of groups) {
          const groupBytes = group.reduce((sum, one) => sum + 48 + (one.type === "set" ? sizeBound(one.value) : 0), 0);
          const full = mutations.size + group.length > MUTATIONS_PER_COMMIT || bytes + groupBytes > BYTES_PER_COMMIT;
          if (full) await flush();
          for (const mutation of group) mutations.add(mutation);
          bytes += groupBytes;
          ofGroups += 1;
        }
        await flush();
      } finally {
        await underWay;
      }
      return stamps;
    },
    async quietly(work) {
      const former = quiet;
      const { promise, resolve } = Promise.withResolvers<void>();
      quiet = promise;
      await former;
      try {
        while (underWay.size > 0) await Promise.all(underWay);
        return await work();
      } finally {
        resolve();
      }
    },
    close() {
      if (!dead) kv.close();
    },
  };
}
