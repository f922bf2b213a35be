// Keeps to a server's limits of requests and tokens, as they were set or as it tells them: whoever can wait does so before a request is
// sent, and a share is kept for those who cannot. Knows nothing of what is sent.

import type { Clock } from "../ports/clock.ts";
import type { Quota } from "../ports/embedder.ts";

/** Of each limit, for searches and live messages: a backfill leaves it alone. */
export const KEPT_SHARE = 0.2;
const MINUTE_MS = 60_000;

/** What a request takes. */
export interface Draw {
  readonly requests: number;
  readonly tokens: number;
}

export interface RateLimits {
  /**
   * Resolves when there is room, which is then taken; at once without limits.
   * @param kept the share that must be left afterwards, 0 to 1
   */
  take(draw: Draw, kept: number, signal?: AbortSignal): Promise<void>;
  /** Takes without waiting: it may leave less than nothing. */
  takeAtOnce(draw: Draw): void;
  /** What the server says is left. */
  told(quotas: { readonly requests?: Quota | undefined; readonly tokens?: Quota | undefined }): void;
  /** How long whoever keeps that share has to wait for a request at the moment. Milliseconds. */
  waitMs(kept: number): number;
}

interface Bucket {
  capacity: number;
  level: number;
  perMs: number;
  at: number;
}

/** @param perMinute as set; undefined: as the server tells, or none */
export function createRateLimits(
  perMinute: { readonly requests?: number | undefined; readonly tokens?: number | undefined },
  clock: Pick<Clock, "elapsed" | "sleep">,
): RateLimits {
  const kinds = ["requests", "tokens"] as const;
  const buckets: { requests?: Bucket; tokens?: Bucket } = {};
  for (const kind of kinds) {
    const limit = perMinute[kind];
    if (limit !== undefined) {
      buckets[kind] = { capacity: limit, level: limit, perMs: limit / MINUTE_MS, at: clock.elapsed() };
    }
  }

  function refill(bucket: Bucket): Bucket {
    const now = clock.elapsed();
    bucket.level = Math.min(bucket.capacity, bucket.level + (now - bucket.at) * bucket.perMs);
    bucket.at = now;
    return bucket;
  }

  /** A draw that is larger than a limit waits until all of it is there. */
  function waitFor(draw: Draw, kept: number): number {
    return Math.max(
      ...kinds.map((kind) => {
        const bucket = buckets[kind];
        if (bucket === undefined) return 0;
        const { level, capacity, perMs } = refill(bucket);
        const lacking = Math.min(draw[kind] + kept * capacity, capacity) - level;
        return lacking <= 0 ? 0 : Math.ceil(lacking / perMs);
      }),
    );
  }

  function takeAtOnce(draw: Draw): void {
    for (const kind of kinds) {
      const bucket = buckets[kind];
      if (bucket !== undefined) refill(bucket).level -= draw[kind];
    }
  }

  return {
    takeAtOnce,
    async take(draw, kept, signal) {
      for (let ms = waitFor(draw, kept); ms > 0; ms = waitFor(draw, kept)) {
        // Not longer than a minute at a time: the server may have told something better meanwhile.
        await clock.sleep(Math.min(ms, MINUTE_MS), signal);
        signal?.throwIfAborted();
      }
      takeAtOnce(draw);
    },
    told(quotas) {
      for (const kind of kinds) {
        const quota = quotas[kind];
        if (quota === undefined) continue;
        const { limit, remaining, resetMs } = quota;
        // What has been used comes back until the reset; when that is not told, in a minute.
        const perMs =
          resetMs !== undefined && resetMs > 0 && remaining < limit ? (limit - remaining) / resetMs : limit / MINUTE_MS;
        const set = perMinute[kind];
        const told = { capacity: limit, level: remaining, perMs, at: clock.elapsed() };
        const own = buckets[kind];
        // What was set holds, unless the server leaves less.
        if (set === undefined || own === undefined) buckets[kind] = told;
        else own.level = Math.min(refill(own).level, remaining);
      }
    },
    waitMs: (kept) => waitFor({ requests: 1, tokens: 0 }, kept),
  };
}
