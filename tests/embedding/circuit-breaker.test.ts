import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCanaryCheck } from "../../src/embedding/canary.ts";
import { type Breaker, createBreaker } from "../../src/embedding/circuit-breaker.ts";
import { createEmbeddingQueue } from "../../src/embedding/queue.ts";
import { TransientError } from "../../src/errors.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import { recordingLogger } from "../support/archive.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { testEmbedder } from "../support/test-embedder.ts";

const DAY_MS = 24 * 3_600_000;

let clock: ManualClock;
let breaker: Breaker;
let probes: number[];
/** What the embedder does when asked. */
let answer: () => void;

beforeEach(() => {
  clock = createManualClock();
  probes = [];
  answer = () => {
    throw new TransientError("still down");
  };
  const embedder: Embedder = testEmbedder(() => {
    probes.push(clock.elapsed());
    answer();
  });
  breaker = createBreaker(createCanaryCheck(createEmbeddingQueue(embedder, clock)), clock, recordingLogger().logger);
});
afterEach(() => breaker.stop());

const fail = (retryAfterMs?: number) =>
  breaker
    .guard(async () => {
      throw new TransientError("down", retryAfterMs === undefined ? {} : { retryAfterMs });
    })
    .catch((thrown: unknown) => thrown);

describe("the breaker", () => {
  test("stays closed for anything but an embedder's fault", async () => {
    await expect(breaker.guard(async () => "fine")).resolves.toBe("fine");
    await expect(breaker.guard(() => Promise.reject(new Error("other")))).rejects.toThrow("other");
    expect(breaker.state()).toBeUndefined();
    await breaker.whenClosed(new AbortController().signal);
  });

  test("opens with a fault, throws it on, and tells its listeners each change once", async () => {
    const states: (string | undefined)[] = [];
    const stopListening = breaker.onChange((state) => states.push(state?.reason));
    expect(await fail()).toBeInstanceOf(TransientError);
    await fail();
    expect(states).toEqual(["down"]);
    answer = () => {};
    await clock.advance(1_000);
    expect(breaker.state()).toBeUndefined();
    expect(states).toEqual(["down", undefined]);
    stopListening();
    await fail();
    expect(states).toHaveLength(2);
  });

  test("probes one at a time with pauses that double up to a minute, until it is back", async () => {
    await fail();
    for (let second = 0; second < 300; second += 1) await clock.advance(1_000);
    const pauses = probes.map((at, n) => at - (probes[n - 1] ?? 0));
    expect(pauses.slice(0, 9)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    answer = () => {};
    await clock.advance(60_000);
    expect(breaker.state()).toBeUndefined();
  });

  test("waits as long as the embedder asks, up to eight days", async () => {
    await fail(90_000);
    await clock.advance(89_000);
    expect(probes).toEqual([]);
    answer = () => {
      throw new TransientError("a year!", { retryAfterMs: 365 * DAY_MS });
    };
    await clock.advance(1_000);
    expect(probes).toEqual([90_000]);
    await clock.advance(8 * DAY_MS);
    expect(probes).toEqual([90_000, 90_000 + 8 * DAY_MS]);
  });

  test("lets those who wait go when it closes, or when they are told to stop", async () => {
    await fail();
    const [patient, hasty] = [new AbortController(), new AbortController()];
    const done: string[] = [];
    const waiting = [
      breaker.whenClosed(patient.signal).then(() => done.push("patient")),
      breaker.whenClosed(hasty.signal).then(() => done.push("hasty")),
    ];
    hasty.abort();
    await waiting[1];
    expect(done).toEqual(["hasty"]);
    answer = () => {};
    await clock.advance(1_000);
    await Promise.all(waiting);
    expect(done).toEqual(["hasty", "patient"]);
  });

  test("is open again after a restart, with its pauses as long as they had become", async () => {
    breaker.restore({
      openedAt: -100_000,
      probes: 5,
      nextProbeAt: clock.now() + 30_000,
      reason: "down since yesterday",
    });
    expect(breaker.state()?.reason).toBe("down since yesterday");
    await clock.advance(29_000);
    expect(probes).toEqual([]);
    await clock.advance(1_000);
    expect(probes).toHaveLength(1);
    await clock.advance(59_000);
    expect(probes).toHaveLength(1);
    await clock.advance(1_000);
    expect(probes).toHaveLength(2);
  });

  test("probes at once when the time of the next probe passed while the process was away", async () => {
    answer = () => {};
    breaker.restore({ openedAt: 0, probes: 9, nextProbeAt: clock.now() - 1, reason: "long ago" });
    await breaker.whenClosed(new AbortController().signal);
    expect(breaker.state()).toBeUndefined();
    expect(probes).toHaveLength(1);
  });

  test("can open a second time, as calm as the first", async () => {
    await fail();
    answer = () => {};
    await clock.advance(1_000);
    answer = () => {
      throw new TransientError("again");
    };
    await fail();
    await clock.advance(999);
    expect(probes).toHaveLength(1);
    await clock.advance(1);
    expect(probes).toHaveLength(2);
  });
});

describe("a rate limit", () => {
  const limited = (retryAfterMs: number) =>
    breaker
      .guard(async () => {
        throw new TransientError("asks for a pause", { isRateLimit: true, retryAfterMs });
      })
      .catch((thrown: unknown) => thrown);

  test("makes the backfill wait, and lets searches through", async () => {
    await limited(60_000);
    expect(breaker.state()).toMatchObject({ isRateLimit: true });
    await expect(breaker.guardSearch(async () => "found")).resolves.toBe("found");
    expect(breaker.state()).toMatchObject({ isRateLimit: true });
  });

  test("that a search meets makes nobody wait", async () => {
    const refused = breaker.guardSearch(() => Promise.reject(new TransientError("no", { isRateLimit: true })));
    await expect(refused).rejects.toThrow("no");
    expect(breaker.state()).toBeUndefined();
  });

  test("of a day is waited for, and costs one request when it is over", async () => {
    await limited(DAY_MS);
    answer = () => {};
    await clock.advance(DAY_MS - 1);
    expect(probes).toEqual([]);
    await clock.advance(1);
    expect(probes).toHaveLength(1);
    expect(breaker.state()).toBeUndefined();
  });

  test("is none any more when the next try finds the embedder down: searches do not wait for that", async () => {
    await limited(1_000);
    await clock.advance(1_000);
    expect(breaker.state()).toMatchObject({ isRateLimit: false, reason: "still down" });
    await expect(breaker.guardSearch(async () => "found")).rejects.toThrow("still down");
  });
});
