// The machine we run on: memory (of the cgroup, where there is one), disk, CPU load, and the clock.

import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import type { Clock } from "../ports/clock.ts";
import type { SystemProbe } from "../ports/system.ts";

async function numberIn(path: string): Promise<number | undefined> {
  try {
    const value = Number((await readFile(path, "utf8")).trim());
    return Number.isFinite(value) ? value : undefined;
  } catch {
    // Not Linux, or another cgroup version: the machine's own figures serve.
    return undefined;
  }
}

async function statistic(path: string, name: string): Promise<number> {
  try {
    const line = (await readFile(path, "utf8")).split("\n").find((text) => text.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  } catch {
    return 0;
  }
}

/** Linux counts reclaimable page cache as used; MemAvailable does not. */
async function machineMemory(): Promise<{ usedBytes: number; limitBytes: number }> {
  const limitBytes = totalmem();
  try {
    const line = (await readFile("/proc/meminfo", "utf8")).split("\n").find((text) => text.startsWith("MemAvailable:"));
    const availableBytes = line === undefined ? freemem() : Number(line.replace(/\D/g, "")) * 1024;
    return { usedBytes: limitBytes - availableBytes, limitBytes };
  } catch {
    return { usedBytes: limitBytes - freemem(), limitBytes };
  }
}

/**
 * @param folder whose file system is watched; undefined: none, since nothing grows there
 * @param cgroup where the kernel tells of the control group we run in
 */
export function createSystemProbe(folder: string | undefined, cgroup = "/sys/fs/cgroup"): SystemProbe {
  return {
    async memory() {
      const machine = await machineMemory();
      const limitBytes = await numberIn(`${cgroup}/memory.max`);
      const usedBytes = await numberIn(`${cgroup}/memory.current`);
      if (limitBytes === undefined || usedBytes === undefined || limitBytes >= machine.limitBytes) return machine;
      const cacheBytes = await statistic(`${cgroup}/memory.stat`, "inactive_file");
      return { usedBytes: Math.max(0, usedBytes - cacheBytes), limitBytes };
    },
    async disk() {
      if (folder === undefined) return { freeBytes: Number.POSITIVE_INFINITY, totalBytes: Number.POSITIVE_INFINITY };
      const stats = await statfs(folder);
      return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize };
    },
    cpuLoad: () => (loadavg()[0] ?? 0) / availableParallelism(),
  };
}

/** The clock is looked at this often; ... */
const LOOK_EVERY_MS = 1_000;
/** ... a gap as long as this means that the process did not run: it was frozen, or its machine asleep. */
const ASLEEP_MS = 3_000;

/**
 * A clock whose `elapsed` and `sleep` count the time awake: whoever has waited a minute for an answer was there to hear it, and a
 * night with the lid closed is neither a hanging request nor a stalled run.
 */
export function createClock(monotonicMs: () => number = () => performance.now()): Clock {
  let asleepMs = 0;
  let lookedAtMs = monotonicMs();

  function elapsed(): number {
    const nowMs = monotonicMs();
    if (nowMs - lookedAtMs > ASLEEP_MS) asleepMs += nowMs - lookedAtMs;
    lookedAtMs = nowMs;
    return nowMs - asleepMs;
  }
  setInterval(elapsed, LOOK_EVERY_MS).unref();

  return {
    now: () => Date.now(),
    elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const dueMs = elapsed() + ms;
        let timer: NodeJS.Timeout;
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        const look = () => {
          const leftMs = dueMs - elapsed();
          if (leftMs <= 0) done();
          else timer = setTimeout(look, leftMs);
        };
        timer = setTimeout(look, ms);
        signal?.addEventListener("abort", done);
      }),
  };
}

export const systemClock = createClock();
