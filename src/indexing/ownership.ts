// Which guilds this process owns. One process owns a guild for live indexing, upkeep and runs alike, by a lease in the archive
// that is renewed while the process lives and taken over when it has expired.

import { toError } from "../errors.ts";
import type { Clock, Lease, Logger, RunStore } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";

export const LEASE_MS = 15_000;
export const RENEW_EVERY_MS = 5_000;
/** A commit needs this much of the lease left, so that it ends before another process may begin. */
const COMMIT_MARGIN_MS = 3_000;

export interface Ownership {
  /** Starts to own a guild, or to wait until its owner lets go. Resolves after the first attempt. */
  claim(guildId: Snowflake): Promise<void>;
  /** Gives a guild up. */
  release(guildId: Snowflake): Promise<void>;
  /** Our lease, if we hold one that is still good. */
  lease(guildId: Snowflake): Lease | undefined;
  /** True while there is enough of the lease left to begin a commit. */
  mayCommit(guildId: Snowflake): boolean;
  /** Who holds a guild that we claim but do not own. */
  heldElsewhere(guildId: Snowflake): string | undefined;
  /** @returns how to stop listening */
  onChange(listener: (guildId: Snowflake, change: "acquired" | "lost") => void): () => void;
  /** Releases everything. */
  stop(): Promise<void>;
}

type LeaseStore = Pick<RunStore<unknown>, "acquireLease" | "renewLease" | "releaseLease">;

/** @param holder names this process to people, e.g. "host:pid:start" */
export function createOwnership(store: LeaseStore, holder: string, clock: Clock, logger: Logger): Ownership {
  const claimed = new Map<Snowflake, Lease | undefined>();
  const others = new Map<Snowflake, string>();
  const listeners = new Set<(guildId: Snowflake, change: "acquired" | "lost") => void>();
  const stopped = new AbortController();

  const isGood = (lease: Lease | undefined, marginMs: number): lease is Lease =>
    lease !== undefined && lease.expiresAt - clock.now() > marginMs;

  function tell(guildId: Snowflake, change: "acquired" | "lost") {
    logger.info(`guild:${change}`, { guildId });
    for (const listener of listeners) listener(guildId, change);
  }

  async function refresh(guildId: Snowflake): Promise<void> {
    const held = claimed.get(guildId);
    if (held !== undefined) {
      const hadLapsed = !isGood(held, 0);
      const renewed = await store.renewLease(held, clock.now(), LEASE_MS);
      if (!claimed.has(guildId)) return;
      claimed.set(guildId, renewed);
      if (renewed === undefined) tell(guildId, "lost");
      // This process slept and nobody took over: what was left in the meantime must be taken up again.
      else if (hadLapsed) tell(guildId, "acquired");
      return;
    }
    const answer = await store.acquireLease(guildId, holder, clock.now(), LEASE_MS);
    if (!claimed.has(guildId)) {
      if ("lease" in answer) await store.releaseLease(answer.lease);
      return;
    }
    if ("heldBy" in answer) {
      others.set(guildId, answer.heldBy.holder);
      return;
    }
    others.delete(guildId);
    claimed.set(guildId, answer.lease);
    tell(guildId, "acquired");
  }

  async function refreshSafely(guildId: Snowflake): Promise<void> {
    try {
      await refresh(guildId);
    } catch (thrown) {
      // The lease simply runs out if this goes on; commits stop before it does.
      logger.error("lease:failed", { guildId, error: toError(thrown).message });
    }
  }

  async function keepRenewing(): Promise<void> {
    while (!stopped.signal.aborted) {
      await clock.sleep(RENEW_EVERY_MS, stopped.signal);
      if (stopped.signal.aborted) return;
      await Promise.all([...claimed.keys()].map(refreshSafely));
    }
  }
  const renewing = keepRenewing();

  async function release(guildId: Snowflake): Promise<void> {
    const lease = claimed.get(guildId);
    claimed.delete(guildId);
    others.delete(guildId);
    if (lease !== undefined) await store.releaseLease(lease);
  }

  /** On a disk that is full, say, the lease runs out by itself: no reason not to stop. */
  async function releaseSafely(guildId: Snowflake): Promise<void> {
    try {
      await release(guildId);
    } catch (thrown) {
      logger.warn("lease:not-released", { guildId, error: toError(thrown).message });
    }
  }

  return {
    async claim(guildId) {
      if (claimed.has(guildId)) return;
      claimed.set(guildId, undefined);
      await refreshSafely(guildId);
    },
    release,
    lease(guildId) {
      const lease = claimed.get(guildId);
      return isGood(lease, 0) ? lease : undefined;
    },
    mayCommit: (guildId) => isGood(claimed.get(guildId), COMMIT_MARGIN_MS),
    heldElsewhere: (guildId) => (claimed.get(guildId) === undefined ? others.get(guildId) : undefined),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      stopped.abort();
      await renewing;
      await Promise.all([...claimed.keys()].map(releaseSafely));
    },
  };
}
