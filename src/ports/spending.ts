// What the use of an embedding server comes to, month by month, of all processes that share an archive.

/** Of one month. */
export interface MonthlyUse {
  readonly tokens: number;
  /** US dollars, at the prices of the day; 0 where they were not known. */
  readonly dollars: number;
  /** The budget, as it is named by whoever keeps to it, that had no room for more. */
  readonly spentFor?: string | undefined;
}

export interface SpendingStore {
  /** @param month "2026-11", in UTC */
  useIn(month: string): Promise<MonthlyUse>;
  /** Adds to the month's use. @returns what it comes to now */
  addUse(month: string, use: MonthlyUse): Promise<MonthlyUse>;
}

/** For a month. */
export type Budget = { readonly tokens: number } | { readonly dollars: number };

export interface SpendingState {
  /** "2026-11", in UTC. */
  readonly month: string;
  readonly tokens: number;
  /** Undefined: the price is not known. */
  readonly dollars: number | undefined;
  readonly budget: Budget | undefined;
  /** Of the budget: 1 is all of it. Undefined without one. */
  readonly share: number | undefined;
  /** A backfill would have passed the budget. */
  readonly isSpent: boolean;
}
