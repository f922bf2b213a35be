// Where a tortured run keeps its archive and index: in a folder, or on remote engines that are tortured along with it.

import { cp, rm } from "node:fs/promises";
import type { StoresConfig } from "../../src/app/stores-config.ts";
import { startRemoteEngines } from "../engines/remote.ts";

/** How long an engine is away, at most: longer than any call waits now and then. Milliseconds. */
const AWAY_MS = 15_000;
const LONG_AWAY = 1 / 6;

export interface Place {
  /** Undefined: in the folder. */
  readonly stores: StoresConfig | undefined;
  /** From now on the engines are killed and stopped at random, if there are any. @returns how to end that; then all are well */
  disturb(random: () => number, meanMs: number): () => Promise<void>;
  /** How often they were. */
  faults(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** @param seed what it begins with */
export async function openFolder(seed: string, folder: string): Promise<Place> {
  await cp(seed, folder, { recursive: true });
  return {
    stores: undefined,
    disturb: () => async () => {},
    faults: () => ({}),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function openRemote(seed: string, folder: string): Promise<Place> {
  const engines = await startRemoteEngines(seed);
  const faults = new Map<string, number>();

  async function once(random: () => number, stopped: AbortSignal): Promise<void> {
    const name = random() < 0.5 ? "kv" : "objects";
    const isKill = random() < 0.5;
    const what = `${name} ${isKill ? "killed" : "stopped"}`;
    faults.set(what, (faults.get(what) ?? 0) + 1);
    if (isKill) await engines[name].kill();
    else engines[name].hang();
    await pause(random() < LONG_AWAY ? AWAY_MS : random() * 1_000, stopped);
    if (isKill) await engines[name].start();
    else engines[name].wake();
  }

  return {
    stores: engines.stores(folder),
    disturb(random, meanMs) {
      const stopped = new AbortController();
      const working = (async () => {
        for (;;) {
          await pause(-Math.log(1 - random()) * meanMs, stopped.signal);
          if (stopped.signal.aborted) return;
          await once(random, stopped.signal);
        }
      })();
      return async () => {
        stopped.abort();
        await working;
      };
    },
    faults: () => Object.fromEntries(faults),
    async close() {
      await engines.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stopped.addEventListener("abort", done);
    if (stopped.aborted) done();
  });
}
