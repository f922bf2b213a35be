import { expect, test } from "vitest";
import type { History } from "../../src/ports/discord.ts";
import { countOnDiscord } from "../../src/sync/count-on-discord.ts";
import { rememberingLogger } from "../support/runs.ts";

type Count = NonNullable<History["count"]>;

function counting(...answers: (Awaited<ReturnType<Count>> | Error)[]) {
  const waits: number[] = [];
  const { events, logger } = rememberingLogger();
  let asked = 0;
  const count: Count = async () => {
    const answer = answers[asked];
    asked += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const parts = { history: { count }, clock: { sleep: async (ms: number) => void waits.push(ms) }, logger };
  return {
    ask: (tries = 9, signal?: AbortSignal) => countOnDiscord(parts, "1", tries, signal),
    waits,
    events,
    asked: () => asked,
  };
}
const later = (retryAfterMs: number) => ({ retryAfterMs });

test("asks again when Discord says so, but within a second and half a minute", async () => {
  const { ask, waits } = counting(later(0), later(1_001), later(29_999), later(90_000), 70);
  expect(await ask()).toBe(70);
  expect(waits).toEqual([1_000, 1_001, 29_999, 30_000]);
});

test("a guild without messages has none, which is an answer", async () => {
  expect(await counting(0).ask()).toBe(0);
});

test("gives up after so many tries, without waiting for another", async () => {
  const { ask, waits, asked } = counting(later(5_000), later(5_000), 70);
  expect(await ask(2)).toBeUndefined();
  expect([asked(), waits]).toEqual([2, [5_000]]);
  expect([await ask(0), asked()]).toEqual([undefined, 2]);
});

test("does not ask again where Discord does not say, fails, or cannot count, nor when nobody wants to know", async () => {
  const silent = counting(undefined, 70);
  expect([await silent.ask(), silent.asked()]).toEqual([undefined, 1]);
  const failing = counting(new Error("no permission"), 70);
  expect([await failing.ask(), failing.asked(), failing.events]).toEqual([undefined, 1, ["discord:not-counted"]]);
  const unwanted = counting(70);
  expect([await unwanted.ask(9, AbortSignal.abort()), unwanted.asked()]).toEqual([undefined, 0]);
  const { logger } = rememberingLogger();
  expect(await countOnDiscord({ history: {}, clock: { sleep: async () => {} }, logger }, "1", 9)).toBeUndefined();
});
