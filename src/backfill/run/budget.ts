// How much of the month's budget for the search model is used.

import type { SpendingState } from "../../ports/spending.ts";
import type { BudgetUse } from "./facts.ts";

/** @returns undefined without a budget */
export function usedOfBudget({ tokens, dollars = 0, budget }: SpendingState): BudgetUse | undefined {
  if (budget === undefined) return undefined;
  if ("dollars" in budget) return { unit: "dollars", used: dollars, of: budget.dollars };
  return { unit: "tokens", used: tokens, of: budget.tokens };
}
