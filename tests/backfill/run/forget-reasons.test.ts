import { expect, test } from "vitest";
import { forgetReasons } from "../../../src/backfill/run/forget-reasons.ts";
import { aRun, runsInMemory } from "../../support/runs.ts";

const failedAt = (at: number) => ({
  at,
  texts: 1,
  reason: `bad text ${at}`,
  waited: 0,
  retried: 1,
  halved: 0,
  setAside: 0,
});
const reasons = (store: ReturnType<typeof runsInMemory>) =>
  store.current()?.value.failedBatches?.map(({ reason }) => reason);

test("reasons from before the moment go, and the batches stay", async () => {
  const store = runsInMemory(aRun({ failedBatches: [failedAt(99), failedAt(100)] }));
  await forgetReasons(store, "1", 100);
  expect(reasons(store)).toEqual(["", "bad text 100"]);
});

test("a run without such reasons is not stored anew", async () => {
  for (const run of [aRun(), aRun({ failedBatches: [failedAt(100), { ...failedAt(1), reason: "" }] })]) {
    const store = runsInMemory(run);
    await forgetReasons(store, "1", 100);
    expect(store.current()?.stamp).toBe("1");
  }
  await forgetReasons(runsInMemory(), "1", 100);
});

test("a run that changes meanwhile keeps the change, and the reasons go all the same", async () => {
  const store = runsInMemory(aRun({ failedBatches: [failedAt(1)] }));
  store.meddle((run) => ({ ...run, runningMs: 5, failedBatches: [failedAt(1), failedAt(2)] }));
  await forgetReasons(store, "1", 100);
  expect(reasons(store)).toEqual(["", ""]);
  expect(store.current()?.value.runningMs).toBe(5);
});
