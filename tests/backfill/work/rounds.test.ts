import { expect, test } from "vitest";
import type { AlertName } from "../../../src/backfill/run/alerts.ts";
import type { RunStatus } from "../../../src/backfill/run/facts.ts";
import { roundsOf } from "../../../src/backfill/work/rounds.ts";
import { aRun } from "../../support/runs.ts";

/** Each round once, in their order. @returns what was done */
async function once(status: RunStatus, on: readonly AlertName[] = []): Promise<string[]> {
  const done: string[] = [];
  const rounds = roundsOf(
    { recheck: async () => aRun({ status }) },
    { take: () => void done.push("sample") },
    { memory: (isShort) => void done.push(isShort ? "memory is short" : "memory is fine") },
    { active: () => on.map((name) => ({ name, detail: "", raisedAt: 0 })) },
    async () => void done.push("progress"),
    () => void done.push("pauses"),
  );
  for (const { act } of rounds) await act();
  return done;
}

test("a run that runs is sampled, shown and read again, and nothing else happens", async () => {
  expect(await once("running")).toEqual(["sample", "memory is fine", "progress"]);
});

test("the pace is told that memory is short by that alert alone", async () => {
  expect(await once("running", ["disk-low", "memory-high"])).toContain("memory is short");
  expect(await once("running", ["disk-low", "slow-embedder"])).toContain("memory is fine");
});

test("a pause that was asked for elsewhere is told; a run that waits, or is over, is not paused", async () => {
  expect(await once("pausing")).toContain("pauses");
  for (const status of ["waiting", "paused", "cancelled"] as const) expect(await once(status)).not.toContain("pauses");
});
