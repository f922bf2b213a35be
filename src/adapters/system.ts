// The machine we run on: memory (of the cgroup, where there is one), disk and whether it is encrypted, CPU load, and the clock.

import { readdir, readFile, realpath, stat, statfs } from "node:fs/promises";
import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
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

/** dm-crypt names its devices so: https://gitlab.com/cryptsetup/cryptsetup/-/wikis/FrequentlyAskedQuestions */
const CRYPT = /^CRYPT-/;
const ENCRYPTING = /^(ecryptfs|fuse\.(gocryptfs|encfs|cryfs|securefs))$/;
/** Volumes on volumes: LVM on RAID on LUKS is three. */
const MOST_LAYERS = 8;

/**
 * Whether a folder lies on an encrypted volume, where Linux tells: the device that is mounted there, or one that it is made of, is mapped by
 * dm-crypt; or its file system encrypts by itself. Anything else is not known: a disk, a host or another system may encrypt unseen.
 * @param system where the kernel's files are
 */
export async function volumeOf(
  folder: string,
  system: { readonly mounts: string; readonly block: string } = { mounts: "/proc/mounts", block: "/sys/block" },
): Promise<"encrypted" | "not-known"> {
  try {
    const mount = mountOf(await existing(folder), await readFile(system.mounts, "utf8"));
    if (mount === undefined) return "not-known";
    if (ENCRYPTING.test(mount.type)) return "encrypted";
    const device = basename(await realpath(mount.device).catch(() => mount.device));
    return (await isCrypt(await kernelName(device, system.block), system.block)) ? "encrypted" : "not-known";
  } catch {
    // Not Linux, or not for us to see.
    return "not-known";
  }
}

/** The folder itself, or the nearest one above it that exists, without links. */
async function existing(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? await realpath(folder) : await existing(dirname(folder));
}

/** The mount that a folder lies in: the longest path, and of the same path the latest. */
function mountOf(folder: string, mounts: string) {
  let found: { device: string; path: string; type: string } | undefined;
  for (const line of mounts.split("\n")) {
    const [device = "", path = "", type = ""] = line.split(" ").map(unescaped);
    const isAbove = path === "/" || folder === path || folder.startsWith(`${path}/`);
    if (path !== "" && isAbove && path.length >= (found?.path.length ?? 0)) found = { device, path, type };
  }
  return found;
}

/** Blanks and the like are written in octal there. */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** "dm-0" of "cryptdata": by the name that it is mapped to. */
async function kernelName(device: string, block: string): Promise<string> {
  for (const name of await readdir(block)) {
    const mapped = await readFile(join(block, name, "dm/name"), "utf8").catch(() => "");
    if (mapped.trim() === device) return name;
  }
  return device;
}

async function isCrypt(name: string, block: string, layers = MOST_LAYERS): Promise<boolean> {
  const uuid = await readFile(join(block, name, "dm/uuid"), "utf8").catch(() => "");
  if (CRYPT.test(uuid)) return true;
  if (layers === 0) return false;
  const below = await readdir(join(block, name, "slaves")).catch(() => []);
  // Of several, one in the clear is one too many.
  const each = await Promise.all(below.map((slave) => isCrypt(slave, block, layers - 1)));
  return each.length > 0 && each.every(Boolean);
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
    volume: async () => (folder === undefined ? "elsewhere" : await volumeOf(folder)),
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
