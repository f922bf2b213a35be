import { describe, expect, test } from "vitest";
import { type CanaryCheck, WrongVectorsError } from "../../src/embedding/canary.ts";
import { createCheckedRequests, type SendOptions } from "../../src/embedding/checked-requests.ts";
import type { Breaker } from "../../src/embedding/circuit-breaker.ts";
import type { EmbeddingQueue } from "../../src/embedding/queue.ts";
import { TransientError } from "../../src/errors.ts";

function setup(textsPerRequest = 10) {
  const done: string[] = [];
  /** Thrown one after the other by what goes with a canary; undefined: all is right. */
  const failures: (Error | undefined)[] = [];
  const stop = new AbortController();
  const abandon = new AbortController();
  const job: SendOptions = { priority: "live", stop: stop.signal, abandon: abandon.signal };
  const vectors = (texts: readonly string[]) => texts.map(() => Float32Array.of(1));
  async function withCanary<Result>(what: string, result: Result): Promise<Result> {
    done.push(what);
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return result;
  }
  const requests = createCheckedRequests({
    queue: {
      embedder: { limits: { textsPerRequest } },
      async embed(texts: readonly string[]) {
        done.push("plain");
        return vectors(texts);
      },
    } as unknown as EmbeddingQueue,
    breaker: {
      guardInTurn: (request: () => Promise<unknown>) => request(),
      distrust: () => void done.push("distrusts"),
    } as unknown as Breaker,
    canary: {
      learn: async () => undefined,
      takeAlong: (texts: readonly string[]) => withCanary("canary along", vectors(texts)),
      check: () => withCanary("check", undefined),
      send: () => withCanary("canary alone", undefined),
    } as unknown as CanaryCheck,
    unconfirmed: { begin: () => () => void done.push("confirms"), reject: () => void done.push("rejects") },
  });
  const batch = async (texts = 1) => {
    done.length = 0;
    await requests.sendBatch(Array(texts).fill("text"), job);
    return [...done];
  };
  return { requests, batch, done, failures, job, stop, abandon };
}
const wrong = new WrongVectorsError("mixed up");

describe("a batch", () => {
  test("has a canary with it at first, and again after fifty without", async () => {
    const { batch, requests } = setup();
    expect(requests.textsPerRequest()).toBe(9);
    expect(await batch()).toEqual(["canary along", "confirms"]);
    for (let n = 0; n < 50; n += 1) {
      expect(requests.textsPerRequest()).toBe(10);
      expect(await batch()).toEqual(["plain"]);
    }
    expect(requests.textsPerRequest()).toBe(9);
    expect(await batch()).toEqual(["canary along", "confirms"]);
  });

  test("that leaves no room for the canary goes without; the next that does takes it", async () => {
    const { batch } = setup();
    expect(await batch(10)).toEqual(["plain"]);
    expect(await batch(9)).toEqual(["canary along", "confirms"]);
  });

  test("of a server that takes one text at a time has one text", async () => {
    const { batch, requests } = setup(1);
    expect(requests.textsPerRequest()).toBe(1);
    expect(await batch()).toEqual(["canary along", "confirms"]);
  });

  test("that fails leaves the next to take a canary, and says nothing of vectors that came before", async () => {
    const { batch, done, failures } = setup();
    failures.push(new TransientError("busy"));
    await expect(batch()).rejects.toThrow("busy");
    expect(done).toEqual(["canary along"]);
    expect(await batch()).toEqual(["canary along", "confirms"]);
  });

  test("whose canary gets another's vector puts what came before in doubt, first of all, and opens the breaker", async () => {
    const { batch, done, failures } = setup();
    failures.push(wrong);
    await expect(batch()).rejects.toBe(wrong);
    expect(done).toEqual(["canary along", "rejects", "distrusts"]);
  });
});

describe("a check", () => {
  test("tries the canary among others and alone in turn, until one comes back right", async () => {
    const { requests, done, failures, job } = setup();
    failures.push(new TransientError("busy"), new TransientError("busy"));
    expect(await requests.check(job)).toBe(true);
    expect(done).toEqual(["check", "canary alone", "check", "confirms"]);
  });

  test("is over with vectors that are wrong", async () => {
    const { requests, done, failures, job } = setup();
    failures.push(wrong);
    await expect(requests.check(job)).rejects.toBe(wrong);
    expect(done).toEqual(["check", "rejects", "distrusts"]);
  });

  test("that is stopped, or whose request is broken off, has shown nothing", async () => {
    const stopped = setup();
    stopped.stop.abort();
    expect(await stopped.requests.check(stopped.job)).toBe(false);
    expect(stopped.done).toEqual([]);
    const abandoned = setup();
    abandoned.failures.push(new Error("aborted"));
    abandoned.abandon.abort();
    expect(await abandoned.requests.check(abandoned.job)).toBe(false);
    expect(abandoned.done).toEqual(["check"]);
  });
});
