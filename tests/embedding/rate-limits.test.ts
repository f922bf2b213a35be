import { describe, expect, it } from "vitest";
import { quotasIn } from "../../src/adapters/openai/quotas.ts";
import { createEmbeddingQueue, type EmbeddingPriority } from "../../src/embedding/queue.ts";
import { createRateLimits } from "../../src/embedding/rate-limits.ts";
import type { Embedder, Quotas } from "../../src/ports/embedder.ts";
import { createManualClock, testEmbedder } from "../support/engine.ts";

describe("a server's limits", () => {
  it("let requests through at the pace that was set, and keep a share for whoever asks for it", async () => {
    const clock = createManualClock();
    const limits = createRateLimits({ requests: 10 }, clock);
    let taken = 0;
    const backfill = async () => {
      for (let i = 0; i < 20; i += 1) {
        await limits.take({ requests: 1, tokens: 100 }, 0.2);
        taken += 1;
      }
    };
    const all = backfill();
    await clock.advance(0);
    // Two of ten are left alone.
    expect(taken).toBe(8);
    expect(limits.waitMs(0)).toBe(0);
    expect(limits.waitMs(0.2)).toBe(6_000);
    await clock.advance(60_000);
    expect(taken).toBe(18);
    await clock.advance(12_000);
    await all;
  });

  it("count tokens, too; what is larger than a limit waits until all of it is there", async () => {
    const clock = createManualClock();
    const limits = createRateLimits({ tokens: 600 }, clock);
    await limits.take({ requests: 1, tokens: 900 }, 0.2);
    let second = false;
    const waiting = limits.take({ requests: 1, tokens: 60 }, 0).then(() => {
      second = true;
    });
    await clock.advance(35_000);
    expect(second).toBe(false);
    await clock.advance(2_000);
    expect(second).toBe(true);
    await waiting;
  });

  it("are as the server tells, which comes back by its reset, and none without a word", async () => {
    const clock = createManualClock();
    const limits = createRateLimits({}, clock);
    expect(limits.waitMs(0.2)).toBe(0);
    limits.told({ requests: { limit: 100, remaining: 0, resetMs: 50_000 } });
    expect(limits.waitMs(0)).toBe(500);
    limits.told({ requests: { limit: 100, remaining: 90, resetMs: 1_000 } });
    expect(limits.waitMs(0.2)).toBe(0);
  });

  it("that were set hold, unless the server leaves less", () => {
    const clock = createManualClock();
    const limits = createRateLimits({ requests: 60 }, clock);
    limits.told({ requests: { limit: 10_000, remaining: 9_999, resetMs: 10 } });
    limits.takeAtOnce({ requests: 60, tokens: 0 });
    expect(limits.waitMs(0)).toBe(1_000);
  });

  it("wait no longer when the caller stops", async () => {
    const clock = createManualClock();
    const limits = createRateLimits({ requests: 1 }, clock);
    await limits.take({ requests: 1, tokens: 0 }, 0);
    const stop = new AbortController();
    const waiting = limits.take({ requests: 1, tokens: 0 }, 0, stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("the queue", () => {
  const embedderWith = (limits: Partial<Embedder["limits"]>, quotas: () => Quotas, sent: string[]): Embedder => {
    const plain = testEmbedder(undefined, { parallelRequests: 4, ...limits });
    return {
      ...plain,
      async embed(texts, use, signal, onReceipt) {
        sent.push(...texts);
        const vectors = await plain.embed(texts, use, signal);
        onReceipt?.({ tokens: texts.length * 10, quotas: quotas() });
        return vectors;
      },
    };
  };

  it("sends a search although the backfill has to wait for the server's limit, and live messages from the kept share", async () => {
    const clock = createManualClock();
    const sent: string[] = [];
    const queue = createEmbeddingQueue(
      embedderWith({ requestsPerMinute: 10 }, () => ({}), sent),
      clock,
    );
    const ask = (text: string, priority: EmbeddingPriority) => queue.embed([text], { use: "document", priority });
    const backfill = Promise.all(Array.from({ length: 9 }, (_, i) => ask(`old ${i}`, "backfill")));
    await clock.advance(0);
    expect(sent).toHaveLength(8);
    await ask("live", "live");
    await ask("search", "search");
    await ask("another", "search");
    expect(sent.slice(8)).toEqual(["live", "search", "another"]);
    expect(queue.limitedMs()).toBeGreaterThan(0);
    await clock.advance(60_000);
    await backfill;
  });

  it("heeds what the server's headers say, and tells how many tokens a request was", async () => {
    const clock = createManualClock();
    const sent: string[] = [];
    let remaining = 3;
    const quotas = () => {
      remaining -= 1;
      return { requests: { limit: 10, remaining, resetMs: 10_000 } };
    };
    const queue = createEmbeddingQueue(embedderWith({}, quotas, sent), clock);
    const tokens: number[] = [];
    queue.onTiming((timing) => tokens.push(timing.tokens));
    const ask = () => queue.embed(["a", "b"], { use: "document", priority: "backfill" });
    await ask();
    expect(queue.limitedMs()).toBe(1_250);
    const second = ask();
    await clock.advance(1_000);
    expect(sent).toHaveLength(2);
    await clock.advance(500);
    await second;
    expect(tokens).toEqual([20, 20]);
  });
});

describe("headers of limits", () => {
  const now = Date.UTC(2026, 0, 1);

  it.each<[string, Record<string, string>, Quotas]>([
    [
      "OpenAI's",
      {
        "x-ratelimit-limit-requests": "3000",
        "x-ratelimit-remaining-requests": "2999",
        "x-ratelimit-reset-requests": "20ms",
        "x-ratelimit-limit-tokens": "1000000",
        "x-ratelimit-remaining-tokens": "999000",
        "x-ratelimit-reset-tokens": "6m0.5s",
      },
      {
        requests: { limit: 3000, remaining: 2999, resetMs: 20 },
        tokens: { limit: 1_000_000, remaining: 999_000, resetMs: 360_500 },
      },
    ],
    [
      "without a reset",
      { "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "7" },
      { requests: { limit: 60, remaining: 7, resetMs: undefined }, tokens: undefined },
    ],
    [
      "a moment",
      { "x-ratelimit-limit": "60", "x-ratelimit-remaining": "7", "x-ratelimit-reset": String(now / 1000 + 30) },
      { requests: { limit: 60, remaining: 7, resetMs: 30_000 }, tokens: undefined },
    ],
    ["none", {}, { requests: undefined, tokens: undefined }],
    [
      "nonsense",
      { "x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "-1" },
      { requests: undefined, tokens: undefined },
    ],
  ])("are understood: %s", (_, headers, expected) => {
    expect(quotasIn(new Headers(headers), now)).toEqual(expected);
  });
});
