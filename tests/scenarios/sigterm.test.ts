// SIGTERM to a real process in each status, with something in flight that hangs where something can: it ends within ten seconds
// with 0, and the next process takes up what it left, if anybody should.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunStatus } from "../../src/backfill/run/facts.ts";
import { currentPhase, totals } from "../../src/backfill/run/run.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { channel, GUILD, history, openSetup, type Setup, until } from "../support/engine.ts";
import type { ChildWays } from "../support/engine-child.ts";

/** Two pages: the run is still at the second when the first has its checkpoint. */
const RECORDS = 500;
/** After SIGTERM. */
const WITHIN_MS = 10_000;
const CHILD = join(import.meta.dirname, "../support/engine-child.ts");

let folder: string;
let server: EmbeddingServer;
let child: ChildProcess;
let said: string[];
let watcher: Setup;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-sigterm-"));
  server = await startEmbeddingServer({ dimensions: 16, latencyMs: 10 });
  watcher = await openSetup({ folder, server, claim: false });
  await watcher.archive.save(GUILD, history(RECORDS), { pending: false });
  said = [];
});
afterEach(async () => {
  child.kill("SIGKILL");
  await watcher.stop();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Longer than a process may take to end: what hangs must be given up. */
const hanging = { requestTimeoutMs: 60_000 };

test("in the pre-flight, at an embedder that hangs: no run is left behind, and the next process can start one", async () => {
  const mend = server.misbehave("hang");
  launch(hanging);
  await until(() => server.requests.length > 0, "the pre-flight asks the embedder", 25_000);
  await endInOrder();
  mend();
  expect(await watcher.status()).toBeUndefined();
  expect(said).toContain("refused");
  await nextProcess(async (next) => {
    expect((await next.start()).outcome).toBe("started");
    await expectFinished(next);
  });
}, 60_000);

test("while it collects from Discord: interrupted, and the next process collects the rest and finishes", async () => {
  const records = RECORDS * 5;
  launch({ onDiscord: { file: await writtenDown(records), pauseMs: 500 } });
  const collected = async () => ((await watcher.status()) && (await watcher.run()).collection?.collected) || 0;
  await until(async () => (await collected()) > 0, "the first messages are collected", 25_000);
  await endInOrder();
  const left = await watcher.run();
  expect(left).toMatchObject({ status: "interrupted", collection: { finished: false } });
  expect(totals(left).read).toBe(0);
  await nextProcess(async (next) => {
    await expectFinished(next, records);
  }, records);
}, 60_000);

test("while Discord does not answer: interrupted, and the next process collects and finishes", async () => {
  const records = RECORDS * 2;
  launch({ onDiscord: { file: await writtenDown(records), pauseMs: 3_600_000 } });
  await until(async () => (await watcher.status()) === "running", "the run has begun", 25_000);
  await endInOrder();
  expect(await watcher.run()).toMatchObject({ status: "interrupted", collection: { finished: false, collected: 0 } });
  await nextProcess((next) => expectFinished(next, records), records);
}, 60_000);

test("while it is running and a request hangs: interrupted, and the next process finishes", async () => {
  launch(hanging);
  await firstCheckpoint();
  const mend = await hangNow();
  await endInOrder();
  mend();
  expect(await watcher.run()).toMatchObject({ status: "interrupted", reason: { kind: "process-stopped" } });
  await nextProcess((next) => expectFinished(next));
}, 60_000);

test("while it waits for the embedder: interrupted with its breaker, and the next process waits on and finishes", async () => {
  launch();
  await firstCheckpoint();
  const mend = server.misbehave({ status: 503 });
  await reaches("waiting");
  await endInOrder();
  expect(await watcher.run()).toMatchObject({
    status: "interrupted",
    breaker: { reason: expect.stringContaining("503") },
  });
  await nextProcess(async (next) => {
    await until(async () => (await next.status()) === "waiting", "it waits on");
    mend();
    await expectFinished(next);
  });
}, 60_000);

test("while it is pausing and a request hangs: the pause is kept, and the next process leaves it to a person", async () => {
  launch(hanging);
  await firstCheckpoint();
  const mend = await hangNow();
  child.kill("SIGUSR2");
  await reaches("pausing");
  await endInOrder();
  mend();
  await expectLeftToAPerson();
}, 60_000);

test("while it is paused: it stays paused, and the next process leaves it to a person", async () => {
  launch({ stays: true });
  await firstCheckpoint();
  child.kill("SIGUSR2");
  await reaches("paused");
  await until(() => said.includes("finished"), "nobody works on it");
  await endInOrder();
  await expectLeftToAPerson();
}, 60_000);

test("in the final check, at an embedder that hangs: interrupted, and the next process checks again and finishes", async () => {
  const mend = server.misbehave("hang", { when: ([text]) => text === "warm up" });
  launch(hanging);
  await until(() => server.lastTexts[0] === "warm up", "the final check", 25_000);
  expect(currentPhase(await watcher.run())).toBeUndefined();
  await endInOrder();
  mend();
  expect(await watcher.run()).toMatchObject({ status: "interrupted" });
  await nextProcess((next) => expectFinished(next));
}, 60_000);

test("after the end: it stays as it is, and the next process has nothing to do", async () => {
  launch({ stays: true });
  await until(() => said.includes("finished"), "the run has ended", 25_000);
  await endInOrder();
  expect((await watcher.run()).status).toBe("succeeded");
  await nextProcess(async (next) => {
    expect((await next.start()).outcome).toBe("nothing-to-do");
    await expectFinished(next);
  });
}, 60_000);

test("while it is rolled back, at an embedder that hangs: it stays cancelled, and can be rolled back again or started anew", async () => {
  launch({ ...hanging, stays: true });
  await until(() => said.includes("finished"), "the run has ended", 25_000);
  const { id } = await watcher.run();
  const mend = server.misbehave("hang", { when: ([text]) => text === "warm up" });
  child.kill("SIGHUP");
  await reaches("cancelled");
  await endInOrder();
  mend();
  expect(await watcher.run()).toMatchObject({ id, status: "cancelled" });
  await nextProcess(async (next) => {
    expect(await next.status()).toBe("cancelled");
    await next.engine.rollback(GUILD, "Grace").catch(() => undefined);
    expect((await next.start()).outcome).toBe("started");
    await expectFinished(next);
  });
}, 60_000);

function launch(ways: ChildWays = {}): void {
  const args = [CHILD, folder, server.url, "0", "0", JSON.stringify(ways)];
  child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("it has no voice");
  createInterface({ input: child.stdout }).on("line", (line) =>
    said.push((JSON.parse(line) as { event: string }).event),
  );
}

/** What the process finds on Discord. */
async function writtenDown(records: number): Promise<string> {
  const file = join(folder, "discord.json");
  await writeFile(file, JSON.stringify(history(records)));
  return file;
}

/** @returns how to mend it, once a request hangs */
async function hangNow(): Promise<() => void> {
  let hangs = false;
  // Of those under way, too: then no other may come.
  const mend = server.misbehave("hang", { when: () => (hangs = true) });
  await until(() => hangs, "a request hangs");
  return mend;
}

async function expectLeftToAPerson(): Promise<void> {
  expect(await watcher.run()).toMatchObject({ status: "paused", reason: { kind: "asked", by: "Grace" } });
  await nextProcess(async (next) => {
    await next.engine.recover(GUILD);
    expect(await next.status()).toBe("paused");
    expect(await next.start()).toMatchObject({ outcome: "resumed", from: "paused" });
    await expectFinished(next);
  });
}

const firstCheckpoint = () =>
  until(
    async () => (await watcher.status()) !== undefined && totals(await watcher.run()).read > 0,
    "a first checkpoint",
    25_000,
  );
const reaches = (status: RunStatus) => until(async () => (await watcher.status()) === status, `the run is ${status}`);

async function endInOrder(): Promise<void> {
  const askedAt = performance.now();
  child.kill("SIGTERM");
  await until(() => child.exitCode !== null, "the process ends");
  expect(child.exitCode).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(WITHIN_MS);
  expect(said).toContain("stopped");
}

/** At once: the one before has given its lease back. */
async function nextProcess(use: (setup: Setup) => Promise<void>, onDiscord = 0): Promise<void> {
  const setup = await openSetup({ folder, server, holder: "next", textsPerRequest: 32, claim: false });
  setup.world.channels = ["10", "11", "12"].map((id) => channel(id));
  for (const { id } of setup.world.channels) {
    setup.world.onDiscord.set(
      id,
      history(onDiscord).filter(({ channelId }) => channelId === id),
    );
  }
  try {
    await setup.ownership.claim(GUILD);
    await use(setup);
  } finally {
    await setup.stop();
  }
}

async function expectFinished(setup: Setup, records = RECORDS): Promise<void> {
  const run = await setup.impatiently(() => setup.settled());
  expect(run.status).toBe("succeeded");
  const { embedded, unchanged, ...rest } = totals(run);
  expect(rest).toMatchObject({ read: records, quarantined: 0, remaining: 0 });
  // Live indexing rewrites those that turn out to have a message before them; nobody else has a hand in it.
  expect(embedded + unchanged).toBe(records);
  expect(unchanged).toBeLessThan(10);
  expect((await setup.rows()).size).toBe(records);
}
