// What the search model costs and was used for, for people to read. Pure.

import type { Cost } from "../backfill/compare/survey.ts";
import { usedOfBudget } from "../backfill/run/budget.ts";
import type { BudgetUse } from "../backfill/run/facts.ts";
import type { Run } from "../backfill/run/run.ts";
import type { SpendingState } from "../ports/spending.ts";
import { count, inDollars, monthName, plain } from "./words.ts";

/** Of a backfill to come. Two digits are as much as a sample tells. */
export function costText({ tokens, isCounted, dollars }: Cost): string {
  const rough = Number(tokens.toPrecision(2));
  const how = isCounted ? "by what the model's server counted in a sample" : "estimated by length";
  const price = dollars === undefined ? "" : `, ${dollars < 0.01 ? "less than $0.01" : `about ${inDollars(dollars)}`}`;
  return `Tokens: about ${count(rough)}, ${how}${price}`;
}

/** @param host that texts are sent to; undefined: none */
export function textsGoText(host: string | undefined): string {
  return host === undefined
    ? "No text leaves this machine and its network."
    : `⚠️ Texts leave this machine: what is made searchable, and what is searched for, is sent to **${plain(host)}**.`;
}

/** Of a backfill that was at work. */
export function usedText({ tokens, isCounted, dollars }: NonNullable<Run["used"]>): string {
  const how = isCounted
    ? "as the model's server counted them"
    : "partly estimated, as the model's server does not count them all";
  return `${count(tokens, "token")}, ${how}${dollars === undefined ? "" : `: ${inDollars(dollars)}`}`;
}

/** "$4.01 of $5.00", "810,000 of 1,000,000 tokens" */
export function budgetText({ unit, used, of }: BudgetUse): string {
  return unit === "dollars" ? `${inDollars(used)} of ${inDollars(of)}` : `${count(used)} of ${count(of, "token")}`;
}

/** Of a month, by everybody. */
export function spendingText(spending: SpendingState): string {
  const { month, tokens, dollars } = spending;
  const used = usedOfBudget(spending);
  const price = dollars === undefined ? "" : `, ${inDollars(dollars)}`;
  const budget = used === undefined ? "" : `\nOf the month's budget: ${budgetText(used)}`;
  return `${count(tokens, "token")}${price} in ${monthName(month)} (UTC), for all that is made searchable or searched for${budget}`;
}
