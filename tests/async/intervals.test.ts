import { expect, test } from "vitest";
import { watch } from "../../src/async/intervals.ts";
import { createManualClock } from "../support/manual-clock.ts";

test("each round comes at its own interval, and one that fails comes again", async () => {
  const clock = createManualClock();
  const finished = new AbortController();
  const [often, seldom, errors]: [number[], number[], unknown[]] = [[], [], []];
  const watching = watch(
    [
      { everyMs: 1_000, act: async () => void often.push(clock.elapsed()) },
      {
        everyMs: 3_000,
        async act() {
          seldom.push(clock.elapsed());
          throw new Error("no luck");
        },
      },
    ],
    clock,
    finished.signal,
    (thrown) => errors.push(thrown),
  );
  await clock.advance(6_500);
  finished.abort();
  await watching;
  expect(often).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000]);
  expect(seldom).toEqual([0, 3_000, 6_000]);
  expect(errors).toHaveLength(3);
});

test("a round that hangs holds up no other, is not begun twice, and keeps the end waiting only for a moment", async () => {
  const clock = createManualClock();
  const finished = new AbortController();
  let [hung, looked] = [0, 0];
  const watching = watch(
    [
      {
        everyMs: 1_000,
        act: () => {
          hung += 1;
          return new Promise<never>(() => {});
        },
      },
      {
        everyMs: 2_000,
        async act() {
          looked += 1;
        },
      },
    ],
    clock,
    finished.signal,
    () => {},
  );
  await clock.advance(20_000);
  expect(looked).toBe(11);
  expect(hung).toBe(1);
  finished.abort();
  await clock.advance(1_000);
  await watching;
});
