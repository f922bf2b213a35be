import { beforeEach, describe, expect, test } from "vitest";
import { type AlertMonitor, type AlertName, createAlertMonitor, defaultThresholds } from "../../src/backfill/alerts.ts";
import { createManualClock, type ManualClock } from "../support/engine.ts";

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
      cpuLoad: () => 0,
    },
    onRaised: ({ name }) => told.push(`raised ${name}`),
    onResolved: ({ name }) => told.push(`resolved ${name}`),
  });
});

const look = (embedderDown?: string, isRunning = true) =>
  monitor.check({ isRunning, waitingFor: undefined, embedderDown });

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
  expect(monitor.history()).toMatchObject([{ name, raisedAt: 0, resolvedAt: 0 }]);
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
    expect(monitor.active()[0]?.detail).toBe("connection refused");
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
