import { describe, expect, test } from "vitest";
import { pauseRun } from "../../../src/backfill/lifecycle/pause.ts";
import type { RunStatus } from "../../../src/backfill/run/facts.ts";
import { createRunState } from "../../../src/backfill/run/run-state.ts";
import type { ActiveRun } from "../../../src/backfill/work/active-run.ts";
import type { Ownership } from "../../../src/indexing/guild-index/ownership.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { aLease, aRun, runsInMemory } from "../../support/runs.ts";

const asked = { kind: "asked", by: "Grace" } as const;

function setup(status: RunStatus | undefined, { isOurs = true, isAtWork = false } = {}) {
  const initial = status && aRun({ status });
  const store = runsInMemory(initial);
  const clock = createManualClock();
  const done: string[] = [];
  const state = () =>
    createRunState(store, "1", () => aLease, { value: aRun({ status: status ?? "running" }), stamp: "1" });
  const running = {
    state: state(),
    pause: async () => void done.push("is asked"),
    abandon: () => void done.push("gives up its batches"),
  } as unknown as ActiveRun;
  const ownership = { lease: () => (isOurs ? aLease : undefined) } as unknown as Ownership;
  const parts = { ownership, runStore: store, clock };
  const pause = () => pauseRun(parts, "1", isAtWork ? running : undefined, state, asked);
  return { pause, done, clock, meddle: store.meddle, run: () => store.current()?.value };
}

describe("a run that this process works on", () => {
  test("is asked to pause, and asked again for five minutes", async () => {
    const { pause, done, clock, run } = setup("pausing", { isAtWork: true });
    await clock.advance(5 * 60_000);
    expect(await pause()).toBe("pausing");
    expect([done, run()?.status]).toEqual([["is asked"], "pausing"]);
  });

  test("is paused without its batches after that", async () => {
    const { pause, done, clock, run } = setup("pausing", { isAtWork: true });
    await clock.advance(5 * 60_000 + 1);
    expect(await pause()).toBe("forced");
    expect(done).toEqual(["gives up its batches"]);
    expect(run()).toMatchObject({ status: "paused", reason: asked });
  });

  test("is never forced while it only runs, however long it has", async () => {
    const { pause, done, clock } = setup("running", { isAtWork: true });
    await clock.advance(60 * 60_000);
    expect(await pause()).toBe("pausing");
    expect(done).toEqual(["is asked"]);
  });
});

test.each(["running", "waiting", "pausing"] as const)(
  "a run that is %s, and nobody's any more, is paused",
  async (status) => {
    const { pause, run } = setup(status);
    expect(await pause()).toBe("paused");
    expect(run()).toMatchObject({ status: "paused", reason: asked });
  },
);

describe("a run that is another process's", () => {
  const elsewhere = { isOurs: false };

  test.each(["running", "waiting"] as const)(
    "while it is %s gets the request for its owner to find",
    async (status) => {
      const { pause, run } = setup(status, elsewhere);
      expect(await pause()).toBe("pausing");
      expect(run()).toMatchObject({ status: "pausing", reason: asked });
    },
  );

  test("is not asked twice", async () => {
    const { pause, run } = setup("pausing", elsewhere);
    expect(await pause()).toBe("pausing");
    expect(run()?.reason).toEqual({ kind: "started" });
  });

  test("keeps what its owner stores in between, and is asked all the same", async () => {
    const { pause, meddle, run } = setup("running", elsewhere);
    meddle((each) => ({ ...each, runningMs: 77 }));
    expect(await pause()).toBe("pausing");
    expect(run()).toMatchObject({ status: "pausing", runningMs: 77 });
  });

  test("and ends in between is left alone", async () => {
    const { pause, meddle, run } = setup("running", elsewhere);
    meddle((each) => ({ ...each, status: "succeeded" }));
    expect(await pause()).toBe("nothing-running");
    expect(run()?.status).toBe("succeeded");
  });

  test.each([undefined, "paused", "interrupted", "succeeded"] as const)("and %s cannot be paused", async (status) => {
    expect(await setup(status, elsewhere).pause()).toBe("nothing-running");
  });
});
