// The verdict on a run at its end.

import { describe, expect, test } from "vitest";
import type { Criterion, Verification } from "../../../src/backfill/compare/verify.ts";
import type { RunStatus } from "../../../src/backfill/run/facts.ts";
import { type Counters, noCounters, type Run } from "../../../src/backfill/run/run.ts";
import { concluded, stoppedShort } from "../../../src/backfill/work/final-check.ts";

const run = (status: RunStatus, counters: Partial<Counters>, planned = 10): Run => ({
  version: 1,
  id: "run",
  guildId: "1",
  status,
  reason: { kind: "asked", by: "Grace" },
  statusAt: 0,
  startedAt: 0,
  startedBy: "2",
  cutoffId: "100",
  pace: "auto",
  source: "archive",
  phases: [
    {
      name: "recent",
      kind: "message",
      newestId: "100",
      oldestId: "1",
      planned,
      counters: { ...noCounters, ...counters },
    },
  ],
  runningMs: 0,
  skippedBy: {},
  batches: { sent: 0, failed: 0 },
  breaker: { openedAt: 0, probes: 1, nextProbeAt: 1, reason: "down" },
  fingerprint: "f",
  indexTag: "t",
});

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
