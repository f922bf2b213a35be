import { expect, test } from "vitest";
import type { Analysis } from "../../../src/backfill/compare/survey.ts";
import { requireOwnership, type StartingParts, storeNewRun } from "../../../src/backfill/lifecycle/start.ts";
import type { Run } from "../../../src/backfill/run/run.ts";
import type { Ownership } from "../../../src/indexing/guild-index/ownership.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { aLease, aRun, type RunsInMemory, rememberingLogger, runsInMemory } from "../../support/runs.ts";

const phase = { name: "recent", kind: "message", newestId: "100", oldestId: "1", records: 10, missing: 1, stale: 0 };
const analysis = (given: Partial<Analysis> = {}) =>
  ({ guildId: "1", phases: [phase], orphaned: 0, preflight: [], ...given }) as unknown as Analysis;

function starting(runStore: RunsInMemory | Pick<RunsInMemory, "load" | "save">) {
  const tagged: string[] = [];
  const parts = {
    runStore,
    indexes: {
      space: { fingerprint: "print" },
      open: async () => ({ index: { tag: async (tag: string) => tagged.push(tag) } }),
    },
    ownership: { lease: () => aLease },
    clock: createManualClock(),
    logger: rememberingLogger().logger,
    command: "/backfill",
  } as unknown as StartingParts;
  const start = (found: Analysis, before?: Run) => storeNewRun(parts, "1", { startedBy: "2" }, found, before);
  return { tagged, start };
}
const check = (ok: boolean) => ({ name: "disk", ok, detail: { kind: "content" } }) as const;
const changedMeanwhile = { refusal: { kind: "changed-meanwhile", command: "/backfill" } };

test("one failed check is enough to refuse, and then neither index nor run is touched", async () => {
  const store = runsInMemory();
  const { tagged, start } = starting(store);
  expect(await start(analysis({ preflight: [check(true), check(false)] }))).toMatchObject({ outcome: "refused" });
  expect(await start(analysis({ phases: [] }))).toMatchObject({ outcome: "nothing-to-do" });
  expect([tagged, store.current()]).toEqual([[], undefined]);
});

test("a new run takes the place of the one before, with the alerts that are on now", async () => {
  const alerts = [{ name: "disk-low", detail: "", raisedAt: 3 }] as const;
  const before = aRun({ id: "former", status: "succeeded" });
  const store = runsInMemory({ ...before, alerts: [...alerts] });
  const { tagged, start } = starting(store);
  expect(await start(analysis({ preflight: [check(true)] }), before)).toEqual(store.current());
  expect(store.current()?.value).toMatchObject({ status: "running", alerts, fingerprint: "print" });
  expect(tagged).toEqual([store.current()?.value.indexTag]);
});

test("a run that somebody else has started since the analysis began is not replaced", async () => {
  const store = runsInMemory(aRun({ id: "theirs" }));
  await expect(starting(store).start(analysis())).rejects.toMatchObject(changedMeanwhile);
  await expect(starting(store).start(analysis(), aRun({ id: "former" }))).rejects.toMatchObject(changedMeanwhile);
  expect(store.current()?.value.id).toBe("theirs");
});

test("nor one that changes at the last moment, and nothing is stored when the guild was lost", async () => {
  const former = aRun({ id: "former", status: "paused" });
  const store = runsInMemory(former);
  store.meddle((run) => ({ ...run, status: "running" }));
  await expect(starting(store).start(analysis(), former)).rejects.toMatchObject(changedMeanwhile);
  expect(store.current()?.value).toMatchObject({ id: "former", status: "running" });
  const lost = { load: async () => undefined, save: async () => "lease-lost" as const };
  await expect(starting(lost).start(analysis())).rejects.toMatchObject(changedMeanwhile);
});

test("who does not own the guild is told who does", () => {
  const owned = (lease: unknown) =>
    ({ lease: () => lease, heldElsewhere: () => "host, process 7" }) as unknown as Ownership;
  expect(() => requireOwnership(owned(aLease), "1")).not.toThrow();
  expect(() => requireOwnership(owned(undefined), "1")).toThrow(
    expect.objectContaining({ refusal: { kind: "not-owned", holder: "host, process 7" } }),
  );
});
