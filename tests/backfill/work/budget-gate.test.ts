import { expect, test } from "vitest";
import { createBudgetGate } from "../../../src/backfill/work/budget-gate.ts";
import { CANARY } from "../../../src/embedding/canary.ts";
import type { EmbeddingQueue } from "../../../src/embedding/queue.ts";
import type { Spending } from "../../../src/embedding/spending.ts";
import type { Batch } from "../../../src/indexing/text/batches.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const batch = [{ chunks: [{ embeddedText: "a".repeat(30) }, { embeddedText: "b".repeat(26) }] }] as unknown as Batch;
/** Two characters are a token at most. */
const queue = { mostTokensIn: (characters: number) => Math.ceil(characters / 2) } as EmbeddingQueue;

function gate(rooms: readonly boolean[], left = 0) {
  const clock = createManualClock();
  const asked: number[] = [];
  const given: string[] = [];
  const spending = {
    tokensLeft: () => left,
    async setApart(tokens: number) {
      asked.push(tokens);
      return rooms[asked.length - 1] === true ? () => void given.push("back") : undefined;
    },
  } as unknown as Spending;
  return { clock, asked, given, ...createBudgetGate(spending, queue, clock) };
}

test("without a budget to keep to every batch passes, of whatever size", async () => {
  const free = createBudgetGate(undefined, queue, createManualClock());
  expect(free.tokensPerBatch()).toBe(Number.POSITIVE_INFINITY);
  expect(await free.pass(batch, new AbortController().signal)).toBeTypeOf("function");
});

test("sets apart what a batch may come to at most, with the canary that may go along and a tenth more", async () => {
  const { asked, given, pass } = gate([true]);
  const giveBack = await pass(batch, new AbortController().signal);
  expect(asked).toEqual([Math.ceil(((56 + CANARY.length) * 1.1) / 2)]);
  expect(given).toEqual([]);
  giveBack?.();
  expect(given).toEqual(["back"]);
});

test("looks every second for room, and lets the batch pass when there is some", async () => {
  const { clock, asked, pass } = gate([false, false, true]);
  const passing = pass(batch, new AbortController().signal);
  await clock.advance(999);
  expect(asked).toHaveLength(1);
  await clock.advance(1);
  expect(asked).toHaveLength(2);
  await clock.advance(1_000);
  expect(await passing).toBeTypeOf("function");
});

test("a batch that waits for room is given up when it is to stop, and not even asked for after that", async () => {
  const { clock, asked, pass } = gate([]);
  const stop = new AbortController();
  const passing = pass(batch, stop.signal);
  await clock.advance(10);
  stop.abort();
  expect(await passing).toBeUndefined();
  expect(await pass(batch, stop.signal)).toBeUndefined();
  expect(asked).toHaveLength(1);
});

test("the largest batch that fits, in tokens of three characters, leaves that tenth over", () => {
  expect(gate([], 1_650).tokensPerBatch()).toBeCloseTo(1_000);
  expect(gate([], 0).tokensPerBatch()).toBe(0);
});
