// The one door through which a run changes: whoever changes it at the same time, nothing is overwritten, a pause least of all.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withBreaker } from "../../../src/backfill/run/checkpoints.ts";
import type { RunStatus } from "../../../src/backfill/run/facts.ts";
import { noCounters, type Run, withStatus } from "../../../src/backfill/run/run.ts";
import { createRunState, LeaseLost, type RunState } from "../../../src/backfill/run/run-state.ts";
import { GUILD, openSetup, type Setup, testEmbedder } from "../../support/engine.ts";

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ embedder: testEmbedder() });
});
afterEach(() => setup.close());

const run: Run = {
  version: 1,
  id: "run",
  guildId: GUILD,
  status: "running",
  reason: "started",
  statusAt: 0,
  startedAt: 0,
  startedBy: "1",
  cutoffId: "100",
  pace: "auto",
  source: "archive",
  phases: [
    {
      name: "recent",
      kind: "message",
      newestId: "100",
      oldestId: "1",
      planned: 9,
      cursor: "100",
      counters: noCounters,
    },
  ],
  runningMs: 0,
  skippedBy: {},
  batches: { sent: 0, failed: 0 },
  fingerprint: "f",
  indexTag: "t",
};

/** As seen by several who work on it at once, each with what it read last. */
async function states(count: number): Promise<RunState[]> {
  const before = await setup.runStore.load(GUILD);
  const saved = await setup.runStore.save(GUILD, run, before?.stamp);
  if (typeof saved === "string") throw new Error(saved);
  return Array.from({ length: count }, () =>
    createRunState(setup.runStore, GUILD, () => setup.ownership.lease(GUILD), saved),
  );
}

const counted = (each: Run): Run => ({ ...each, batches: { ...each.batches, sent: each.batches.sent + 1 } });
const paused = (each: Run): Run =>
  each.status === "running" || each.status === "waiting"
    ? withStatus(each, "pausing", { kind: "asked", by: "Grace" }, 1)
    : each;

test("changes made at once by several are all kept", async () => {
  const [one, other, third] = await states(3);
  await Promise.all(Array.from({ length: 30 }, (_, n) => [one, other, third][n % 3]?.update(counted)));
  expect((await setup.run()).batches.sent).toBe(30);
});

test("a pause asked for at any moment is never overwritten by those who work on the run", async () => {
  const down = { openedAt: 0, probes: 1, nextProbeAt: 9, reason: "down" };
  const changes: readonly ((each: Run) => Run)[] = [
    counted,
    (each) => withBreaker(each, down, 2),
    (each) => withBreaker(each, undefined, 2),
    (each) => ({ ...each, runningMs: each.runningMs + 1 }),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: changes.length - 1 }), { minLength: 1, maxLength: 12 }),
      fc.nat({ max: 12 }),
      async (order, at) => {
        const [worker, command] = await states(2);
        const statuses: RunStatus[] = [];
        const changing = order.map(async (which, n) => {
          if (n === at % order.length) await command?.update(paused);
          const updated = await worker?.update(changes[which] ?? counted);
          if (updated) statuses.push(updated.status);
        });
        await Promise.all(changing);
        expect(await setup.run()).toMatchObject({ status: "pausing", reason: { kind: "asked", by: "Grace" } });
        const since = statuses.indexOf("pausing");
        if (since >= 0) expect(new Set(statuses.slice(since))).toEqual(new Set(["pausing"]));
      },
    ),
    { seed: 3, numRuns: 25 },
  );
});

test("who has lost the guild changes nothing", async () => {
  const [state] = await states(1);
  await setup.ownership.release(GUILD);
  await expect(state?.update(counted)).rejects.toThrow(LeaseLost);
  expect((await setup.run()).batches.sent).toBe(0);
});
