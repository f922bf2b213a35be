// Taking up a run that was left, as it was or by another plan.

import { describe, expect, test } from "vitest";
import { changePlan, isLeftOver, planDifferences, takenUp } from "../../../src/backfill/lifecycle/plan-change.ts";
import { cancelled } from "../../../src/backfill/lifecycle/rollback.ts";
import { runStatuses } from "../../../src/backfill/run/facts.ts";
import { noCounters, type Phase, type PhaseName, type Run } from "../../../src/backfill/run/run.ts";

const counters = { read: 5, embedded: 5, unchanged: 0, skipped: 0, quarantined: 0 };
const phase = (name: PhaseName, given: Partial<Phase> = {}): Phase => ({
  name,
  kind: name === "notes" ? "note" : "message",
  newestId: "100",
  oldestId: "1",
  planned: 10,
  cursor: "60",
  counters,
  ...given,
});
const run = (given: Partial<Run> = {}): Run => ({
  version: 1,
  id: "run",
  guildId: "1",
  status: "paused",
  reason: "started",
  statusAt: 0,
  startedAt: 0,
  startedBy: "2",
  cutoffId: "100",
  pace: "gentle",
  source: "archive",
  phases: [phase("recent"), phase("full")],
  runningMs: 0,
  skippedBy: { empty: 2 },
  batches: { sent: 3, failed: 0 },
  fingerprint: "f",
  indexTag: "t",
  ...given,
});
const by = { startedBy: "2" };
const surveyed = (["recent", "medium", "full", "notes"] as const).map((name) => ({
  name,
  kind: name === "notes" ? ("note" as const) : ("message" as const),
  newestId: "100",
  oldestId: "1",
  records: 20,
  missing: 20,
  stale: 0,
  embedded: 0,
  skipped: 0,
  quarantined: 0,
}));

test("of a run that is left, something is left to do: not of one that succeeded or was rolled back", () => {
  expect(runStatuses.filter((status) => !isLeftOver(run({ status })))).toEqual(["succeeded", "cancelled"]);
});

test("whatever is left over runs again: what was active when its process went is interrupted first", () => {
  for (const status of runStatuses.filter((each) => isLeftOver(run({ status: each })))) {
    const again = takenUp(run({ status, finishedAt: 1 }), { kind: "resumed", from: status }, 7);
    expect(again).toMatchObject({ status: "running", reason: { kind: "resumed", from: status }, statusAt: 7 });
    expect(again.finishedAt).toBeUndefined();
  }
});

test("what is rolled back is cancelled from every status, and once", () => {
  for (const status of runStatuses) {
    const back = cancelled(run({ status }), { kind: "rolled-back", by: "Grace" }, 7);
    expect(back.status).toBe("cancelled");
    expect(cancelled(back, { kind: "rolled-back", by: "Ada" }, 9)).toBe(back);
  }
});

describe("what is asked for otherwise", () => {
  test("is nothing where it is not asked for, or is the same in another order", () => {
    expect(planDifferences(run(), by)).toEqual([]);
    expect(planDifferences(run(), { ...by, phases: ["full", "recent"], pace: "gentle", source: "archive" })).toEqual(
      [],
    );
  });

  test("is told option by option, as it was and as it is to be", () => {
    expect(planDifferences(run(), { ...by, phases: ["notes", "recent"], pace: "full", source: "discord" })).toEqual([
      { option: "phases", asked: ["recent", "notes"], planned: ["recent", "full"] },
      { option: "pace", asked: ["full"], planned: ["gentle"] },
      { option: "source", asked: ["discord"], planned: ["archive"] },
    ]);
  });
});

describe("another plan", () => {
  test("lets phases that the run knows go on where they are, and begins the others", () => {
    const changed = changePlan(run(), { ...by, phases: ["full", "notes"] }, surveyed);
    expect(changed.phases).toEqual([
      phase("full"),
      phase("notes", { cursor: "100", planned: 20, counters: noCounters }),
    ]);
    expect(changed).toMatchObject({ source: "archive", pace: "gentle", skippedBy: { empty: 2 } });
    expect(changed.collection).toBeUndefined();
  });

  test("keeps the phases and the rest where only the pace is another", () => {
    expect(changePlan(run(), { ...by, pace: "full" }, surveyed)).toEqual({ ...run(), pace: "full" });
  });

  test("begins all of it anew where history is to be collected first: it may lie anywhere", () => {
    const changed = changePlan(run(), { ...by, source: "discord" }, surveyed);
    expect(changed.phases.map(({ name, cursor, counters: of }) => [name, cursor, of])).toEqual([
      ["recent", "100", noCounters],
      ["full", "100", noCounters],
    ]);
    expect(changed).toMatchObject({
      source: "discord",
      skippedBy: {},
      collection: { finished: false, collected: 0, unreadable: [] },
    });
  });

  test("of a run that collects already leaves its collection and its phases where they are", () => {
    const collection = { finished: true, collected: 9, unreadable: [] };
    const before = run({ source: "discord", collection });
    const changed = changePlan(before, { ...by, source: "discord" }, surveyed);
    expect(changed).toEqual(before);
    const archived = changePlan(before, { ...by, source: "archive" }, surveyed);
    expect(archived).toEqual({ ...before, source: "archive" });
  });
});
