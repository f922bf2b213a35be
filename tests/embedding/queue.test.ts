import { describe, expect, test } from "vitest";
import { createEmbeddingQueue, type EmbeddingPriority, type EmbeddingTiming } from "../../src/embedding/queue.ts";
import { TransientError } from "../../src/errors.ts";
import type { Embedder, Receipt } from "../../src/ports/embedder.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { testEmbedder } from "../support/test-embedder.ts";

/** @param answer what the embedder says of each request, in its own time */
function setup(answer: (texts: readonly string[], tell: (tokens?: number) => void) => unknown = () => {}) {
  const clock = createManualClock();
  const embedder: Embedder = {
    ...testEmbedder(),
    async embed(texts, _, signal, onReceipt: (receipt: Receipt) => void = () => {}) {
      const broken = new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      await Promise.race([answer(texts, (tokens) => onReceipt({ tokens, quotas: {} })), broken]);
      return texts.map(() => Float32Array.of(1));
    },
  };
  const used: number[] = [];
  const queue = createEmbeddingQueue(embedder, clock, (tokens) => used.push(tokens));
  const embed = (texts: readonly string[], options: Partial<Parameters<typeof queue.embed>[1]> = {}) =>
    queue.embed(texts, { use: "document", priority: "live", ...options });
  return { clock, queue, used, embed };
}

describe("whose turn it is", () => {
  /** The embedder is at work on the text "first" until it is let go. */
  function heldByFirst() {
    const first = Promise.withResolvers<void>();
    const asked: string[] = [];
    const answer = ([text = ""]: readonly string[]) => {
      asked.push(text);
      return text === "first" ? first.promise : undefined;
    };
    return { first, asked, ...setup(answer) };
  }

  test("searches go before live messages, and these before a backfill, however late they come", async () => {
    const { first, asked, clock, embed } = heldByFirst();
    const order: readonly EmbeddingPriority[] = ["backfill", "backfill", "live", "search"];
    const before = embed(["first"]);
    await clock.advance(0);
    const all = [before, ...order.map((priority) => embed([priority], { priority }))];
    await clock.advance(0);
    expect(asked).toEqual(["first"]);
    first.resolve();
    await Promise.all(all);
    expect(asked).toEqual(["first", "search", "live", "backfill", "backfill"]);
  });

  test("what is stopped in the queue never gets to the embedder, and what has got there is finished", async () => {
    const { first, asked, clock, embed } = heldByFirst();
    const stop = new AbortController();
    const all = [embed(["first"], { stop: stop.signal }), embed(["second"], { stop: stop.signal })];
    const refused = expect(all[1]).rejects.toThrow("paused");
    await clock.advance(0);
    stop.abort(new Error("paused"));
    first.resolve();
    expect(await all[0]).toHaveLength(1);
    await refused;
    expect(asked).toEqual(["first"]);
  });

  test("what is given up in the queue never gets to the embedder", async () => {
    const { first, asked, clock, embed } = heldByFirst();
    const giveUp = new AbortController();
    const all = [embed(["first"]), embed(["second"], { signal: giveUp.signal })];
    await clock.advance(0);
    giveUp.abort(new Error("not wanted"));
    await expect(all[1]).rejects.toThrow();
    first.resolve();
    await all[0];
    expect(asked).toEqual(["first"]);
  });
});

describe("how long it takes", () => {
  test("time in the queue is told apart from time at the embedder, to whoever still listens", async () => {
    const { clock, queue, embed } = setup((_, tell) => {
      tell(7);
      return clock.sleep(400);
    });
    const heard: EmbeddingTiming[] = [];
    const stopListening = queue.onTiming((timing) => heard.push(timing));
    const both = [embed(["a"]), embed(["b", "c"], { priority: "backfill" })];
    await clock.advance(800);
    await Promise.all(both);
    stopListening();
    const third = embed(["d"]);
    await clock.advance(400);
    await third;
    expect(heard).toEqual([
      { priority: "live", texts: 1, waitedMs: 0, tookMs: 400, tokens: 7 },
      { priority: "backfill", texts: 2, waitedMs: 400, tookMs: 400, tokens: 7 },
    ]);
  });

  test("an embedder that is well answers within five times the slowest of the last fifty, and three seconds at least", async () => {
    let tookMs = 2_000;
    const { clock, queue, embed } = setup(() => clock.sleep(tookMs));
    const answered = async () => {
      const vectors = embed(["a"]);
      await clock.advance(tookMs);
      await vectors;
    };
    expect(queue.patienceMs()).toBeUndefined();
    await answered();
    tookMs = 10;
    for (let n = 0; n < 49; n += 1) await answered();
    expect(queue.patienceMs()).toBe(10_000);
    await answered();
    expect(queue.patienceMs()).toBe(3_000);
  });

  test("no answer in time is the embedder's failure; one in time is followed by none", async () => {
    const { clock, embed } = setup(([text]) => (text === "late" ? clock.sleep(60_000) : undefined));
    const late = embed(["late"], { withinMs: 1_500 });
    const outcome = expect(late).rejects.toThrow(
      new TransientError("no answer within 1.5 s, though it answers other texts much faster"),
    );
    await clock.advance(1_500);
    await outcome;
    await embed(["soon"], { withinMs: 1_500 });
    await clock.advance(10_000);
  });
});

describe("tokens", () => {
  const text = "x".repeat(900);

  test("are a third of the characters until the server has counted some, and then as many as it counts", async () => {
    const { queue, used, embed } = setup((_, tell) => tell(90));
    expect(queue.tokensIn(1_000)).toEqual({ tokens: 334, isCounted: false });
    await embed([text]);
    expect(queue.tokensIn(1_000)).toEqual({ tokens: 100, isCounted: true });
    expect(used).toEqual([90]);
  });

  test("are estimated where one of its answers does not count", async () => {
    const heard: unknown[] = [];
    const { queue, used, embed } = setup((_, tell) => {
      tell(90);
      tell(undefined);
    });
    await embed([text], { onUse: (...use) => heard.push(use) });
    expect([heard, used]).toEqual([[[300, false]], [300]]);
    expect(queue.tokensIn(1_000).isCounted).toBe(false);
  });

  test("at most: one for a character until a long request has told, and no less after a lighter one", async () => {
    let tokens = 90;
    const { queue, embed } = setup((_, tell) => tell(tokens));
    await embed([text]);
    expect(queue.mostTokensIn(1_000)).toBe(1_000);
    tokens = 500;
    await embed([text, "x".repeat(100)]);
    expect(queue.mostTokensIn(1_000)).toBe(500);
    tokens = 100;
    await embed([text, "x".repeat(100)]);
    expect(queue.mostTokensIn(1_000)).toBe(500);
  });

  test("of what was answered before a request failed are counted, and teach nothing", async () => {
    const { queue, used, embed } = setup((_, tell) => {
      tell(40);
      throw new TransientError("cut off");
    });
    await expect(embed([text])).rejects.toThrow("cut off");
    expect(used).toEqual([40]);
    expect(queue.tokensIn(3)).toEqual({ tokens: 1, isCounted: false });
    const nothing = setup(() => Promise.reject(new TransientError("down")));
    await expect(nothing.embed([text])).rejects.toThrow("down");
    expect(nothing.used).toEqual([]);
  });
});
