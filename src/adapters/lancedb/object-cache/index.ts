// A bounded cache, on this machine's disk, of what an object store holds of the index.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { toError } from "../../../errors.ts";
import { scriptBeside } from "../../../script-beside.ts";
import type { ObjectStore } from "../object-store.ts";
import type { BlockLimits } from "./blocks.ts";
import type { CachingBegun, CachingOrder } from "./worker.ts";

export interface CacheOptions extends BlockLimits {
  /** Made when missing. Processes may share it. */
  readonly folder: string;
  /** Told why there is no cache: then every read goes to the store. */
  onUnusable(reason: string): void;
}

export interface ObjectCache {
  /** The same objects, through the cache. */
  readonly store: ObjectStore;
  close(): Promise<void>;
}

const WORKER_URL = scriptBeside(import.meta.url, "worker");

/** After a thread that could not be started. */
const AGAIN_MS = 1_000;

export async function openObjectCache(store: ObjectStore, options: CacheOptions): Promise<ObjectCache> {
  const { folder, maxBytes, keepMs, onUnusable } = options;
  const secret = randomUUID();
  let isClosed = false;
  let worker: Worker;

  async function start(port: number): Promise<number> {
    const order: CachingOrder = { store, folder, limits: { maxBytes, keepMs }, secret, port };
    worker = new Worker(WORKER_URL, { name: "backscroll-object-cache", workerData: order, execArgv: [] });
    worker.unref();
    const [begun] = (await once(worker, "message")) as [CachingBegun];
    worker.on("error", () => undefined);
    // At the same address: requests fail until it is back, as they do when the store is away for a moment.
    worker.once("exit", () => void startAgain(begun.port));
    return begun.port;
  }

  async function startAgain(port: number): Promise<void> {
    while (!isClosed) {
      try {
        await start(port);
        return;
      } catch {
        await pause(AGAIN_MS, undefined, { ref: false });
      }
    }
  }

  const port = await start(0).catch((thrown: unknown) => {
    onUnusable(toError(thrown).message);
    return undefined;
  });
  if (port === undefined) return { store, close: async () => {} };
  return {
    store: { ...store, endpoint: `http://127.0.0.1:${port}/${secret}` },
    async close() {
      isClosed = true;
      await worker.terminate();
    },
  };
}
