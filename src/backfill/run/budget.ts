// How much of the month's budget for the search model is used, as people read it.

import type { SpendingState } from "../../ports/spending.ts";

/** "$4.01 of $5.00", "810,000 of 1,000,000 tokens". @returns undefined without a budget */
export function usedOfBudget({ tokens, dollars = 0, budget }: SpendingState): string | undefined {
  if (budget === undefined) return undefined;
  if ("dollars" in budget) return `${inDollars(dollars)} of ${inDollars(budget.dollars)}`;
  return `${tokens.toLocaleString("en")} of ${budget.tokens.toLocaleString("en")} tokens`;
}

/** Two digits after the point, and more where it would be "$0.00". */
export function inDollars(dollars: number): string {
  if (dollars > 0 && dollars < 0.0001) return "less than $0.0001";
  return `$${dollars > 0 && dollars < 0.01 ? dollars.toFixed(4) : dollars.toFixed(2)}`;
}
