// The thread in which the caching server runs: requests by the hundred must not hold up the event loop that answers Discord.

import { parentPort, workerData } from "node:worker_threads";
import type { ObjectStore } from "../object-store.ts";
import { type BlockLimits, openBlockCache } from "./blocks.ts";
import { createCachedObjects } from "./cached-objects.ts";
import { createCachingServer } from "./server.ts";
import { createUpstream } from "./upstream.ts";

export interface CachingOrder {
  readonly store: ObjectStore;
  readonly folder: string;
  readonly limits: BlockLimits;
  readonly secret: string;
  /** 0: any that is free. */
  readonly port: number;
}
export interface CachingBegun {
  readonly port: number;
}

const SWEEPS = 16;
const SWEEP_AT_LEAST_MS = 1_000;
const SWEEP_AT_MOST_MS = 10 * 60_000;

const { store, folder, limits, secret, port } = workerData as CachingOrder;
const blocks = openBlockCache(folder, limits);
const upstream = createUpstream(store);
const server = createCachingServer(upstream, createCachedObjects(upstream, blocks), secret);
server.keepAliveTimeout = 60_000;
setInterval(blocks.sweep, Math.max(SWEEP_AT_LEAST_MS, Math.min(SWEEP_AT_MOST_MS, limits.keepMs / SWEEPS)));
server.listen(port, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") {
    parentPort?.postMessage({ port: address.port } satisfies CachingBegun);
  }
});
