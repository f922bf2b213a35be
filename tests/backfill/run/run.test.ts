import { describe, expect, test } from "vitest";
import { type RunStatus, runStatuses } from "../../../src/backfill/run/facts.ts";
import {
  addCounters,
  canBecome,
  currentPhase,
  isActive,
  isBalanced,
  isResumable,
  noCounters,
  type Run,
  runSchema,
  totals,
  transitions,
  withStatus,
} from "../../../src/backfill/run/run.ts";
import { aPhase, aRun } from "../../support/runs.ts";

const run = (given: Partial<Run> = {}) => aRun({ reason: "started", ...given });

/** Written out once more: whoever changes the table must mean it. */
const allowed: Record<RunStatus, readonly RunStatus[]> = {
  running: ["pausing", "waiting", "interrupted", "succeeded", "failed", "cancelled"],
  pausing: ["paused", "interrupted", "failed"],
  paused: ["running", "cancelled"],
  waiting: ["running", "pausing", "interrupted", "failed", "cancelled"],
  interrupted: ["running", "paused", "cancelled"],
  failed: ["running", "cancelled"],
  succeeded: ["cancelled"],
  cancelled: [],
};

describe("the table of statuses", () => {
  const because = { kind: "asked", by: "Grace" } as const;
  const pairs = runStatuses.flatMap((from) => runStatuses.map((to) => [from, to] as const));

  test.each(pairs.filter(([from, to]) => allowed[from].includes(to)))(
    "lets %s become %s, and has a reason for it",
    (from, to) => {
      const reasons: Partial<Record<RunStatus, string>> = transitions[from];
      expect(reasons[to]).toMatch(/\w+ \w+/);
      const changed = withStatus(run({ status: from, finishedAt: 1 }), to, because, 7);
      expect(changed).toMatchObject({ status: to, reason: because, statusAt: 7 });
      expect(changed.finishedAt).toBe(["succeeded", "failed", "cancelled"].includes(to) ? 7 : undefined);
    },
  );

  test.each(pairs.filter(([from, to]) => !allowed[from].includes(to)))("refuses to let %s become %s", (from, to) => {
    expect(canBecome(from, to)).toBe(false);
    expect(() => withStatus(run({ status: from }), to, because, 7)).toThrow(`from ${from} to ${to}`);
  });

  test("every status but cancelled has a way on, a rolled-back run has none", () => {
    expect(runStatuses.filter((status) => Object.keys(transitions[status]).length === 0)).toEqual(["cancelled"]);
  });

  test("a run is at work, resumable or at its end", () => {
    expect(runStatuses.filter(isActive)).toEqual(["running", "pausing", "waiting"]);
    expect(runStatuses.filter(isResumable)).toEqual(["paused", "interrupted", "failed"]);
  });
});

describe("counters", () => {
  test("add up, and balance when everything read is accounted for", () => {
    const some = { read: 10, embedded: 4, unchanged: 3, skipped: 2, quarantined: 1 };
    expect(addCounters(some, some)).toEqual({ read: 20, embedded: 8, unchanged: 6, skipped: 4, quarantined: 2 });
    expect(isBalanced(some)).toBe(true);
    expect(isBalanced({ ...some, embedded: 5 })).toBe(false);
  });

  test("of all phases make the totals; what remains is what open phases have not read", () => {
    const counters = { read: 4, embedded: 4, unchanged: 0, skipped: 0, quarantined: 0 };
    const { cursor: _, ...finished } = aPhase({ planned: 6, counters });
    const open = aPhase({ name: "medium", planned: 10, counters });
    // More was read than planned: never less than nothing.
    const grown = aPhase({ name: "full", planned: 3, counters });
    expect(totals(run({ phases: [finished, open, grown] }))).toMatchObject({
      planned: 19,
      read: 12,
      embedded: 12,
      remaining: 6,
    });
    expect(currentPhase(run({ phases: [finished, open, grown] }))?.name).toBe("medium");
    expect(currentPhase(run({ phases: [finished] }))).toBeUndefined();
  });
});

test("a stored run is validated: one with a wrong status, version or counter is refused", () => {
  expect(runSchema.parse(run())).toEqual(run());
  for (const wrong of [
    { ...run(), status: "resting" },
    { ...run(), version: 2 },
    { ...run(), phases: [] },
  ]) {
    expect(runSchema.safeParse(wrong).success).toBe(false);
  }
  expect(runSchema.safeParse(run({ phases: [aPhase({ counters: { ...noCounters, read: -1 } })] })).success).toBe(false);
});
