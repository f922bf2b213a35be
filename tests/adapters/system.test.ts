// What the machine says of itself, and what its control group does.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClock, createSystemProbe, systemClock } from "../../src/adapters/system.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-system-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function cgroup(files: Record<string, string>): Promise<string> {
  const path = join(folder, "cgroup");
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

describe("memory", () => {
  test("is that of the control group, less its page cache, where the group has a limit", async () => {
    const path = await cgroup({
      "memory.max": "536870912\n",
      "memory.current": "400000000\n",
      "memory.stat": "anon 90000000\ninactive_file 300000000\nactive_file 5\n",
    });
    expect(await createSystemProbe(folder, path).memory()).toEqual({ usedBytes: 100_000_000, limitBytes: 536_870_912 });
  });

  test.each([
    ["without a limit", "max\n"],
    ["with a limit beyond the machine's", "9007199254740991\n"],
  ])("is the machine's in a group %s", async (_what, max) => {
    const path = await cgroup({ "memory.max": max, "memory.current": "1\n", "memory.stat": "inactive_file 0\n" });
    const { usedBytes, limitBytes } = await createSystemProbe(folder, path).memory();
    expect(limitBytes).toBe(totalmem());
    expect(usedBytes).toBeGreaterThan(1);
    expect(usedBytes).toBeLessThanOrEqual(limitBytes);
  });

  test("is the machine's where there is no group", async () => {
    expect((await createSystemProbe(folder, join(folder, "nowhere")).memory()).limitBytes).toBe(totalmem());
  });
});

test("disk is that of the folder's file system", async () => {
  const { freeBytes, totalBytes } = await createSystemProbe(folder).disk();
  expect(freeBytes).toBeGreaterThan(0);
  expect(totalBytes).toBeGreaterThan(freeBytes);
});

test("time asleep is not time elapsed, and nobody has waited meanwhile", async () => {
  let asleepMs = 0;
  const clock = createClock(() => performance.now() + asleepMs);
  const [startedAt, startedAtMs] = [clock.elapsed(), performance.now()];
  const waiting = clock.sleep(300);
  asleepMs = 3_600_000;
  await waiting;
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(299);
  expect(clock.elapsed() - startedAt).toBeLessThan(60_000);
});

test("a sleep ends at once when it is told to stop, and is no error", async () => {
  const stop = new AbortController();
  const startedAt = systemClock.elapsed();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  await sleeping;
  await systemClock.sleep(60_000, stop.signal);
  expect(systemClock.elapsed() - startedAt).toBeLessThan(5_000);
});
