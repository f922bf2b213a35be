// How a commit is made. On a local file it has either happened or not. Over a network one that failed may have happened all the same,
// or happen later, when the server that hung goes on, and undo what was written since. So a remote commit also checks a
// key of this process, the fence. It is moved after each commit whose fate is unknown, before anything else is written: from then on
// that one has either landed, or never will.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { AtomicCheck, Kv, KvMutation } from "@deno/kv";

/** One atomic commit. @returns its versionstamp, or undefined when a check failed */
export type Commit = (mutations: readonly KvMutation[], checks: readonly AtomicCheck[]) => Promise<string | undefined>;

/** A fence that nobody moves any more goes away by itself, ... */
const FENCE_KEPT_MS = 30 * 24 * 3_600_000;
/** ... so one that is in use is moved in time. */
const FENCE_MOVED_MS = 24 * 3_600_000;

/**
 * A commit with checks reads first, and SQLite refuses it at once when another process commits before it writes; without, it would wait
 * for its turn. Nothing has been written then, so it is tried again for as long as SQLite itself would wait.
 */
const LOCKED_FOR_MS = 5_000;
const LOCKED_AGAIN_MS = 10;

/** On a local file. */
export function waitingForTurn(commit: Commit): Commit {
  return async (mutations, checks) => {
    const giveUpAt = performance.now() + LOCKED_FOR_MS;
    for (;;) {
      try {
        return await commit(mutations, checks);
      } catch (thrown) {
        const isLocked = thrown instanceof Error && /database is locked/i.test(thrown.message);
        if (!isLocked || checks.length === 0 || performance.now() > giveUpAt) throw thrown;
        await pause(LOCKED_AGAIN_MS * (1 + Math.random()));
      }
    }
  };
}

export function committing(kv: Kv): Commit {
  return async (mutations, checks) => {
    const atomic = kv.atomic().check(...checks);
    const result = await atomic.mutate(...mutations).commit();
    return result.ok ? result.versionstamp : undefined;
  };
}

export function fenced(kv: Kv): Commit {
  const commit = committing(kv);
  const key = ["fence", randomUUID()];
  /** Where the fence stands; undefined: unknown, or to be moved. */
  let current: Promise<AtomicCheck> | undefined;
  let movedAt = 0;

  async function move(): Promise<AtomicCheck> {
    const { versionstamp } = await kv.set(key, 0, { expireIn: FENCE_KEPT_MS });
    movedAt = performance.now();
    return { key, versionstamp };
  }

  async function isWhereWeThink(fence: AtomicCheck): Promise<boolean> {
    return (await kv.get(key)).versionstamp === fence.versionstamp;
  }

  return async (mutations, checks) => {
    for (;;) {
      if (performance.now() - movedAt > FENCE_MOVED_MS) current = undefined;
      current ??= move();
      const used = current;
      const doubt = () => {
        if (current === used) current = undefined;
      };
      try {
        const fence = await used;
        const stamp = await commit(mutations, [fence, ...checks]);
        if (stamp !== undefined) return stamp;
        // Refused by what was asked to be checked, or by the fence, which another commit has moved meanwhile?
        if (current === used && (await isWhereWeThink(fence))) return undefined;
        doubt();
      } catch (thrown) {
        doubt();
        throw thrown;
      }
    }
  };
}
