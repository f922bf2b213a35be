import { describe, expect, test } from "vitest";
import { cancelled, requireRollable, rollBack } from "../../../src/backfill/lifecycle/rollback.ts";
import { type RunStatus, runStatuses } from "../../../src/backfill/run/facts.ts";
import { createRunState } from "../../../src/backfill/run/run-state.ts";
import type { IndexWriter } from "../../../src/indexing/guild-index/writer.ts";
import { aLease, aRun, runsInMemory } from "../../support/runs.ts";

function rolling(status: RunStatus, rows: () => number) {
  const store = runsInMemory(aRun({ status }));
  const state = createRunState(store, "1", () => aLease, { value: aRun({ status }), stamp: "1" });
  const seen: unknown[] = [];
  const index = {
    async removeRun(id: string) {
      seen.push([id, store.current()?.value.status]);
      return rows();
    },
  };
  const writer = { exclusively: (work: (only: typeof index) => unknown) => work(index) } as unknown as IndexWriter;
  return { seen, run: () => store.current()?.value, roll: () => rollBack(state, writer, "Grace", 9) };
}

describe("taking a run back", () => {
  test("cancels it before its rows go, so that nobody resumes it with half of them", async () => {
    const { seen, run, roll } = rolling("paused", () => 3);
    expect(await roll()).toBe(3);
    expect(seen).toEqual([["run", "cancelled"]]);
    expect(run()).toMatchObject({ status: "cancelled", reason: { kind: "rolled-back", by: "Grace" }, finishedAt: 9 });
  });

  test("leaves it cancelled when its rows cannot be removed, and can be done again then", async () => {
    const { run, roll } = rolling("paused", () => {
      throw new Error("no disk");
    });
    await expect(roll()).rejects.toThrow("no disk");
    expect(run()?.status).toBe("cancelled");
    expect(await rolling("cancelled", () => 2).roll()).toBe(2);
  });

  test("is refused the second time when nothing was left over; a first time may find no rows", async () => {
    await expect(rolling("cancelled", () => 0).roll()).rejects.toMatchObject({
      refusal: { kind: "rolled-back-already" },
    });
    expect(await rolling("succeeded", () => 0).roll()).toBe(0);
  });

  test("needs a run, at which nobody works", () => {
    const stored = { value: aRun(), stamp: "1" };
    const refused = (kind: string) => expect.objectContaining({ refusal: expect.objectContaining({ kind }) });
    expect(requireRollable(stored, false)).toBe(stored);
    expect(() => requireRollable(stored, true)).toThrow(refused("still-at-work"));
    expect(() => requireRollable(undefined, false)).toThrow(refused("no-run"));
  });
});

test("a run can be cancelled from every status, and a cancelled one keeps its reason", () => {
  const reason = { kind: "rolled-back", by: "Grace" } as const;
  for (const status of runStatuses) {
    const run = aRun({ status });
    expect(cancelled(run, reason, 9)).toEqual(
      status === "cancelled" ? run : { ...run, status: "cancelled", reason, statusAt: 9, finishedAt: 9 },
    );
  }
});
