// A text on which the embedding server fails as if it were down, though it is not: it must not hold up everything behind it.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isBalanced, totals } from "../../src/backfill/run/run.ts";
import { TransientError } from "../../src/errors.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import type { Misbehaviour } from "../support/embedding-server.ts";
import {
  channel,
  createSkippableClock,
  GUILD,
  history,
  hoursAgo,
  message,
  openSetup,
  type Setup,
  testEmbedder,
  until,
} from "../support/engine.ts";

/** Minutes pass in each of these, in steps that let leases be renewed: a machine with other things to do takes its time. */
vi.setConfig({ testTimeout: 90_000 });

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ textsPerRequest: 16, requestTimeoutMs: 300 });
});
afterEach(() => setup.close());

const isPoison = (text: string) => text.endsWith("token13");

/** A text is given up only after three times, minutes apart: time passes at this step. Milliseconds. */
const MINUTES_PASS = 3_000;

/** The pre-flight may find the server slow while the machine is busy. */
const started = (options: Parameters<Setup["start"]>[0] = {}) =>
  until(async () => (await setup.start(options)).outcome !== "refused", "the run starts");

test.each<[what: string, how: Misbehaviour]>([
  ["an error of the server", { status: 500 }],
  ["a crash", "reset"],
  ["no answer", "hang"],
])("one text that is answered with %s each time is set aside, and the run ends", async (_what, how) => {
  const mend = setup.server?.misbehave(how, { when: (texts) => texts.some(isPoison) });
  await setup.archive.save(GUILD, history(40), { pending: false });
  await started();
  const run = await setup.impatiently(() => setup.settled(50_000), MINUTES_PASS);
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: 40, embedded: 39, quarantined: 1, remaining: 0 });
  const [failure] = await setup.engine.failures(GUILD, 5);
  expect(failure).toMatchObject({ id: history(40)[13]?.id, reason: expect.stringContaining("a harmless text passes") });
  mend?.();
  await setup.engine.retry(GUILD);
  await setup.live.idle();
  expect((await setup.rows()).size).toBe(40);
});

test("a server that fails on every request of more than one text is refused by the pre-flight, and lived with in a run", async () => {
  await setup.archive.save(GUILD, history(12), { pending: false });
  const mend = setup.server?.misbehave("duplicate-index");
  expect((await setup.start()).outcome).toBe("refused");
  mend?.();
  await started({ pace: "gentle" });
  setup.server?.misbehave("duplicate-index");
  const run = await setup.impatiently(() => setup.settled(50_000), MINUTES_PASS);
  expect(totals(run)).toMatchObject({ embedded: 12, quarantined: 0 });
});

test("a message that the server fails on does not hold up the messages after it", async () => {
  setup.server?.misbehave({ status: 500 }, { when: (texts) => texts.some(isPoison) });
  const say = (n: number, text: string) => setup.live.messageSaved(GUILD, message(hoursAgo(n), text), channel("10"));
  await say(3, "token13");
  await say(2, "good morning");
  await setup.impatiently(() =>
    until(async () => (await setup.engine.failures(GUILD, 5)).length === 1, "it is set aside"),
  );
  await say(1, "good night");
  await setup.impatiently(() => setup.live.idle());
  expect((await setup.rows()).size).toBe(2);
  expect(await setup.live.pending(GUILD)).toBe(0);
});

test("an outage in the middle of a bisection charges nobody", async () => {
  let asked = 0;
  let restore: (() => void) | undefined;
  const isTheFourth = () => {
    asked += 1;
    return asked === 4;
  };
  await setup.archive.save(GUILD, history(40), { pending: false });
  const mend = setup.server?.misbehave(
    { status: 500 },
    {
      when: (texts) => {
        if (!texts.some(isPoison)) return false;
        if (isTheFourth()) restore = setup.server?.misbehave({ status: 503 });
        return true;
      },
    },
  );
  await started();
  await setup.impatiently(() => until(() => (setup.breaker.state()?.probes ?? 0) > 3, "the outage lasts"));
  expect(asked).toBeGreaterThanOrEqual(4);
  mend?.();
  restore?.();
  const run = await setup.impatiently(() => setup.settled(50_000), MINUTES_PASS);
  expect(totals(run)).toMatchObject({ embedded: 40, quarantined: 0 });
});

