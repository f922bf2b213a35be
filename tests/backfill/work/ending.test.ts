import { describe, expect, test } from "vitest";
import type { Verification } from "../../../src/backfill/compare/verify.ts";
import type { BackfillStatus } from "../../../src/backfill/reporting/announcements.ts";
import type { RunStatus } from "../../../src/backfill/run/facts.ts";
import { noCounters } from "../../../src/backfill/run/run.ts";
import { createRunState, LeaseLost } from "../../../src/backfill/run/run-state.ts";
import { createEnding } from "../../../src/backfill/work/ending.ts";
import { aLease, aRun, rememberingLogger, runsInMemory } from "../../support/runs.ts";

const verification = { criteria: [] } as unknown as Verification;

function ending(status: RunStatus, parts: { post?: () => Promise<void>; update?: () => Promise<never> } = {}) {
  const phases = aRun().phases.map((phase) => ({ ...phase, counters: { ...noCounters, read: 10, embedded: 10 } }));
  const initial = aRun({ status, phases });
  const store = runsInMemory(initial);
  const state = createRunState(store, "1", () => aLease, { value: initial, stamp: "1" });
  const done: string[] = [];
  const { events, logger } = rememberingLogger();
  const end = createEnding({
    guildId: "1",
    update: parts.update ?? state.update,
    showProgress: async () => void done.push("shows progress"),
    reporter: {
      async post(announcement) {
        if (announcement.kind !== "report") throw new Error(announcement.kind);
        done.push(`reports ${announcement.verification === verification ? "what was checked" : "without a check"}`);
        await parts.post?.();
        return true;
      },
    },
    status: async () => ({}) as BackfillStatus,
    onSucceeded: async () => void done.push("follows up"),
    clock: { now: () => 9 },
    logger,
  });
  return { end, done, events, run: () => store.current()?.value };
}

describe("a run that has been checked", () => {
  test("has succeeded: what follows from that is done before it is told", async () => {
    const { end, done, run } = ending("running");
    await end.checked(verification);
    expect(run()).toMatchObject({ status: "succeeded", finishedAt: 9 });
    expect(done).toEqual(["follows up", "shows progress", "reports what was checked"]);
  });

  test("and is to pause has not, and nothing follows", async () => {
    const { end, done, run } = ending("pausing");
    await end.checked(verification);
    expect(run()?.status).toBe("paused");
    expect(done).toEqual(["shows progress", "reports what was checked"]);
  });

  test("stays succeeded when nobody can be told", async () => {
    const { end, events, run } = ending("running", { post: () => Promise.reject(new Error("no such channel")) });
    await end.checked(verification);
    expect(run()?.status).toBe("succeeded");
    expect(events).toEqual(["run:end-untold"]);
  });
});

test("a run that is stopped is shown as it is now, without a report", async () => {
  const { end, done, run } = ending("running");
  await end.stopped();
  expect(run()).toMatchObject({ status: "interrupted", statusAt: 9 });
  expect(done).toEqual(["shows progress"]);
});

describe("a run that fails", () => {
  test.each(["running", "pausing", "waiting"] as const)(
    "while it is %s says why, whatever was thrown",
    async (status) => {
      const { end, done, events, run } = ending(status);
      await end.failed("out of luck");
      expect(run()).toMatchObject({ status: "failed", reason: { kind: "error", message: "out of luck" } });
      expect(done).toEqual(["shows progress", "reports without a check"]);
      expect(events).toEqual(["run:failed"]);
    },
  );

  test("stays what it is when it is settled already", async () => {
    const { end, run } = ending("paused");
    await end.failed(new Error("too late"));
    expect(run()).toMatchObject({ status: "paused", reason: { kind: "started" } });
  });
});

describe("a run that has to be left", () => {
  test("waits until something can be stored again, and nobody is told yet", async () => {
    const { end, done, run } = ending("running");
    expect(await end.left(new Error("disk is gone"))).toEqual({ kind: "error", message: "disk is gone" });
    expect(run()).toMatchObject({ status: "waiting", reason: { kind: "error", message: "disk is gone" } });
    expect(done).toEqual([]);
  });

  test("keeps a pause that was asked for", async () => {
    const { end, events, run } = ending("pausing");
    await end.left(new Error("disk is gone"));
    expect([run()?.status, events]).toEqual(["pausing", ["run:left"]]);
  });

  test("is not touched when another process owns the guild", async () => {
    const { end, run } = ending("running");
    expect(await end.left(new LeaseLost("taken-over"))).toEqual({ kind: "lease-lost", how: "taken-over" });
    expect(run()?.status).toBe("running");
  });

  test("is left for its first reason when that cannot be stored either", async () => {
    const { end, events } = ending("running", { update: () => Promise.reject(new Error("still gone")) });
    expect(await end.left(new Error("disk is gone"))).toEqual({ kind: "error", message: "disk is gone" });
    expect(events).toEqual(["run:left", "run:waits-unstored"]);
  });
});
