import { beforeEach, describe, expect, test } from "vitest";
import { type AlertMonitor, createAlertMonitor } from "../../../src/backfill/reporting/alerts.ts";
import { type AlertName, defaultThresholds } from "../../../src/backfill/run/alerts.ts";
import { createManualClock, type ManualClock } from "../../support/engine.ts";

let clock: ManualClock;
let monitor: AlertMonitor;
let told: string[];
const machine = { freeBytes: 100e9, usedBytes: 1e9 };

beforeEach(() => {
  clock = createManualClock();
  told = [];
  Object.assign(machine, { freeBytes: 100e9, usedBytes: 1e9 });
  monitor = createAlertMonitor({
    thresholds: defaultThresholds,
    clock,
    system: {
      memory: async () => ({ usedBytes: machine.usedBytes, limitBytes: 10e9 }),
      disk: async () => ({ freeBytes: machine.freeBytes, totalBytes: 200e9 }),
      volume: async () => "not-known",
      cpuLoad: () => 0,
    },
    onRaised: ({ name }) => told.push(`raised ${name}`),
    onResolved: ({ name }) => told.push(`resolved ${name}`),
  });
  monitor.begin();
});

const look = (embedderDown?: string, isRunning = true) =>
  monitor.check({ run: { isRunning, waitingFor: undefined }, embedderDown, storageDown: undefined });
const lookWithoutRun = (embedderDown?: string, storageDown?: string) =>
  monitor.check({
    run: undefined,
    embedderDown,
    storageDown: storageDown === undefined ? undefined : { kind: "error", message: storageDown },
  });

/** Crosses the threshold, stays, comes back a little (which changes nothing), and then well. */
async function expectOnce(name: AlertName, bad: () => void, between: () => void, good: () => void) {
  for (const change of [bad, bad, between, bad, between]) {
    change();
    await look();
  }
  expect(told).toEqual([`raised ${name}`]);
  expect(monitor.active().map((alert) => alert.name)).toEqual([name]);
  for (const change of [good, good, between]) {
    change();
    await look();
  }
  expect(told).toEqual([`raised ${name}`, `resolved ${name}`]);
  expect(monitor.active()).toEqual([]);
}

describe("an alert is raised once, not shaken by a value near its threshold, and resolved once", () => {
  test("disk low", async () => {
    const free = (bytes: number) => () => Object.assign(machine, { freeBytes: bytes });
    await expectOnce("disk-low", free(9.9e9), free(10.5e9), free(11.1e9));
  });

  test("memory high", async () => {
    const used = (bytes: number) => () => Object.assign(machine, { usedBytes: bytes });
    await expectOnce("memory-high", used(9.1e9), used(8.8e9), used(8.5e9));
  });

  test("slow embedder", async () => {
    const took = (ms: number) => () => monitor.request(ms);
    await expectOnce("slow-embedder", took(5_001), took(4_800), took(4_000));
  });

  test("failing batches, of at least ten, in the last fifty", async () => {
    for (let n = 0; n < 9; n += 1) monitor.batch(true);
    expect(told).toEqual([]);
    monitor.batch(true);
    expect(told).toEqual(["raised failing-batches"]);
    for (let n = 0; n < 47; n += 1) monitor.batch(false);
    expect(told).toEqual(["raised failing-batches"]);
    for (let n = 0; n < 10; n += 1) monitor.batch(false);
    expect(told).toEqual(["raised failing-batches", "resolved failing-batches"]);
  });

  test("embedder down", async () => {
    await look("connection refused");
    await look("connection refused");
    expect(monitor.active()[0]?.detail).toEqual({ kind: "embedder", message: "connection refused" });
    await look();
    await look();
    expect(told).toEqual(["raised embedder-down", "resolved embedder-down"]);
  });

  test("stalled, when a running run has made no progress for five minutes", async () => {
    await clock.advance(5 * 60_000);
    await look();
    expect(told).toEqual([]);
    await clock.advance(1_000);
    await look();
    await look();
    expect(told).toEqual(["raised stalled"]);
    monitor.batch(true);
    await look();
    expect(told).toEqual(["raised stalled"]);
    monitor.batch(false);
    await look();
    expect(told).toEqual(["raised stalled", "resolved stalled"]);
  });
});

test("neither waiting nor collecting is stalling", async () => {
  for (let minute = 0; minute < 20; minute += 1) {
    await clock.advance(60_000);
    await look(undefined, false);
  }
  for (let minute = 0; minute < 20; minute += 1) {
    await clock.advance(60_000);
    monitor.progress();
    await look();
  }
  expect(told).toEqual([]);
});

describe("without a run at work", () => {
  test("nothing is raised", async () => {
    await lookWithoutRun();
    Object.assign(machine, { freeBytes: 1e9, usedBytes: 9.9e9 });
    await clock.advance(20 * 60_000);
    await lookWithoutRun("connection refused");
    expect(told).toEqual([]);
  });

  test("what was raised is followed until it is over, with the same hysteresis", async () => {
    Object.assign(machine, { freeBytes: 9e9, usedBytes: 9.5e9 });
    await look("connection refused");
    expect(told.splice(0)).toEqual(["raised embedder-down", "raised disk-low", "raised memory-high"]);
    Object.assign(machine, { freeBytes: 10.5e9, usedBytes: 8.9e9 });
    await lookWithoutRun("connection refused");
    expect(told).toEqual([]);
    Object.assign(machine, { freeBytes: 12e9, usedBytes: 5e9 });
    await lookWithoutRun();
    expect(told).toEqual(["resolved embedder-down", "resolved disk-low", "resolved memory-high"]);
  });

  test("what only a run can suffer from is over", async () => {
    monitor.request(6_000);
    for (let n = 0; n < 10; n += 1) monitor.batch(true);
    await clock.advance(6 * 60_000);
    await look();
    expect(told.splice(0)).toEqual(["raised slow-embedder", "raised failing-batches", "raised stalled"]);
    await lookWithoutRun();
    expect(told).toEqual(["resolved slow-embedder", "resolved failing-batches", "resolved stalled"]);
    expect(monitor.active()).toEqual([]);
  });
});

test("alerts from before a restart are on, not raised again, and resolved once", async () => {
  Object.assign(machine, { freeBytes: 9e9 });
  await look();
  const [alert] = monitor.active();
  if (alert === undefined) throw new Error("no alert");
  told.length = 0;
  monitor.restore([alert]);
  await look();
  expect(told).toEqual([]);
  Object.assign(machine, { freeBytes: 100e9 });
  await look();
  expect(told).toEqual(["resolved disk-low"]);
});

test("a run must stop whenever the disk is below its limit, also when the alert was raised long ago", async () => {
  Object.assign(machine, { freeBytes: 9e9 });
  expect(await look()).toEqual({ kind: "disk-low", freeBytes: 9e9, wantedBytes: 10e9 });
  expect(await look()).toMatchObject({ kind: "disk-low" });
  Object.assign(machine, { freeBytes: 10.5e9 });
  expect(await look()).toBeUndefined();
  expect(monitor.active()).toHaveLength(1);
});

test("an archive or an index out of reach is over when the run gets on again, not when it is merely taken up", async () => {
  await lookWithoutRun(undefined, "The archive cannot be reached.");
  await lookWithoutRun(undefined, "The archive cannot be reached.");
  monitor.begin();
  await look();
  await lookWithoutRun(undefined, "The archive cannot be reached.");
  expect(told).toEqual(["raised storage-down"]);
  monitor.begin();
  await look();
  monitor.progress();
  await look();
  expect(told).toEqual(["raised storage-down", "resolved storage-down"]);
});
