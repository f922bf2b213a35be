import { expect, it } from "vitest";
import { createSpending, type Spending } from "../../src/embedding/spending.ts";
import type { Budget, MonthlyUse, SpendingStore } from "../../src/ports/spending.ts";
import { recordingLogger } from "../support/archive.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

const DAY_MS = 24 * 3_600_000;
const never = new AbortController().signal;

interface Stored extends SpendingStore {
  readonly months: Map<string, MonthlyUse>;
  isAway: boolean;
}

function createStored(): Stored {
  const months = new Map<string, MonthlyUse>();
  const stored: Stored = {
    months,
    isAway: false,
    useIn: async (month) => months.get(month) ?? { tokens: 0, dollars: 0 },
    async addUse(month, use) {
      if (stored.isAway) throw new Error("away");
      const before = await stored.useIn(month);
      const sum = {
        tokens: before.tokens + use.tokens,
        dollars: before.dollars + use.dollars,
        spentFor: use.spentFor ?? before.spentFor,
      };
      months.set(month, sum);
      return sum;
    },
  };
  return stored;
}

function open(
  store: SpendingStore,
  clock: ManualClock,
  budget?: Budget,
  dollarsPerMillion?: number,
): Spending & { readonly log: readonly string[] } {
  const { logger, complaints } = recordingLogger();
  return { ...createSpending({ store, budget, dollarsPerMillion, clock, logger }), log: complaints };
}

it("what is used is stored within a second, and added to what other processes use", async () => {
  const [store, clock] = [createStored(), createManualClock()];
  const [one, other] = [open(store, clock, { tokens: 1_000 }), open(store, clock, { tokens: 1_000 })];
  one.use(300);
  one.use(200);
  other.use(50);
  expect(one.state()).toMatchObject({ month: "1970-01", tokens: 500, share: 0.5, isSpent: false });
  await clock.advance(1_000);
  expect(store.months.get("1970-01")).toMatchObject({ tokens: 550 });
  await clock.advance(10_000);
  await one.refresh();
  expect(one.state().tokens).toBe(550);
  one.use(7);
  await Promise.all([one.stop(), other.stop()]);
  const later = open(store, clock, { tokens: 1_000 });
  await later.refresh();
  expect(later.state().tokens).toBe(557);
  await later.stop();
});

it("what cannot be stored now is stored later, once", async () => {
  const [store, clock] = [createStored(), createManualClock()];
  const spending = open(store, clock, undefined, 10);
  store.isAway = true;
  spending.use(1_000_000);
  await clock.advance(3_000);
  spending.use(500_000);
  expect(spending.state()).toMatchObject({ tokens: 1_500_000, dollars: 15, share: undefined });
  store.isAway = false;
  await clock.advance(10_000);
  expect(store.months.get("1970-01")).toMatchObject({ tokens: 1_500_000, dollars: 15 });
  await spending.stop();
});

it("with the month, by UTC, the count begins anew, and each month keeps its own", async () => {
  const [store, clock] = [createStored(), createManualClock()];
  const spending = open(store, clock, { tokens: 100 });
  expect(await spending.setApart(101, never)).toBeUndefined();
  expect(spending.state().isSpent).toBe(true);
  await clock.advance(31 * DAY_MS - 500);
  spending.use(90);
  expect(spending.state()).toMatchObject({ month: "1970-01", tokens: 90, isSpent: true });
  await clock.advance(600);
  expect(spending.state()).toMatchObject({ month: "1970-02", tokens: 0, isSpent: false });
  spending.use(40);
  await clock.advance(2_000);
  expect([...store.months].map(([month, { tokens }]) => [month, tokens])).toEqual([
    ["1970-01", 90],
    ["1970-02", 40],
  ]);
  await spending.stop();
});

it("room is given as long as there is some, and waits for what others have set apart and may not need", async () => {
  const [store, clock] = [createStored(), createManualClock()];
  // A million tokens.
  const spending = open(store, clock, { dollars: 2 }, 2);
  const first = await spending.setApart(600_000, never);
  expect(spending.tokensLeft()).toBe(400_000);
  let second: (() => void) | undefined;
  const waiting = spending.setApart(600_000, never).then((giveBack) => {
    second = giveBack;
  });
  await clock.advance(5_000);
  expect(second).toBeUndefined();
  spending.use(300_000);
  first?.();
  await waiting;
  expect(second).toBeDefined();
  expect(spending.state().isSpent).toBe(false);
  second?.();
  expect(await spending.setApart(800_000, never)).toBeUndefined();
  expect(spending.state()).toMatchObject({ isSpent: true, share: 0.3 });
  await spending.stop();
});

it("that the budget is spent is known after a restart, and not of another budget", async () => {
  const [store, clock] = [createStored(), createManualClock()];
  const spending = open(store, clock, { tokens: 1_000 });
  spending.use(900);
  expect(await spending.setApart(200, never)).toBeUndefined();
  await spending.stop();
  for (const [budget, isSpent] of [
    [{ tokens: 1_000 }, true],
    [{ tokens: 2_000 }, false],
  ] as const) {
    const later = open(store, clock, budget);
    await later.refresh();
    expect(later.state().isSpent).toBe(isSpent);
    await later.stop();
  }
});

it("that it is nearly spent is logged once a month, whoever spends it", async () => {
  const [store, clock] = [createStored(), createManualClock()];
  const spending = open(store, clock, { tokens: 1_000 });
  spending.use(799);
  expect(spending.log).toEqual([]);
  spending.use(1);
  spending.use(500);
  expect(spending.log).toEqual(["spending:budget-near"]);
  await spending.stop();
});

it("a budget in dollars needs a price", () => {
  expect(() => open(createStored(), createManualClock(), { dollars: 5 })).toThrow(/EMBEDDINGS_PRICE_PER_MILLION/);
});
