import { expect, test } from "vitest";
import { createRate } from "../../../src/backfill/work/rate.ts";
import { createManualClock } from "../../support/manual-clock.ts";

test("says nothing before there is something to go by: a first count, and a fifth of a second after it", async () => {
  const clock = createManualClock();
  const rate = createRate(clock);
  await clock.advance(5_000);
  expect(rate.perSecond()).toBeUndefined();
  rate.count(10);
  await clock.advance(199);
  expect(rate.perSecond()).toBeUndefined();
  await clock.advance(1);
  expect(rate.perSecond()).toBe(50);
});

test("falls while nothing is done", async () => {
  const clock = createManualClock();
  const rate = createRate(clock);
  rate.count(10);
  await clock.advance(1_000);
  rate.count(30);
  expect(rate.perSecond()).toBe(40);
  await clock.advance(3_000);
  expect(rate.perSecond()).toBe(10);
});

test("looks back a minute from what was counted last, and no further", async () => {
  const clock = createManualClock();
  const rate = createRate(clock);
  rate.count(6_000);
  await clock.advance(30_000);
  rate.count(300);
  await clock.advance(30_000);
  rate.count(0);
  expect(rate.perSecond()).toBe(105);
  await clock.advance(1);
  rate.count(0);
  expect(rate.perSecond()).toBeCloseTo(10, 2);
});
