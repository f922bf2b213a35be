// What the embedding server has been used for in this month (by UTC), and whether a backfill may use more. Counts for all processes that
// share the archive; what one has used in its last second is not stored yet. Never stops anybody: who asks for room keeps to the answer.

import { unlessStopped } from "../async/abortable.ts";
import { toError, UserError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Budget, MonthlyUse, SpendingState, SpendingStore } from "../ports/spending.ts";

/** From this share of the budget on, somebody should be told. */
export const NEARLY_SPENT = 0.8;
const STORE_AFTER_MS = 1_000;
const STORE_AGAIN_MS = 5_000;
/** What other processes have used meanwhile is looked up when it is older than this. */
const FRESH_MS = 10_000;

export interface Spending {
  /** Counts what was used. */
  use(tokens: number): void;
  state(): SpendingState;
  /** Looks up what other processes have used, too. */
  refresh(): Promise<void>;
  /** Tokens that are left of the budget, without what is set apart. */
  tokensLeft(): number;
  /**
   * Sets tokens apart of the budget; waits as long as others have some set apart that they may not need.
   * @returns how to give back what was not used; undefined when the budget would be passed, or the signal aborts
   */
  setApart(tokens: number, signal: AbortSignal): Promise<(() => void) | undefined>;
  /** Stores what is counted. */
  stop(): Promise<void>;
}

export interface SpendingParts {
  readonly store: SpendingStore;
  /** US dollars for a million tokens. Undefined: not known. */
  readonly dollarsPerMillion: number | undefined;
  readonly budget: Budget | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

function summed(use: MonthlyUse | undefined, more: MonthlyUse | undefined): MonthlyUse {
  return {
    tokens: (use?.tokens ?? 0) + (more?.tokens ?? 0),
    dollars: (use?.dollars ?? 0) + (more?.dollars ?? 0),
    spentFor: more?.spentFor ?? use?.spentFor,
  };
}

/** @throws UserError when the budget is in dollars and the price is not known */
export function createSpending({ store, dollarsPerMillion, budget, clock, logger }: SpendingParts): Spending {
  if (budget !== undefined && "dollars" in budget && dollarsPerMillion === undefined) {
    throw new UserError(
      "The month's budget (EMBEDDINGS_BUDGET) is in dollars, and what the model costs is not known. Set that, too (EMBEDDINGS_PRICE_PER_MILLION), or a budget in tokens.",
    );
  }
  const budgetName = budget && JSON.stringify(budget);
  const stopped = new AbortController();
  /** By month, as last read or written. */
  let stored: { readonly month: string; readonly use: MonthlyUse; readonly at: number } | undefined;
  const unstored = new Map<string, MonthlyUse>();
  let setApartTokens = 0;
  /** Some of what is set apart. */
  let givenBack = Promise.withResolvers<void>();
  let storing: Promise<void> | undefined;
  /** That the budget is nearly spent. */
  let toldIn: string | undefined;

  const dollarsFor = (tokens: number) => (tokens / 1e6) * (dollarsPerMillion ?? 0);
  const thisMonth = () => new Date(clock.now()).toISOString().slice(0, 7);

  function usedIn(month: string): MonthlyUse {
    return summed(stored?.month === month ? stored.use : undefined, unstored.get(month));
  }

  function count(use: MonthlyUse): void {
    const month = thisMonth();
    unstored.set(month, summed(unstored.get(month), use));
    storing ??= storeSoon();
    const { share = 0 } = state();
    if (share < NEARLY_SPENT || toldIn === month) return;
    toldIn = month;
    logger.warn("spending:budget-near", { month, share: Number(share.toFixed(3)), ...usedIn(month) });
  }

  function state(): SpendingState {
    const month = thisMonth();
    const { tokens, dollars, spentFor } = usedIn(month);
    const share = budget && ("tokens" in budget ? tokens / budget.tokens : dollars / budget.dollars);
    return {
      month,
      tokens,
      dollars: dollarsPerMillion === undefined ? undefined : dollars,
      budget,
      share,
      isSpent: budgetName !== undefined && (spentFor === budgetName || (share ?? 0) >= 1),
    };
  }

  async function storeAll(): Promise<void> {
    for (const [month, use] of [...unstored]) {
      const sum = await store.addUse(month, use);
      const left = unstored.get(month) ?? use;
      const more = { tokens: left.tokens - use.tokens, dollars: left.dollars - use.dollars };
      if (more.tokens > 0 || (use.spentFor === undefined && left.spentFor !== undefined))
        unstored.set(month, { ...left, ...more });
      else unstored.delete(month);
      if (month === thisMonth()) stored = { month, use: sum, at: clock.elapsed() };
    }
  }

  async function storeSoon(): Promise<void> {
    try {
      for (let pauseMs = STORE_AFTER_MS; unstored.size > 0 && !stopped.signal.aborted; ) {
        await clock.sleep(pauseMs, stopped.signal);
        try {
          await storeAll();
          pauseMs = STORE_AFTER_MS;
        } catch (thrown) {
          logger.warn("spending:unstored", { error: toError(thrown).message });
          pauseMs = STORE_AGAIN_MS;
        }
      }
    } finally {
      storing = undefined;
    }
  }

  async function refresh(): Promise<void> {
    const month = thisMonth();
    if (stored?.month === month && clock.elapsed() - stored.at < FRESH_MS) return;
    stored = { month, use: await store.useIn(month), at: clock.elapsed() };
  }

  function tokensLeft(): number {
    if (budget === undefined) return Number.POSITIVE_INFINITY;
    const used = usedIn(thisMonth());
    if ("tokens" in budget) return budget.tokens - used.tokens - setApartTokens;
    if (!dollarsPerMillion) return Number.POSITIVE_INFINITY;
    return ((budget.dollars - used.dollars) / dollarsPerMillion) * 1e6 - setApartTokens;
  }

  return {
    use: (tokens) => count({ tokens, dollars: dollarsFor(tokens) }),
    state,
    refresh,
    tokensLeft,
    async setApart(tokens, signal) {
      if (budget === undefined) return () => {};
      await refresh();
      while (tokens > tokensLeft()) {
        if (signal.aborted) return undefined;
        if (setApartTokens === 0) {
          logger.warn("spending:budget-spent", { month: thisMonth(), ...usedIn(thisMonth()) });
          count({ tokens: 0, dollars: 0, spentFor: budgetName });
          return undefined;
        }
        await unlessStopped(givenBack.promise, signal);
      }
      setApartTokens += tokens;
      return () => {
        setApartTokens -= tokens;
        givenBack.resolve();
        givenBack = Promise.withResolvers<void>();
      };
    },
    async stop() {
      stopped.abort();
      await storing;
      if (unstored.size > 0) {
        await storeAll().catch((thrown) => logger.warn("spending:unstored", { error: toError(thrown).message }));
      }
    },
  };
}