test("a text that is never answered is waited for to the end twice; else it is given up when a healthy answer would long be there", async () => {
  await setup.close();
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
  setup = await openSetup({ embedder, clock });
  const records = history(40);
  await setup.archive.save(GUILD, records.slice(20), { pending: false });
  await setup.start();
  await setup.settled();
  await setup.archive.save(GUILD, records, { pending: true });
  setup.live.kick(GUILD);
  await setup.impatiently(() => setup.live.idle());
  expect((await setup.rows()).size).toBe(39);
  const [failure] = await setup.engine.failures(GUILD, 5);
  expect(failure).toMatchObject({ id: records[13]?.id, attempts: 1, retryAt: expect.any(Number) });
  expect(waits.filter((ms) => ms >= fullMs)).toHaveLength(2);
  expect(waits.filter((ms) => ms < fullMs / 2)).toHaveLength(waits.length - 2);
  // 20 texts, 10, 5, 3 and 2 of them once each at most, and the culprit three times.
  expect(waits.length).toBeLessThanOrEqual(2 + 4 + 3);
  // The others' requests are held up once only.
  expect(setup.log.filter(({ event }) => event === "embedder:down")).toHaveLength(1);
});

test("a text that is refused is tried three times in all, minutes apart, also over a restart, and then given up", async () => {
  const asked: number[] = [];
  const isAlone = (texts: readonly string[]) => texts.length === 1 && texts.every(isPoison);
  setup.server?.misbehave(
    { status: 400, says: "not this" },
    {
      when(texts) {
        if (isAlone(texts)) asked.push(setup.clock.now());
        return texts.some(isPoison);
      },
    },
  );
  await setup.live.messageSaved(GUILD, message(hoursAgo(3), "token13"), channel("10"));
  await setup.live.idle();
  const attempts = async () => (await setup.engine.failures(GUILD, 5)).map((entry) => entry.attempts);
  expect(await attempts()).toEqual([1]);
  await setup.stop();
  const { folder, server } = setup;
  setup = await openSetup({ folder, ...(server && { server }), textsPerRequest: 16 });
  await setup.impatiently(() => until(async () => (await attempts())[0] === 3, "it is given up"), MINUTES_PASS);
  const times = asked.filter((at, n) => at - (asked[n - 1] ?? 0) > 60_000);
  expect(times).toHaveLength(3);
  expect((await setup.engine.failures(GUILD, 5))[0]).not.toHaveProperty("retryAt");
  // A mark that was set while it was being tried for the third time is still to be cleared.
  await setup.live.idle();
  const given = asked.length;
  await setup.pass(10 * 60_000, 9_000);
  expect(asked).toHaveLength(given);
  await server?.close();
});

test("a text that is refused once only is searchable minutes later, and a run's accounts say so", async () => {
  let refusals = 0;
  setup.server?.misbehave(
    { status: 400, says: "not now" },
    {
      when(texts) {
        const isRefused = texts.some(isPoison) && setup.clock.elapsed() < refusedUntil;
        if (isRefused) refusals += 1;
        return isRefused;
      },
    },
  );
  await setup.archive.save(GUILD, history(40), { pending: false });
  let refusedUntil = Number.POSITIVE_INFINITY;
  await started();
  await until(async () => (await setup.engine.failures(GUILD, 5)).length === 1, "it is set aside");
  refusedUntil = setup.clock.elapsed();
  const run = await setup.impatiently(() => setup.settled(50_000), MINUTES_PASS);
  expect(refusals).toBeGreaterThan(2);
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: 40, embedded: 40, quarantined: 0, remaining: 0 });
  expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
  expect(await setup.engine.failures(GUILD, 5)).toEqual([]);
  expect((await setup.rows()).size).toBe(40);
});
