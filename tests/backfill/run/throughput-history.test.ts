import { expect, test } from "vitest";
import { latelyPerSecond, type Sample, withSample } from "../../../src/backfill/run/throughput-history.ts";

const sample = (given: Partial<Sample> = {}): Sample => ({
  ms: 1_000,
  collected: 0,
  done: 10,
  failed: 0,
  alerts: [],
  ...given,
});
const sum = (history: readonly Sample[], of: "ms" | "collected" | "done" | "failed") =>
  history.reduce((all, each) => all + each[of], 0);
const after = (count: number) => {
  let history: readonly Sample[] = [];
  for (let n = 0; n < count; n += 1) history = withSample(history, sample({ collected: 2, failed: 1 }));
  return history;
};

test("grows by one sample each time, up to ninety; then each covers twice the time, and nothing is lost", () => {
  expect(after(90)).toEqual(Array(90).fill(sample({ collected: 2, failed: 1 })));
  const merged = after(91);
  expect(merged).toHaveLength(46);
  expect(merged.slice(0, 45)).toEqual(Array(45).fill(sample({ ms: 2_000, collected: 4, done: 20, failed: 2 })));
  // The newest grows until it is as long as the others.
  expect(merged.at(-1)?.ms).toBe(1_000);
  expect(after(92)).toHaveLength(46);
  expect(after(92).at(-1)?.ms).toBe(2_000);
  expect(after(93)).toHaveLength(47);
  for (const count of [91, 200, 1_000]) {
    const history = after(count);
    expect(history.length).toBeLessThanOrEqual(90);
    expect([sum(history, "ms"), sum(history, "collected"), sum(history, "done"), sum(history, "failed")]).toEqual([
      count * 1_000,
      count * 2,
      count * 10,
      count,
    ]);
  }
});

test("an alert that was on in either of two that merge was on in both together, once", () => {
  const long = sample({ ms: 5_000 });
  const history = withSample(
    [long, sample({ alerts: ["slow-embedder"] })],
    sample({ alerts: ["slow-embedder", "disk-low"] }),
  );
  expect(history.map(({ alerts }) => alerts)).toEqual([[], ["slow-embedder", "disk-low"]]);
});

test("lately is the last minute, as far as samples tell it apart", () => {
  expect(latelyPerSecond()).toBeUndefined();
  expect(latelyPerSecond([])).toBeUndefined();
  const minute = Array<Sample>(59).fill(sample({ done: 3 }));
  expect(latelyPerSecond([sample({ done: 0, ms: 500_000 }), ...minute, sample({ done: 3 })])).toBe(3);
  expect(latelyPerSecond([sample({ done: 600, ms: 60_000 }), sample({ done: 0, ms: 59_999 })])).toBeCloseTo(5, 3);
});
