import { describe, expect, test } from "vitest";
import { createRecovery } from "../../../src/backfill/lifecycle/recovery.ts";
import type { RunStatus } from "../../../src/backfill/run/facts.ts";
import { createRunState } from "../../../src/backfill/run/run-state.ts";
import { TransientError } from "../../../src/errors.ts";
import type { GuildIndex } from "../../../src/indexing/guild-index/guild-indexes.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { aLease, aRun, rememberingLogger, runsInMemory } from "../../support/runs.ts";

function setup(status: RunStatus | undefined, { model = "f", isAtWork = false } = {}) {
  const store = runsInMemory(status && aRun({ status }));
  const clock = createManualClock();
  const { events, logger } = rememberingLogger();
  const now = {
    isOurs: true,
    isClosed: false,
    failWith: undefined as Error | undefined,
    begun: 0,
    restored: 0,
    asked: 0,
  };
  const trouble = () => {
    now.asked += 1;
    if (now.failWith !== undefined) throw now.failWith;
  };
  const index = { stats: async () => trouble() };
  const recovery = createRecovery({
    indexes: {
      open: async () => ({ index }) as unknown as GuildIndex,
      space: { modelId: "m", dimensions: 1, fingerprint: model },
    },
    runStore: store,
    ownership: { lease: () => (now.isOurs ? aLease : undefined) },
    turns: { runExclusive: (_, work) => work(), isClosed: () => now.isClosed },
    clock,
    logger,
    stop: new AbortController().signal,
    isAtWork: () => isAtWork,
    stateOf: (_, stored) => createRunState(store, "1", () => aLease, stored),
    restore: () => {
      now.restored += 1;
    },
    begin: async () => {
      now.begun += 1;
    },
  });
  return { recovery, clock, events, now, run: () => store.current()?.value };
}

describe("a run whose process is gone", () => {
  test.each(["running", "waiting", "interrupted"] as const)("goes on by itself when it was %s", async (status) => {
    const { recovery, now, run } = setup(status);
    await recovery.recover("1");
    expect(run()).toMatchObject({ status: "running", reason: { kind: "resumed-by-itself" } });
    expect(now).toMatchObject({ begun: 1, restored: 1 });
  });

  test("is paused when that was asked for, with the reason that was given", async () => {
    const { recovery, now, run } = setup("pausing");
    await recovery.recover("1");
    expect(run()).toMatchObject({ status: "paused", reason: { kind: "started" } });
    expect(now.begun).toBe(0);
  });

  test.each(["paused", "failed", "succeeded", "cancelled"] as const)(
    "waits for an admin when it is %s",
    async (status) => {
      const { recovery, now, run } = setup(status);
      await recovery.recover("1");
      expect(run()).toEqual(aRun({ status }));
      expect(now).toMatchObject({ begun: 0, restored: 1 });
    },
  );

  test.each([
    ["interrupted", "paused"],
    ["running", "failed"],
    ["waiting", "failed"],
  ] as const)("and was %s is %s when the model has changed since", async (status, then) => {
    const { recovery, now, run } = setup(status, { model: "another" });
    await recovery.recover("1");
    expect(run()).toMatchObject({ status: then, reason: { kind: "model-changed" } });
    expect(now.begun).toBe(0);
  });

  test("is left alone by who works on it already, and there may be none", async () => {
    for (const { recovery, now } of [setup("running", { isAtWork: true }), setup(undefined)]) {
      await recovery.recover("1");
      expect(now).toMatchObject({ begun: 0, restored: 0 });
    }
  });
});

describe("a run that had to be left", () => {
  const because = { kind: "error", message: "disk is gone" } as const;

  test("is taken up when its index is there again: every five seconds it is looked for", async () => {
    const { recovery, clock, events, now } = setup("running");
    now.failWith = new TransientError("no disk");
    recovery.leave("1", aRun(), because);
    expect(recovery.left("1")).toEqual({ run: aRun(), because, at: 0 });
    await clock.advance(9_999);
    expect([now.asked, now.begun]).toEqual([2, 0]);
    now.failWith = undefined;
    await clock.advance(1);
    expect([now.asked, now.begun]).toEqual([3, 1]);
    expect(events).toEqual(["recover:failed", "recover:failed", "run:resumed"]);
  });

  test("is not tried again after a failure that does not pass, nor once the guild is another's, nor when all ends", async () => {
    const ends = [
      { failWith: new Error("damaged") },
      { failWith: new TransientError("no disk"), isOurs: false },
      { failWith: new TransientError("no disk"), isClosed: true },
    ];
    for (const [which, end] of ends.entries()) {
      const { recovery, clock, now } = setup("running");
      now.failWith = end.failWith;
      recovery.leave("1", aRun(), because);
      await clock.advance(1);
      Object.assign(now, end);
      await clock.advance(60_000);
      expect([which, now.asked]).toEqual([which, 1]);
    }
  });

  test("is forgotten as soon as somebody works on it, and then its index is not asked about", async () => {
    const { recovery, now } = setup("running");
    now.isOurs = false;
    recovery.leave("1", aRun(), undefined);
    recovery.forget("1");
    expect(recovery.left("1")).toBeUndefined();
    now.isOurs = true;
    await recovery.recover("1");
    expect([now.asked, now.begun]).toEqual([0, 1]);
  });
});
