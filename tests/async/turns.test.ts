import { afterEach, expect, test, vi } from "vitest";
import { createTurns } from "../../src/async/turns.ts";

afterEach(() => vi.restoreAllMocks());

test("a loop lets others have their turn when it has gone on for two milliseconds, and then goes on for as long", async () => {
  let now = 100;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const takeTurns = createTurns();
  now += 1.9;
  expect(takeTurns()).toBeUndefined();
  now += 0.1;
  let others = 0;
  setImmediate(() => {
    others += 1;
  });
  const waiting = takeTurns();
  now += 50;
  await waiting;
  expect(others).toBe(1);
  // The others' time is not the loop's.
  now += 1.9;
  expect(takeTurns()).toBeUndefined();
  now += 0.1;
  expect(takeTurns()).toBeInstanceOf(Promise);
});
