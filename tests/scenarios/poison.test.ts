// A text on which the embedding server fails as if it were down, though it is not: it must not hold up everything behind it.

import { afterEach, beforeEach, expect, test } from "vitest";
import { totals } from "../../src/backfill/run.ts";
import type { Misbehaviour } from "../support/embedding-server.ts";
import { channel, GUILD, type House, history, hoursAgo, message, openHouse, until } from "../support/engine.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse({ textsPerRequest: 16, requestTimeoutMs: 100 });
});
afterEach(() => house.close());

const isPoison = (text: string) => text.endsWith("token13");

test.each<[what: string, how: Misbehaviour]>([
  ["an error of the server", { status: 500 }],
  ["a crash", "reset"],
  ["no answer", "hang"],
])("one text that is answered with %s each time is set aside, and the run ends", async (_what, how) => {
  const mend = house.server?.misbehave(how, { when: (texts) => texts.some(isPoison) });
  await house.archive.save(GUILD, history(40), { pending: false });
  await house.start();
  const run = await house.impatiently(() => house.settled());
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: 40, embedded: 39, quarantined: 1, remaining: 0 });
  const [failure] = await house.engine.failures(GUILD, 5);
  expect(failure).toMatchObject({ id: history(40)[13]?.id, reason: expect.stringContaining("a harmless text passes") });
  mend?.();
  await house.engine.retry(GUILD);
  await house.live.idle();
  expect((await house.rows()).size).toBe(40);
});

test("a server that fails on every request of more than one text is refused by the pre-flight, and lived with in a run", async () => {
  await house.archive.save(GUILD, history(12), { pending: false });
  const mend = house.server?.misbehave("duplicate-index");
  expect((await house.start()).outcome).toBe("refused");
  mend?.();
  await house.start({ pace: "gentle" });
  house.server?.misbehave("duplicate-index");
  const run = await house.impatiently(() => house.settled());
  expect(totals(run)).toMatchObject({ embedded: 12, quarantined: 0 });
});

test("a message that the server fails on does not hold up the messages after it", async () => {
  house.server?.misbehave({ status: 500 }, { when: (texts) => texts.some(isPoison) });
  const say = (n: number, text: string) => house.live.messageSaved(GUILD, message(hoursAgo(n), text), channel("10"));
  await say(3, "token13");
  await say(2, "good morning");
  await house.impatiently(() =>
    until(async () => (await house.engine.failures(GUILD, 5)).length === 1, "it is set aside"),
  );
  await say(1, "good night");
  await house.impatiently(() => house.live.idle());
  expect((await house.rows()).size).toBe(2);
  expect(await house.live.pending(GUILD)).toBe(0);
});

test("an outage in the middle of a bisection charges nobody", async () => {
  const mend = house.server?.misbehave({ status: 500 }, { when: (texts) => texts.some(isPoison) });
  await house.archive.save(GUILD, history(40), { pending: false });
  await house.start();
  await house.impatiently(() => until(async () => (await house.run()).batches.failed >= 4, "it is being looked for"));
  const restore = house.server?.misbehave({ status: 503 });
  await house.impatiently(() => until(() => (house.breaker.state()?.probes ?? 0) > 3, "the outage lasts"));
  mend?.();
  restore?.();
  const run = await house.impatiently(() => house.settled());
  expect(totals(run)).toMatchObject({ embedded: 40, quarantined: 0 });
});
