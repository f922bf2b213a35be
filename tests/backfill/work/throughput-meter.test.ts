import { expect, test } from "vitest";
import type { AlertName } from "../../../src/backfill/run/alerts.ts";
import { noCounters } from "../../../src/backfill/run/run.ts";
import { createSampler } from "../../../src/backfill/work/throughput-meter.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { aRun } from "../../support/runs.ts";

function setup() {
  const clock = createManualClock();
  const on: AlertName[] = [];
  let run = aRun();
  const sampler = createSampler(
    () => run,
    { active: () => on.map((name) => ({ name, detail: "", raisedAt: 0 })) },
    clock,
  );
  const stand = (read: number, collected?: number) => {
    const phases = aRun().phases.map((phase) => ({ ...phase, counters: { ...noCounters, read } }));
    run = aRun({
      phases,
      ...(collected !== undefined && { collection: { finished: false, collected, unreadable: [] } }),
    });
  };
  return { clock, on, sampler, stand };
}

test("a sample covers what got on since the one before, and what is on at its end", async () => {
  const { clock, on, sampler, stand } = setup();
  stand(5, 100);
  await clock.advance(300);
  sampler.take();
  stand(7, 150);
  on.push("slow-embedder");
  await clock.advance(1_000);
  sampler.take();
  expect(sampler.drain()).toEqual([
    { ms: 300, collected: 100, done: 5, failed: 0, alerts: [] },
    { ms: 1_000, collected: 50, done: 2, failed: 0, alerts: ["slow-embedder"] },
  ]);
});

test("a stretch of a quarter of a second grows on, with the failures in it, until it is longer", async () => {
  const { clock, sampler } = setup();
  sampler.take(true);
  await clock.advance(250);
  sampler.take(true);
  await clock.advance(1);
  sampler.take(true);
  await clock.advance(300);
  sampler.take();
  expect(sampler.drain().map(({ ms, failed }) => [ms, failed])).toEqual([
    [251, 3],
    [300, 0],
  ]);
});

test("what is drained is not drained again, and the stretch up to this moment goes along however short it is", async () => {
  const { clock, sampler } = setup();
  expect(sampler.drain()).toEqual([]);
  await clock.advance(300);
  sampler.take();
  await clock.advance(1);
  expect(sampler.drain().map(({ ms }) => ms)).toEqual([300, 1]);
  expect(sampler.drain()).toEqual([]);
});

test("counters that have fallen, as those of a run that replaced another, are no progress", async () => {
  const { clock, sampler, stand } = setup();
  stand(9, 9);
  await clock.advance(300);
  sampler.take();
  stand(2);
  await clock.advance(300);
  expect(sampler.drain()[1]).toMatchObject({ done: 0, collected: 0 });
});
