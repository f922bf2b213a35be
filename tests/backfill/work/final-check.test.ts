// The verdict on a run at its end.

import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/adapters/system.ts";
import type { Criterion, Verification } from "../../../src/backfill/compare/verify.ts";
import type { RunStatus } from "../../../src/backfill/run/facts.ts";
import { type Counters, noCounters, type Run } from "../../../src/backfill/run/run.ts";
import { checkFinally, concluded, type FinalCheckParts, stoppedShort } from "../../../src/backfill/work/final-check.ts";
import { aPhase, aRun } from "../../support/runs.ts";

const run = (status: RunStatus, counters: Partial<Counters>, planned = 10): Run => {
  const { cursor: _, ...finished } = aPhase({ planned, counters: { ...noCounters, ...counters } });
  return aRun({
    status,
    reason: { kind: "asked", by: "Grace" },
    phases: [finished],
    breaker: { openedAt: 0, probes: 1, nextProbeAt: 1, reason: "down" },
  });
};

const accounts = { planned: 10, read: 10, embedded: 9, unchanged: 0, skipped: 0, quarantined: 0, remaining: 0 };

const found = (accounting: boolean): Verification => ({
  at: 0,
  tookMs: 0,
  records: 10,
  embedded: 10,
  skipped: 0,
  quarantined: 0,
  missing: 0,
  stale: 0,
  orphaned: 0,
  duplicates: 0,
  badVectors: 0,
  selfRetrieval: { tried: 0, found: 0 },
  searchMs: { p50: 0, p95: 0 },
  criteria: [{ name: "accounting", ok: accounting, accounts } satisfies Criterion],
  sample: [],
});

const all = { read: 10, embedded: 10 };

describe("a run that has come to its end", () => {
  test("has succeeded when its books balance, and remembers no breaker", () => {
    for (const status of ["running", "waiting"] as const) {
      const ended = concluded(run(status, all), found(true), 5);
      expect(ended).toMatchObject({ status: "succeeded", finishedAt: 5 });
      expect(ended.breaker).toBeUndefined();
    }
  });

  test("has failed when they do not", () => {
    const ended = concluded(run("running", all), found(false), 5);
    expect(ended.status).toBe("failed");
    expect(ended.reason).toEqual({ kind: "accounts-differ", accounts });
  });

  test("has failed when none of its records could be embedded", () => {
    const ended = concluded(run("running", { read: 10, quarantined: 9, skipped: 1 }), found(true), 5);
    expect(ended.status).toBe("failed");
    expect(ended.reason).toEqual({ kind: "nothing-embedded", planned: 10 });
  });

  test("has succeeded when there was nothing to embed in any of them", () => {
    expect(concluded(run("running", { read: 10, skipped: 10 }), found(true), 5).status).toBe("succeeded");
  });

  test("is paused, not overwritten, when a pause was asked for at the last moment", () => {
    expect(concluded(run("pausing", all), found(true), 5)).toMatchObject({
      status: "paused",
      reason: { kind: "asked", by: "Grace" },
    });
  });
});

describe("the check at the end", () => {
  /** @param counts how many rows there are, time after time */
  function checked(counts: number[], optimize: () => Promise<void>) {
    const said: string[] = [];
    const parts = {
      index: {
        count: async () => counts.shift() ?? 0,
        async optimize() {
          said.push("upkeep begins");
          await optimize();
          said.push("upkeep ends");
        },
      },
      breaker: { whenClosed: async () => undefined, state: () => undefined },
      run: () => run("running", all),
      async verify(_: Run, ready: Promise<unknown>) {
        said.push("compares");
        await ready;
        said.push("searches");
        return { verification: found(true), toRepair: [] };
      },
      repair: async () => undefined,
      doubtsSettled: async () => undefined,
      areVectorsRight: async () => true,
      retrySuspects: async () => ({ marked: 0, nextAt: undefined }),
      stillSetAside: async () => 0,
      update: async () => undefined,
      clock: systemClock,
      onActivity: ({ kind }: { kind: string }) => void said.push(kind),
      stop: new AbortController().signal,
    } as unknown as FinalCheckParts;
    return { said, checking: checkFinally(parts) };
  }
  const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

  test("compares while upkeep is under way, and searches when the index is in order", async () => {
    const { said, checking } = checked([10, 10], soon);
    expect((await checking)?.embedded).toBe(10);
    const meanwhile = ["index-upkeep", "upkeep begins", "compares", "upkeep ends", "final-check", "searches"];
    expect(said).toEqual(["changed-records", ...meanwhile]);
  });

  test("compares once more when rows have gone meanwhile", async () => {
    const { said, checking } = checked([10, 9], soon);
    await checking;
    expect(said.slice(-3)).toEqual(["searches", "compares", "searches"]);
  });

  test("fails with an upkeep that fails", async () => {
    const { checking } = checked([10, 10], async () => {
      await soon();
      throw new Error("no space left");
    });
    await expect(checking).rejects.toThrow("no space left");
  });
});

test("a run that was stopped before its end is paused if that was asked for, else interrupted; a settled one stays", () => {
  const after = (status: RunStatus) => stoppedShort(run(status, {}), 5).status;
  expect([after("pausing"), after("running"), after("waiting"), after("paused"), after("failed")]).toEqual([
    "paused",
    "interrupted",
    "interrupted",
    "paused",
    "failed",
  ]);
});
