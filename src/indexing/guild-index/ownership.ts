// Which guilds this process owns, for live indexing, upkeep and runs alike. It is there, in the archive, for as long as it says so in
// time; the guilds it has taken are its own meanwhile. When it has been silent too long, others end its heartbeat and take them.

import { every } from "../../async/intervals.ts";
import { levelOf, toError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Heartbeat, Lease, OwnerStore } from "../../ports/owners.ts";
import type { Snowflake } from "../../snowflake.ts";

export const LEASE_MS = 15_000;
export const RENEW_EVERY_MS = 5_000;
/** A commit needs this much of the heartbeat left, so that it ends before another process may begin. */
const COMMIT_MARGIN_MS = 3_000;

export interface Ownership {
  /** Starts to own guilds, or to wait until their owners let go. Resolves after the first attempt. */
  claim(...guildIds: readonly Snowflake[]): Promise<void>;
  /** Gives a guild up. */
  release(guildId: Snowflake): Promise<void>;
  /** Our lease, if we hold one that is still good. */
  lease(guildId: Snowflake): Lease | undefined;
  /** True while there is enough time left to begin a commit. */
  mayCommit(guildId: Snowflake): boolean;
  /** Who holds a guild that we claim but do not own. */
  heldElsewhere(guildId: Snowflake): string | undefined;
  /** Which other process a guild is of at this moment, claimed or not. */
  ownerElsewhere(guildId: Snowflake): Promise<string | undefined>;
  /** @returns how to stop listening */
  onChange(listener: (guildId: Snowflake, change: "acquired" | "lost") => void): () => void;
  /** Gives everything up. */
  stop(): Promise<void>;
}

