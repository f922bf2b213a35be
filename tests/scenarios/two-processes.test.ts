// Two real processes on one folder that want the same guild, each of them frozen in turn for longer than its lease lasts.

import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { openKv } from "@deno/kv";
import { afterEach, expect, test } from "vitest";
import { isBalanced, totals } from "../../src/backfill/run/run.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { createSkippableClock, GUILD, history, openSetup, until } from "../support/engine.ts";

const RECORDS = 900;
const TAKEOVERS = 2;
const WRITABLE_WITHIN_MS = 1_000;
const CHILD = join(import.meta.dirname, "../support/rival-child.ts");

interface Line {
  readonly event: "acquired" | "lost" | "writes" | "ready" | "finished";
  readonly name: string;
  /** Milliseconds since 1970, by the machine's clock. */
  readonly at: number;
}

let base: string;
let server: EmbeddingServer;
const rivals: ChildProcess[] = [];
afterEach(async () => {
  for (const rival of rivals.splice(0)) rival.kill("SIGKILL");
  await server.close();
  await rm(base, { recursive: true, force: true });
});

test("of two processes only the owner writes, a frozen one is replaced and harms nothing when it wakes, and nothing is lost", async () => {
  base = await mkdtemp(join(tmpdir(), "backscroll-rivals-"));
  server = await startEmbeddingServer({ dimensions: 16 });
  const seed = await openSetup({ folder: join(base, "fought"), server });
  await seed.archive.save(GUILD, history(RECORDS), { pending: false });
  await seed.stop();
  await cp(join(base, "fought"), join(base, "quiet"), { recursive: true });

  const lines: Line[] = [];
  const epoch = Date.now();
  const said = (event: Line["event"], name?: string) =>
    lines.filter((line) => line.event === event && (name === undefined || line.name === name)).length;
  const [ada, bob] = ["ada", "bob"].map((name) => ({ name, process: rival(name, epoch, (line) => lines.push(line)) }));
  if (ada === undefined || bob === undefined) throw new Error("two rivals, please");
  await until(() => said("ready") === 2, "both are there", 40_000);
  for (const { process } of [ada, bob]) process.kill("SIGUSR2");
  await until(() => said("writes") > 0, "one works");
  for (let takeovers = 0; takeovers < TAKEOVERS; takeovers += 1) {
    const owner = lines.filter(({ event }) => event === "acquired").at(-1)?.name === "ada" ? ada : bob;
    const other = owner === ada ? bob : ada;
    const before = { acquired: said("acquired", other.name), writes: said("writes", other.name) };
    await freeze(owner.process);
    await until(() => said("acquired", other.name) > before.acquired, `${other.name} takes over`);
    await until(() => said("writes", other.name) > before.writes, `${other.name} writes`);
    owner.process.kill("SIGCONT");
    await until(() => said("lost", owner.name) > 0, `${owner.name} notices`);
  }
  await until(() => said("finished") === 2, "the run has ended", 30_000);
  for (const { process } of [ada, bob]) process.kill("SIGTERM");
  await until(() => [ada, bob].every(({ process }) => process.exitCode === 0), "both end in order");

  // Who wrote did so as the latest to have acquired the guild.
  const inTime = [...lines].sort((a, b) => a.at - b.at);
  const intruders = inTime.filter((line, place) => {
    const owner = inTime.slice(0, place).findLast(({ event, at }) => event === "acquired" && at < line.at);
    return line.event === "writes" && owner !== undefined && owner.name !== line.name;
  });
  expect(intruders).toEqual([]);
  expect(said("acquired")).toBeGreaterThan(TAKEOVERS);

  const fought = await look("fought");
  expect(fought.rows).toEqual(await undisturbed());
  expect(fought.run.status).toBe("succeeded");
  expect(isBalanced(totals(fought.run))).toBe(true);
  expect(totals(fought.run)).toMatchObject({ read: RECORDS, embedded: RECORDS, remaining: 0 });
}, 120_000);

function rival(name: string, epoch: number, onLine: (line: Line) => void): ChildProcess {
  const args = [CHILD, join(base, "fought"), server.url, name, String(epoch)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  createInterface({ input: child.stdout }).on("line", (text) => onLine(JSON.parse(text) as Line));
  rivals.push(child);
  return child;
}

/**
 * Stops a process where it does not hold the archive's file: SQLite's lock is the operating system's, and nobody takes that over from
 * a process that stands still in the middle of a write.
 */
async function freeze(frozen: ChildProcess): Promise<void> {
  const kv = await openKv(join(base, "fought", "archive.sqlite"));
  for (;;) {
    frozen.kill("SIGSTOP");
    const writing = kv.set(["tests", "probe"], 0).then(() => true);
    const isFree = await Promise.race([writing, sleep(WRITABLE_WITHIN_MS, false)]);
    if (isFree) break;
    frozen.kill("SIGCONT");
    await writing;
  }
  kv.close();
}

async function undisturbed(): Promise<Map<string, object>> {
  const setup = await openSetup({ folder: join(base, "quiet"), server });
  await setup.start();
  await setup.settled();
  const rows = await setup.rows();
  await setup.stop();
  return rows;
}

/** After all leases have run out. */
async function look(folder: string) {
  const clock = createSkippableClock();
  clock.skip(3_600_000);
  const setup = await openSetup({ folder: join(base, folder), server, clock, claim: false });
  const found = { rows: await setup.rows(), run: await setup.run() };
  await setup.stop();
  return found;
}
