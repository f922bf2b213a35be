import { describe, expect, test } from "vitest";
import type { Analysis, PhasePlan } from "../../../src/backfill/compare/survey.ts";
import { planRun } from "../../../src/backfill/lifecycle/new-run.ts";
import type { StartOptions } from "../../../src/backfill/lifecycle/outcomes.ts";
import { type PhaseName, runSchema } from "../../../src/backfill/run/run.ts";
import { snowflakeAt } from "../../../src/snowflake.ts";

const NOW = Date.UTC(2026, 5, 1);
const nothing = { records: 10, embedded: 10, missing: 0, stale: 0, skipped: 0, quarantined: 0, estimatedMs: undefined };
const phase = (name: PhaseName, newestId: string, found: Partial<PhasePlan> = {}): PhasePlan => ({
  ...nothing,
  name,
  kind: name === "notes" ? "note" : "message",
  newestId,
  oldestId: "1",
  ...found,
});
const plan = (phases: readonly PhasePlan[], options: Partial<StartOptions> = {}, orphaned = 0) =>
  planRun(
    { guildId: "90001234", phases, orphaned } as unknown as Analysis,
    { startedBy: "2", ...options },
    "print",
    NOW,
  );

describe("there is nothing to do", () => {
  test("when all is embedded, and all that is not lies in phases that were not chosen", () => {
    expect(plan([phase("recent", "900"), phase("full", "500")])).toBeUndefined();
    expect(
      plan([phase("recent", "900"), phase("full", "500", { missing: 3 })], { phases: ["recent"] }),
    ).toBeUndefined();
  });

  test("but not with one record missing or stale, or one row too many", () => {
    expect(plan([phase("recent", "900", { missing: 1 })])).toBeDefined();
    expect(plan([phase("recent", "900", { stale: 1 })])).toBeDefined();
    expect(plan([phase("recent", "900")], {}, 1)).toBeDefined();
  });

  test("but not when Discord may have more than is stored", () => {
    const run = plan([phase("recent", "900")], { source: "discord" });
    expect(run?.collection).toEqual({ finished: false, collected: 0, unreadable: [] });
  });
});

describe("a new run", () => {
  test("runs the chosen phases from their newest record, in their fixed order", () => {
    const phases = [phase("recent", "900"), phase("full", "500", { missing: 3 }), phase("notes", "900")];
    const run = plan(phases, { phases: ["notes", "full"], pace: "gentle" });
    expect(run?.phases.map(({ name, cursor, planned }) => [name, cursor, planned])).toEqual([
      ["full", "500", 10],
      ["notes", "900", 10],
    ]);
    expect(run).toMatchObject({ pace: "gentle", source: "archive", status: "running", startedBy: "2", startedAt: NOW });
  });

  test("of old messages only does not end history where they end", () => {
    expect(plan([phase("recent", "900"), phase("full", "500", { missing: 3 })], { phases: ["full"] })?.cutoffId).toBe(
      "900",
    );
    expect(plan([], {}, 1)?.cutoffId).toBe(snowflakeAt(NOW));
  });

  test("is one that can be stored, and tags the index by its own name", () => {
    const run = plan([phase("recent", "900", { missing: 1 })]);
    expect(runSchema.parse(run)).toEqual(run);
    expect(run?.id).toMatch(/-1234$/);
    expect(run).toMatchObject({ indexTag: `before-run-${run?.id}`, pace: "auto", fingerprint: "print" });
    expect(run?.collection).toBeUndefined();
  });
});
