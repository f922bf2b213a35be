// Alerts outlive what raised them: the run that pauses or ends, and the process. Each is posted once when it begins and once when
// it is over.

import { afterEach, beforeEach, expect, test } from "vitest";
import { reasonText } from "../../../src/views/reasons.ts";
import type { EmbeddingServer } from "../../support/embedding-server.ts";
import {
  GUILD,
  history,
  openSetup,
  type Setup,
  type SetupOptions,
  startServer,
  testEmbedder,
  until,
} from "../../support/engine.ts";

let server: EmbeddingServer;
let setup: Setup;
/** Of all processes so far. */
let told: string[];

beforeEach(async () => {
  server = await startServer();
  told = [];
  await open();
  await setup.archive.save(GUILD, history(300), { pending: false });
});
afterEach(async () => {
  await setup.close();
  await server.close();
});

async function open(options: SetupOptions = {}): Promise<void> {
  setup = await openSetup({ server, textsPerRequest: 20, ...options });
}

/** What it was told goes with it; what it stored does not. */
async function restart(change: (next: Setup) => void = () => {}): Promise<void> {
  const { folder } = setup;
  await setup.stop();
  told.push(...posted());
  await open({ folder, claim: false });
  change(setup);
  await setup.ownership.claim(GUILD);
}

const posted = () =>
  setup.posts.flatMap((post) =>
    post.kind === "alert-raised" || post.kind === "alert-resolved"
      ? [`${post.kind.slice("alert-".length)} ${post.alert.name}`]
      : [],
  );
const allTold = () => [...told, ...posted()];
const active = async () => (await setup.engine.status(GUILD)).alerts.map(({ name }) => name);
const someRows = () => until(async () => (await (await setup.indexes.open(GUILD)).index.count()) > 0, "the first rows");
const isPaused = () => until(async () => (await setup.status()) === "paused", "the run is paused");
const after = (seconds: number) => setup.pass(seconds * 1_000);

async function pausedByFullDisk(): Promise<void> {
  await setup.start({ pace: "gentle" });
  await someRows();
  setup.world.freeBytes = 9e9;
  await after(1);
  await isPaused();
  await until(() => posted().length === 1, "the alert");
}

test("a disk that was low while a run was at work is reported to have space again though the run is paused", async () => {
  await pausedByFullDisk();
  await after(30);
  expect(await active()).toEqual(["disk-low"]);
  setup.world.freeBytes = 10.5e9;
  await after(5);
  expect(await active()).toEqual(["disk-low"]);
  setup.world.freeBytes = 100e9;
  await after(5);
  await until(() => posted().length === 2, "its end");
  await after(30);
  expect(allTold()).toEqual(["raised disk-low", "resolved disk-low"]);
  expect(await active()).toEqual([]);
  expect(await setup.status()).toBe("paused");
});

test("a restart neither forgets nor repeats an alert of a paused run, and it is resolved once", async () => {
  await pausedByFullDisk();
  const [before] = (await setup.engine.status(GUILD)).alerts;
  await restart((next) => {
    next.world.freeBytes = 9e9;
  });
  await after(10);
  expect(await setup.status()).toBe("paused");
  expect((await setup.engine.status(GUILD)).alerts).toEqual([before]);
  setup.world.freeBytes = 100e9;
  await after(5);
  await until(() => posted().length === 1, "its end");
  await restart();
  await after(10);
  expect(allTold()).toEqual(["raised disk-low", "resolved disk-low"]);
  expect(await active()).toEqual([]);
});

test("a run that is resumed on a disk that is still low is paused again, without a second alert", async () => {
  await pausedByFullDisk();
  expect(await setup.start({ pace: "gentle" })).toMatchObject({ outcome: "resumed" });
  await after(2);
  await isPaused();
  await setup.engine.done(GUILD);
  expect(reasonText((await setup.run()).reason, "/bs-backfill")).toMatch(/the disk is nearly full: 9(\.0)? GB free/);
  expect(allTold()).toEqual(["raised disk-low"]);
});

test("an embedder that is down when the run is paused and the process restarted is down until it answers", async () => {
  await setup.start({ pace: "gentle" });
  await someRows();
  const mend = server.misbehave({ status: 503 });
  await setup.impatiently(() => until(() => posted().length === 1, "the alert"));
  await setup.engine.pause(GUILD, "Grace");
  await isPaused();
  await restart();
  await after(20);
  expect(await active()).toEqual(["embedder-down"]);
  expect(setup.breaker.state()?.reason).toContain("503");
  mend();
  await setup.impatiently(() => until(() => posted().length === 1, "its end"));
  expect(allTold()).toEqual(["raised embedder-down", "resolved embedder-down"]);
});

test("an alert that is on when a run ends is resolved after it, and goes over to the next run", async () => {
  setup.world.usedMemoryBytes = 7.9e9;
  await setup.start({ pace: "gentle", phases: ["recent"] }).catch(() => undefined);
  expect(await setup.status()).toBeUndefined();
  setup.world.usedMemoryBytes = 1e9;
  await setup.start({ pace: "gentle" });
  setup.world.usedMemoryBytes = 7.9e9;
  await after(1);
  await until(() => posted().length === 1, "the alert");
  expect((await setup.impatiently(() => setup.settled())).status).toBe("succeeded");
  await after(5);
  expect(await active()).toEqual(["memory-high"]);
  expect((await setup.run()).alerts?.map(({ name }) => name)).toEqual(["memory-high"]);
  setup.world.usedMemoryBytes = 7e9;
  await after(5);
  await setup.archive.save(GUILD, history(310), { pending: false });
  await setup.start({ pace: "gentle" });
  await after(2);
  expect(allTold()).toEqual(["raised memory-high"]);
  expect((await setup.run()).alerts?.map(({ name }) => name)).toEqual(["memory-high"]);
  setup.world.usedMemoryBytes = 1e9;
  await after(5);
  await until(() => posted().length === 2, "its end");
  expect(allTold()).toEqual(["raised memory-high", "resolved memory-high"]);
});

test("what an admin is told to type carries the command as this bot's admins type it", async () => {
  await setup.start({ pace: "gentle" });
  await someRows();
  const { folder } = setup;
  await setup.stop();
  await open({ folder, command: "/bs-backfill", embedder: testEmbedder() });
  await isPaused();
  expect(reasonText((await setup.run()).reason, "/bs-backfill")).toContain("type /bs-backfill start");
});
