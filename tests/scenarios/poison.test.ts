// A text on which the embedding server fails as if it were down, though it is not: it must not hold up everything behind it.

import { afterEach, beforeEach, expect, test } from "vitest";
import { totals } from "../../src/backfill/run/run.ts";
import { TransientError } from "../../src/errors.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import type { Misbehaviour } from "../support/embedding-server.ts";
import {
  channel,
  createSkippableClock,
  GUILD,
  type House,
  history,
  hoursAgo,
  message,
  openHouse,
  testEmbedder,
  until,
} from "../support/engine.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse({ textsPerRequest: 16, requestTimeoutMs: 300 });
});
afterEach(() => house.close());

const isPoison = (text: string) => text.endsWith("token13");

/** The pre-flight may find the server slow while the machine is busy. */
const started = (options: Parameters<House["start"]>[0] = {}) =>
  until(async () => (await house.start(options)).outcome !== "refused", "the run starts");

test.each<[what: string, how: Misbehaviour]>([
  ["an error of the server", { status: 500 }],
  ["a crash", "reset"],
  ["no answer", "hang"],
])("one text that is answered with %s each time is set aside, and the run ends", async (_what, how) => {
  const mend = house.server?.misbehave(how, { when: (texts) => texts.some(isPoison) });
  await house.archive.save(GUILD, history(40), { pending: false });
  await started();
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
  await started({ pace: "gentle" });
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
  let asked = 0;
  let restore: (() => void) | undefined;
  const isTheFourth = () => {
    asked += 1;
    return asked === 4;
  };
  await house.archive.save(GUILD, history(40), { pending: false });
  const mend = house.server?.misbehave(
    { status: 500 },
    {
      when: (texts) => {
        if (!texts.some(isPoison)) return false;
        if (isTheFourth()) restore = house.server?.misbehave({ status: 503 });
        return true;
      },
    },
  );
  await started();
  await house.impatiently(() => until(() => (house.breaker.state()?.probes ?? 0) > 3, "the outage lasts"));
  expect(asked).toBeGreaterThanOrEqual(4);
  mend?.();
  restore?.();
  const run = await house.impatiently(() => house.settled());
  expect(totals(run)).toMatchObject({ embedded: 40, quarantined: 0 });
});

test("a text that is never answered is waited for to the end twice; else it is given up when a healthy answer would long be there", async () => {
  await house.close();
  const fullMs = 60_000;
  const waits: number[] = [];
  const clock = createSkippableClock();
  const embedder: Embedder = {
    ...testEmbedder(undefined, { textsPerRequest: 32 }),
    async embed(texts, _use, signal) {
      if (!texts.some(isPoison)) return texts.map(() => Float32Array.of(1));
      const startedAt = clock.elapsed();
      await clock.sleep(fullMs, signal);
      waits.push(clock.elapsed() - startedAt);
      signal?.throwIfAborted();
      throw new TransientError("it did not answer within 60 s");
    },
  };
  house = await openHouse({ embedder, clock });
  const records = history(40);
  await house.archive.save(GUILD, records.slice(20), { pending: false });
  await house.start();
  await house.settled();
  await house.archive.save(GUILD, records, { pending: true });
  house.live.kick(GUILD);
  await house.impatiently(() => house.live.idle());
  expect((await house.rows()).size).toBe(39);
  const [failure] = await house.engine.failures(GUILD, 5);
  expect(failure).toMatchObject({ id: records[13]?.id, attempts: 3 });
  expect(waits.filter((ms) => ms >= fullMs)).toHaveLength(2);
  expect(waits.filter((ms) => ms < fullMs / 2)).toHaveLength(waits.length - 2);
  // 20 texts twice, 10, 5, 3 and 2 of them once each at most, and the culprit nine times.
  expect(waits.length).toBeLessThanOrEqual(2 + 4 + 9);
  // The others' requests are held up once only.
  expect(house.log.filter(({ event }) => event === "embedder:down")).toHaveLength(1);
});
