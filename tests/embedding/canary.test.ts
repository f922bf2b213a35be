// The text whose vector is known: what it shows, and what it must not be mistaken about.

import { beforeEach, describe, expect, test } from "vitest";
import { CANARY, type CanaryCheck, createCanaryCheck, WrongVectorsError } from "../../src/embedding/canary.ts";
import type { EmbeddingQueue } from "../../src/embedding/queue.ts";
import { RejectedInputError, TransientError } from "../../src/errors.ts";
import type { KnownCanary } from "../../src/ports/vector-checks.ts";

const request = { priority: "backfill", signal: new AbortController().signal } as const;
const at = (degrees: number) =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));

/** Each request's texts, in which "canary" stands for it. */
let asked: string[][];
/** Where a text's vector points; texts that are not here point to 180. */
let directions: Map<string, number>;
/** What becomes of an answer on its way. */
let spoil: (vectors: Float32Array[]) => Float32Array[];
let stored: KnownCanary | undefined;
let wrongs: number;

beforeEach(() => {
  [asked, stored, wrongs] = [[], undefined, 0];
  directions = new Map([[CANARY, 0]]);
  spoil = (vectors) => vectors;
});

const memory = {
  load: async () => stored,
  async save(known: KnownCanary) {
    stored = known;
  },
};

function canary(textsPerRequest = 10, remembered: Parameters<typeof createCanaryCheck>[1] = memory): CanaryCheck {
  const queue = {
    embedder: { limits: { textsPerRequest } },
    async embed(texts: readonly string[]) {
      asked.push(texts.map((text) => (text === CANARY ? "canary" : text.startsWith("Invoices") ? "other" : text)));
      return spoil(texts.map((text) => at(directions.get(text) ?? (text.startsWith("Invoices") ? 90 : 180))));
    },
  };
  const check = createCanaryCheck(queue as unknown as EmbeddingQueue, remembered);
  check.onWrong(() => {
    wrongs += 1;
  });
  return check;
}

describe("its vector", () => {
  test("is learnt once, alone, with that of another text; the next process knows it", async () => {
    const check = canary();
    await check.learn(request);
    await check.learn(request);
    expect(asked).toEqual([["canary"], ["other"]]);
    expect(stored).toEqual({ vector: at(0), unrelated: expect.closeTo(0, 5) });
    await canary().learn(request);
    expect(asked).toHaveLength(2);
  });

  test("is learnt where the first of the two questions was answered and the second was not", async () => {
    let failures = 1;
    spoil = (vectors) => {
      if (asked.at(-1)?.[0] === "other" && failures-- > 0) throw new TransientError("busy");
      return vectors;
    };
    const check = canary();
    await expect(check.learn(request)).rejects.toThrow("busy");
    await check.learn(request);
    expect(asked).toEqual([["canary"], ["other"], ["other"]]);
  });

  test("is none where the server gives the same to every text, and is learnt anew when it does not any more", async () => {
    spoil = (vectors) => vectors.map(() => at(7));
    const check = canary();
    await expect(check.learn(request)).rejects.toThrow(WrongVectorsError);
    expect(stored).toBeUndefined();
    spoil = (vectors) => vectors;
    await check.learn(request);
    expect(stored?.vector).toEqual(at(0));
  });
});

describe("with texts", () => {
  test("it goes along unseen: the vectors are theirs", async () => {
    const check = canary();
    await check.learn(request);
    for (const [n, text] of ["a", "b", "c", "d"].entries()) directions.set(text, 10 * n);
    expect(await check.takeAlong(["a", "b", "c", "d"], request)).toEqual([at(0), at(10), at(20), at(30)]);
    expect(asked.at(-1)).toEqual(["a", "canary", "b", "c", "d"]);
    expect(await check.takeAlong(["b"], request)).toEqual([at(10)]);
    expect(wrongs).toBe(0);
  });

  test.each([1, 2, 3, 4, 5, 9])("it tells when the answer to %i comes in another order", async (count) => {
    const check = canary();
    await check.learn(request);
    const texts = Array.from({ length: count }, (_, n) => `text ${n}`);
    spoil = (vectors) => vectors.toReversed();
    await expect(check.takeAlong(texts, request)).rejects.toThrow(WrongVectorsError);
    spoil = (vectors) => [...vectors.slice(1), ...vectors.slice(0, 1)];
    await expect(check.takeAlong(texts, request)).rejects.toThrow(WrongVectorsError);
    expect(wrongs).toBe(2);
  });

  test("it goes before them where one text fits a request", async () => {
    const check = canary(1);
    await check.learn(request);
    directions.set("a", 10);
    expect(await check.takeAlong(["a"], request)).toEqual([at(10)]);
    expect(asked.slice(2)).toEqual([["canary"], ["a"]]);
    directions.set(CANARY, 90);
    await expect(check.takeAlong(["a"], request)).rejects.toThrow(TransientError);
    expect(asked.at(-1)).toEqual(["canary"]);
  });
});

describe("it is wrong", () => {
  test("from four tenths of the way to a text about something else on", async () => {
    const check = canary();
    await check.learn(request);
    // The cosine is 0.61, and 0.59.
    directions.set(CANARY, 52.4);
    await check.send(request);
    directions.set(CANARY, 53.9);
    await expect(check.send(request)).rejects.toThrow(/not those of the texts/);
    expect(wrongs).toBe(1);
  });

  test("by the same measure where all vectors lie close together", async () => {
    stored = { vector: at(0), unrelated: 0.9 };
    const check = canary();
    directions.set(CANARY, 15);
    await check.send(request);
    directions.set(CANARY, 17);
    await expect(check.send(request)).rejects.toThrow(TransientError);
  });

  test("not by a refusal, nor by an answer without a vector: that is the embedder's trouble", async () => {
    const check = canary();
    spoil = () => {
      throw new RejectedInputError("too long");
    };
    await expect(check.send(request)).rejects.toThrow(/refuses even a harmless text: too long/);
    await expect(check.send(request)).rejects.toThrow(TransientError);
    spoil = () => [];
    await expect(check.send(request)).rejects.toThrow(TransientError);
    expect(wrongs).toBe(0);
  });
});

test("a check is a harmless request of several texts, or of as many as fit", async () => {
  await canary().check(request);
  expect(asked).toEqual([["canary"], ["other"], ["canary", "other", "other"]]);
  asked = [];
  await canary(2).check(request);
  expect(asked).toEqual([["canary", "other"]]);
});
