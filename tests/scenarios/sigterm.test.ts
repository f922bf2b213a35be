// SIGTERM to a real process in each status in which it has something in flight (crash.test.ts does it while running): what it
// leaves behind, and whether the next process takes it up.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { currentPhase, type RunStatus, totals } from "../../src/backfill/run.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { GUILD, type House, history, openHouse, until } from "../support/engine.ts";

const RECORDS = 200;
const CHILD = join(import.meta.dirname, "../support/engine-child.ts");

let folder: string;
let server: EmbeddingServer;
let child: ChildProcess;
let said: string[];
let watcher: House;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-sigterm-"));
  server = await startEmbeddingServer({ dimensions: 16, latencyMs: 10 });
  watcher = await openHouse({ folder, server, claim: false });
  await watcher.archive.save(GUILD, history(RECORDS), { pending: false });
  said = [];
});
afterEach(async () => {
  child.kill("SIGKILL");
  await watcher.stop();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

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
  mend();
  await nextProcess(async (next) => {
    await expectFinished(next);
  });
}, 40_000);

test("while it is pausing: the pause is kept, and the next process leaves it to a person", async () => {
  launch();
  await firstCheckpoint();
  const mend = server.misbehave("hang");
  const { length } = server.requests;
  await until(() => server.requests.length > length, "a batch hangs");
  child.kill("SIGUSR2");
  await reaches("pausing");
  await endInOrder();
  mend();
  expect(await watcher.run()).toMatchObject({ status: "paused", reason: "Grace" });
  await nextProcess(async (next) => {
    await next.engine.recover(GUILD);
    expect(await next.status()).toBe("paused");
    expect(await next.start()).toMatchObject({ outcome: "resumed", from: "paused" });
    await expectFinished(next);
  });
}, 40_000);

test("in the final check: interrupted, and the next process checks again and finishes", async () => {
  const mend = server.misbehave("hang", { when: ([text]) => text === "warm up" });
  launch();
  await until(() => server.lastTexts[0] === "warm up", "the final check");
  expect(currentPhase(await watcher.run())).toBeUndefined();
  await endInOrder();
  mend();
  expect(await watcher.run()).toMatchObject({ status: "interrupted" });
  await nextProcess(expectFinished);
}, 40_000);

function launch(): void {
  const args = ["--import", "tsx", CHILD, folder, server.url, "0", "0"];
  child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("it has no voice");
  createInterface({ input: child.stdout }).on("line", (line) =>
    said.push((JSON.parse(line) as { event: string }).event),
  );
}

const firstCheckpoint = () =>
  until(
    async () => (await watcher.status()) !== undefined && totals(await watcher.run()).read > 0,
    "a first checkpoint",
  );
const reaches = (status: RunStatus) => until(async () => (await watcher.status()) === status, `the run is ${status}`);

async function endInOrder(): Promise<void> {
  child.kill("SIGTERM");
  await until(() => child.exitCode !== null, "the process ends");
  expect(child.exitCode).toBe(0);
  expect(said).toContain("stopped");
}

/** At once: the one before has given its lease back. */
async function nextProcess(use: (house: House) => Promise<void>): Promise<void> {
  const house = await openHouse({ folder, server, holder: "next", textsPerRequest: 32 });
  try {
    await use(house);
  } finally {
    await house.stop();
  }
}

async function expectFinished(house: House): Promise<void> {
  const run = await house.impatiently(() => house.settled());
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, unchanged: 0, remaining: 0 });
  expect((await house.rows()).size).toBe(RECORDS);
}
