import { expect, test } from "vitest";
import { usedOfBudget } from "../../../src/backfill/run/budget.ts";

const used = { month: "2026-11", tokens: 700, share: 0.7, isSpent: false };

test("what is used is told in the unit of the budget, and nothing without one", () => {
  expect(usedOfBudget({ ...used, dollars: 3, budget: undefined })).toBeUndefined();
  expect(usedOfBudget({ ...used, dollars: 3, budget: { tokens: 1_000 } })).toEqual({
    unit: "tokens",
    used: 700,
    of: 1_000,
  });
  expect(usedOfBudget({ ...used, dollars: 3, budget: { dollars: 5 } })).toEqual({ unit: "dollars", used: 3, of: 5 });
  expect(usedOfBudget({ ...used, dollars: undefined, budget: { dollars: 5 } })?.used).toBe(0);
});