/** @param holder names this process to people, e.g. "host, process 123" */
export function createOwnership(store: OwnerStore, holder: string, clock: Clock, logger: Logger): Ownership {
  let heartbeat: Heartbeat | undefined;
  const claimed = new Map<Snowflake, Lease | undefined>();
  const others = new Map<Snowflake, string>();
  const listeners = new Set<(guildId: Snowflake, change: "acquired" | "lost") => void>();
  /** Heartbeats that claim to last longer than any does: since when they have been seen so, and as lasting until when. */
  const doubted = new Map<string, { readonly expiresAt: number; readonly sinceMs: number }>();
  const stopped = new AbortController();
  let staying: Promise<void> | undefined;
  let taking: Promise<void> = Promise.resolve();
  let attempts = 0;

  const isThere = (marginMs: number) => heartbeat !== undefined && heartbeat.expiresAt - clock.now() > marginMs;
  /** Whether it is good is another question. */
  const leaseOf = (guildId: Snowflake) => {
    const lease = claimed.get(guildId);
    return lease?.heartbeatId === heartbeat?.id ? lease : undefined;
  };

  function tell(guildIds: readonly Snowflake[], change: "acquired" | "lost") {
    if (guildIds.length === 0) return;
    logger.info(`guilds:${change}`, { guilds: guildIds.length, guildIds: guildIds.slice(0, 5) });
    for (const guildId of guildIds) for (const listener of listeners) listener(guildId, change);
  }

  async function startOrBeat(): Promise<void> {
    const before = heartbeat;
    if (before === undefined) {
      if (claimed.size > 0) heartbeat = await store.start(holder, clock.now(), LEASE_MS);
      return;
    }
    const ours = [...claimed.keys()].filter((guildId) => leaseOf(guildId) !== undefined);
    heartbeat = await store.beat(before, clock.now(), LEASE_MS);
    if (heartbeat === undefined) {
      tell(ours, "lost");
      heartbeat = await store.start(holder, clock.now(), LEASE_MS);
    } else if (before.expiresAt <= clock.now() && isThere(0)) {
      // This process slept and nobody took over: what was left in the meantime must be taken up again.
      tell(ours, "acquired");
    }
  }

  /** Once at a time: two would appear twice. */
  function stayPresent(): Promise<void> {
    staying ??= startOrBeat().finally(() => {
      staying = undefined;
    });
    return staying;
  }

  /**
   * Its process's clock is, or was, ahead of ours: by that alone nobody knows whether it lives. If it does, it prolongs its heartbeat
   * in time; one that has stayed the same for as long as a lease lasts is dead, and what it holds is taken at the next attempt.
   */
  async function doubt(by: Heartbeat): Promise<void> {
    if (by.expiresAt <= clock.now() + LEASE_MS) return void doubted.delete(by.id);
    const seen = doubted.get(by.id);
    if (seen?.expiresAt !== by.expiresAt) {
      doubted.set(by.id, { expiresAt: by.expiresAt, sinceMs: clock.elapsed() });
    } else if (clock.elapsed() - seen.sinceMs > LEASE_MS) {
      logger.warn("heartbeat:not-believed", { holder: by.holder, aheadMs: by.expiresAt - clock.now() });
      await store.endSilent(by);
      doubted.delete(by.id);
    }
  }

  async function take(): Promise<void> {
    const missing = [...claimed.keys()].filter((guildId) => leaseOf(guildId) === undefined);
    if (missing.length === 0) return;
    if (!isThere(0)) await stayPresent();
    if (heartbeat === undefined) return;
    const { taken, held } = await store.take(heartbeat, missing, clock.now());
    for (const { guildId, by } of held) if (claimed.has(guildId)) others.set(guildId, by.holder);
    for (const by of new Map(held.map((each) => [each.by.id, each.by])).values()) await doubt(by);
    const unwanted = taken.filter(({ guildId }) => !claimed.has(guildId));
    const wanted = taken.filter(({ guildId }) => claimed.has(guildId));
    for (const lease of wanted) {
      others.delete(lease.guildId);
      claimed.set(lease.guildId, lease);
    }
    // If it has slept since: when it is there again, it says so.
    if (isThere(0)) {
      tell(
        wanted.map(({ guildId }) => guildId),
        "acquired",
      );
    }
    for (const lease of unwanted) await store.release(lease);
  }

  async function safely(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      // The heartbeat simply runs out if this goes on; commits stop before it does.
      logger[levelOf(thrown)]("lease:failed", { error: toError(thrown).message });
    }
  }

  /** One attempt after the other: taking ten thousand guilds must not keep the heartbeat from being prolonged meanwhile. */
  function takeInTurn(): Promise<void> {
    attempts += 1;
    taking = taking
      .then(() => safely(take))
      .finally(() => {
        attempts -= 1;
      });
    return taking;
  }

  const present = every(RENEW_EVERY_MS, clock, stopped.signal, async () => {
    await safely(stayPresent);
    if (attempts === 0) void takeInTurn();
  });

  return {
    async claim(...guildIds) {
      const fresh = guildIds.filter((guildId) => !claimed.has(guildId));
      for (const guildId of fresh) claimed.set(guildId, undefined);
      if (fresh.length > 0) await takeInTurn();
    },
    async release(guildId) {
      const lease = leaseOf(guildId);
      claimed.delete(guildId);
      others.delete(guildId);
      if (lease !== undefined) await store.release(lease);
    },
    lease: (guildId) => (isThere(0) ? leaseOf(guildId) : undefined),
    mayCommit: (guildId) => isThere(COMMIT_MARGIN_MS) && leaseOf(guildId) !== undefined,
    heldElsewhere: (guildId) => (leaseOf(guildId) === undefined ? others.get(guildId) : undefined),
    async ownerElsewhere(guildId) {
      const owner = await store.ownerOf(guildId);
      return owner === undefined || owner.id === heartbeat?.id || owner.expiresAt <= clock.now()
        ? undefined
        : owner.holder;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      stopped.abort();
      await present;
      await taking;
      const last = heartbeat;
      heartbeat = undefined;
      claimed.clear();
      if (last === undefined) return;
      // On a disk that is full, say, it runs out by itself: no reason not to stop.
      await store
        .end(last)
        .catch((thrown: unknown) => logger.warn("lease:not-released", { error: toError(thrown).message }));
    },
  };
}
