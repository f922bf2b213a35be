// A real disk that is full, or turns read-only, while a run is at work. Needs the right to mount; skips where there is none.

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open as openFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { totals } from "../../src/backfill/run/run.ts";
import { LEASE_MS } from "../../src/indexing/guild-index/ownership.ts";
import { reasonText } from "../../src/views/reasons.ts";
import { channel, GUILD, history, hoursAgo, message, openSetup, type Setup, until } from "../support/engine.ts";

const RECORDS = 600;
let folder: string;
let setup: Setup;
let mounted: string | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-disk-"));
});
afterEach(async () => {
  if (mounted !== undefined) {
    await setup.stop();
    await setup.server?.close();
    execFileSync("umount", [mounted]);
  }
  await rm(folder, { recursive: true, force: true });
});

/** A run that has just begun, in a folder of which that part is a disk of its own. */
async function runOn(part: string, skip: (why: string) => never): Promise<void> {
  const disk = join(folder, part);
  await mkdir(disk, { recursive: true });
  if (!mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", disk)) skip("mounting a file system is not allowed here");
  mounted = disk;
  setup = await openSetup({ folder, textsPerRequest: 20 });
  await setup.archive.save(GUILD, history(RECORDS), { pending: false });
  await setup.start({ pace: "gentle" });
  await someRows();
}

test("a disk that fills up loses nothing: the run is left, and goes on by itself when there is space again", async ({
  skip,
}) => {
  await runOn(".", skip);
  const free = await fill(join(folder, "ballast"));
  await setup.impatiently(() => setup.engine.done(GUILD));
  const left = await setup.run();
  expect(["running", "waiting"]).toContain(left.status);
  expect(totals(left).read).toBeLessThan(RECORDS);
  expect(complaints()).toContain("is full. What was stored is safe");
  const arriving = setup.live.messageSaved(GUILD, message(hoursAgo(0.5), "while it was full"), channel("10"));
  await expect(arriving).rejects.toThrow("is full");

  // The stored run cannot say so; the status does.
  setup.clock.skip(LEASE_MS);
  await until(() => setup.ownership.lease(GUILD) === undefined, "the lease could not be renewed");
  const { run, waitingFor } = await setup.engine.status(GUILD);
  expect(run?.status).toBe("waiting");
  expect(run && reasonText(run.reason, "/backfill")).toMatch(/is full.* It goes on by itself/);
  expect(waitingFor).toEqual({ kind: "storage" });
  await until(() => setup.edits.at(-1)?.status.run?.status === "waiting", "the progress message says so too");
  await expect(setup.engine.pause(GUILD, "Grace")).rejects.toThrow(/is full. What was stored is safe/);

  await free();
  await expectWhole();
  expect((await setup.engine.status(GUILD)).run?.status).toBe("succeeded");
});

test("a process on a full disk ends in order", async ({ skip }) => {
  await runOn(".", skip);
  const free = await fill(join(folder, "ballast"));
  await setup.stop();
  await free();
  setup = await openSetup({ folder, ...(setup.server && { server: setup.server }), holder: "next", claim: false });
  setup.clock.skip(LEASE_MS);
  await setup.ownership.claim(GUILD);
  await expectWhole();
});

test("an index that turns read-only fails the run with what to do; writable again, start goes on where it was", async ({
  skip,
}) => {
  await runOn("index", skip);
  await until(() => mount("-o", "remount,ro", join(folder, "index")), "nobody writes at the moment");
  const failed = await setup.impatiently(() => setup.settled());
  expect(failed).toMatchObject({
    status: "failed",
    reason: { kind: "error", message: expect.stringContaining("cannot be written") },
  });
  expect(totals(failed).embedded).toBeLessThan(RECORDS);
  expect(setup.posts.some(({ kind }) => kind === "report")).toBe(true);
  mount("-o", "remount,rw", join(folder, "index"));
  expect(await setup.start({ pace: "gentle" })).toMatchObject({ outcome: "resumed", from: "failed" });
  await expectWhole();
});

const complaints = () => JSON.stringify(setup.log.filter(({ level }) => level === "error" || level === "warn"));

const someRows = () => until(async () => (await (await setup.indexes.open(GUILD)).index.count()) > 0, "the first rows");

async function expectWhole(): Promise<void> {
  const run = await setup.impatiently(() => setup.settled());
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, quarantined: 0, remaining: 0 });
  const rows = await setup.rows();
  expect(rows.size).toBe(RECORDS);
  expect([...rows.keys()].filter((key) => key.endsWith("duplicate"))).toEqual([]);
}

/** Takes all the space there is. @returns how to give it back */
async function fill(path: string): Promise<() => Promise<void>> {
  const file = await openFile(path, "w");
  for (let bytes = 1 << 20; bytes >= 512; ) {
    try {
      await file.write(Buffer.alloc(bytes));
    } catch {
      bytes /= 2;
    }
  }
  await file.close();
  return () => rm(path);
}

function mount(...args: string[]): boolean {
  try {
    execFileSync("mount", args, { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
