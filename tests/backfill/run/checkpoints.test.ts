// What a run remembers of the work that is done: nothing is booked twice, and nothing before it is durable.

import { beforeEach, describe, expect, test } from "vitest";
import { createRunBook, type RunBook, withAhead, withBreaker } from "../../../src/backfill/run/checkpoints.ts";
import type { Run } from "../../../src/backfill/run/run.ts";
import type { RunState } from "../../../src/backfill/run/run-state.ts";
import type { QuarantineEntry } from "../../../src/ports/quarantine.ts";
import { createManualClock, type ManualClock } from "../../support/engine.ts";
import { aPhase, aRun } from "../../support/runs.ts";

const fresh = aRun({ phases: [aPhase(), aPhase({ name: "full" })] });
const entry = (n: number): QuarantineEntry => ({
  kind: "message",
  id: String(n),
  contentHash: "hash",
  reason: "refused",
  attempts: 3,
  at: 0,
});

let clock: ManualClock;
let run: Run;
/** In order: what was stored, and what was set aside before or with it. */
let stored: string[];
let fault: Error | undefined;
/** Happens between the reading and the writing of the next change, which is then made anew on it. */
let meanwhile: ((run: Run) => Run) | undefined;
let book: RunBook;

beforeEach(() => {
  clock = createManualClock();
  [run, stored, fault, meanwhile] = [fresh, [], undefined, undefined];
  const state: Pick<RunState, "update"> = {
    async update(change, quarantine = []) {
      if (fault !== undefined) throw fault;
      let next = change(run);
      if (meanwhile !== undefined) {
        run = meanwhile(run);
        meanwhile = undefined;
        next = change(run);
      }
      if (next !== run || quarantine.length > 0) stored.push(`run with ${quarantine.length}`);
      run = next;
      return run;
    },
  };
  const quarantine = {
    add: async (_: string, entries: readonly QuarantineEntry[]) => void stored.push(`${entries.length}`),
  };
  book = createRunBook(state as RunState, quarantine, "1", clock, 2);
});

const counted = (each: Run): Run => ({ ...each, batches: { ...each.batches, sent: each.batches.sent + 1 } });
const counters = { read: 4, embedded: 2, unchanged: 1, skipped: 1, quarantined: 0 };
const settled = { phase: "recent", cursor: "60", counters, skippedBy: { empty: 1 }, quarantine: [] } as const;

describe("a checkpoint", () => {
  test("moves its phase's cursor and adds what was done, and leaves the others", async () => {
    await book.settle(settled);
    await book.settle({ ...settled, cursor: undefined, skippedBy: { empty: 2, poll: 1 } });
    expect(run.phases).toEqual([
      aPhase({
        cursor: undefined,
        counters: { read: 8, embedded: 4, unchanged: 2, skipped: 2, quarantined: 0 },
      } as never),
      aPhase({ name: "full" }),
    ]);
    expect(run.skippedBy).toEqual({ empty: 3, poll: 1 });
    expect(stored).toEqual(["run with 0", "run with 0"]);
  });

  test("has what was refused in its own commit; what does not fit there is written before it", async () => {
    const entries = (count: number) => Array.from({ length: count }, (_, n) => entry(n));
    await book.settle({ ...settled, quarantine: entries(400) });
    await book.settle({ ...settled, quarantine: entries(401) });
    expect(stored).toEqual(["run with 400", "1", "run with 400"]);
  });
});

describe("running time", () => {
  test("is booked with each change while it runs, and not while it waits", async () => {
    await clock.advance(100);
    await book.update(counted);
    expect(run.runningMs).toBe(100);
    await clock.advance(50);
    await book.update((each) => withBreaker(each, { openedAt: 0, probes: 0, nextProbeAt: 1, reason: "down" }, 1));
    expect([run.status, run.runningMs]).toEqual(["waiting", 150]);
    await clock.advance(1_000);
    await book.update((each) => withBreaker(each, undefined, 2));
    await clock.advance(7);
    await book.update(counted);
    expect([run.status, run.runningMs]).toEqual(["running", 157]);
  });

  test("is not lost by a look that changes nothing, or by a change that fails, nor booked twice by one made anew", async () => {
    await clock.advance(100);
    await book.update((each) => each);
    expect(stored).toEqual([]);
    fault = new Error("the archive is away");
    await expect(book.update(counted)).rejects.toThrow("away");
    fault = undefined;
    meanwhile = (each) => ({ ...each, pace: "full" });
    await book.update(counted);
    expect(run).toMatchObject({ runningMs: 100, pace: "full", batches: { sent: 1 } });
  });
});

describe("tokens", () => {
  test("are booked once with the next change, with their price", async () => {
    book.use(1_000_000, true);
    book.use(500_000, true);
    expect(run.used).toBeUndefined();
    await book.update(counted);
    expect(run.used).toEqual({ tokens: 1_500_000, isCounted: true, dollars: 3 });
    await book.update(counted);
    expect(run.used?.tokens).toBe(1_500_000);
    book.use(1, false);
    await book.update(counted);
    expect(run.used).toMatchObject({ tokens: 1_500_001, isCounted: false });
    book.use(1, true);
    await book.update(counted);
    expect(run.used?.isCounted).toBe(false);
  });

  test("are kept while nothing can be stored, or nothing is", async () => {
    book.use(10, true);
    await book.update((each) => each);
    fault = new Error("the archive is away");
    await expect(book.update(counted)).rejects.toThrow("away");
    fault = undefined;
    meanwhile = counted;
    await book.update(counted);
    expect(run.used?.tokens).toBe(10);
  });
});

test("the breaker makes a running run wait, and a waiting one run: no other", () => {
  const down = { openedAt: 1, probes: 0, nextProbeAt: 2, reason: "refused" };
  const waiting = withBreaker(fresh, down, 7);
  expect(waiting).toMatchObject({ status: "waiting", breaker: down, reason: { kind: "embedder-down" }, statusAt: 7 });
  expect(withBreaker(waiting, { ...down, probes: 1 }, 8)).toMatchObject({ status: "waiting", statusAt: 7 });
  expect(withBreaker(waiting, undefined, 9)).toMatchObject({ status: "running", statusAt: 9 });
  for (const status of ["pausing", "paused", "failed"] as const) {
    expect(withBreaker({ ...fresh, status }, down, 7)).toMatchObject({ status, breaker: down });
    expect(withBreaker({ ...fresh, status }, undefined, 7).status).toBe(status);
  }
});

test("what is ahead of the checkpoint is shown as read, phase by phase", () => {
  const ahead = { full: { read: 0, embedded: 3, unchanged: 0, skipped: 0, quarantined: 1 } };
  const shown = withAhead({ ...fresh, phases: [aPhase({ counters }), aPhase({ name: "full", counters })] }, ahead);
  expect(shown.phases.map((each) => each.counters)).toEqual([
    counters,
    { read: 8, embedded: 5, unchanged: 1, skipped: 1, quarantined: 1 },
  ]);
});
