// What every embedder promises, whatever it is made of. Run by the tests of each one.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Embedder } from "../../src/ports/embedder.ts";

const TEXTS = [
  "how do I pair the radio over bluetooth",
  "the radio does not pair over bluetooth",
  "banana bread recipe with walnuts",
  "🎉🎉🎉",
  "lone \ud83d surrogate",
  "שלום عالم",
];

export interface Precision {
  /** How much closer two texts that are alike are than two that are not. Models differ: those of the E5 family spread little. */
  readonly contrast: number;
  /** To so many digits a text's vector is the same alone and among others. */
  readonly digits: number;
}

/** @param create opens an embedder; closing it is done here */
export function embedderContract(
  name: string,
  create: () => Promise<Embedder>,
  { contrast, digits }: Precision = { contrast: 0.2, digits: 5 },
): void {
  describe(`${name} as an embedder`, () => {
    let embedder: Embedder;
    beforeAll(async () => {
      embedder = await create();
    });
    afterAll(() => embedder.close());

    it("gives one unit-length vector of the announced length per text", async () => {
      const vectors = await embedder.embed(TEXTS, "document");
      expect(vectors).toHaveLength(TEXTS.length);
      for (const vector of vectors) {
        expect(vector).toBeInstanceOf(Float32Array);
        expect(vector).toHaveLength(embedder.space.dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
      }
    });

    it("gives texts that are alike vectors that are alike", async () => {
      const [a, b, c] = await embedder.embed(TEXTS.slice(0, 3), "document");
      expect(cosine(a, b)).toBeGreaterThan(cosine(a, c) + contrast);
    });

    it("keeps the order of the texts, alone, in a full request or in parallel", async () => {
      const many = Array.from({ length: embedder.limits.textsPerRequest }, (_, i) => `message number ${i}`);
      const places = [0, 1, Math.floor(many.length / 2), many.length - 1];
      const [all, again, ...alone] = await Promise.all([
        embedder.embed(many, "document"),
        embedder.embed([...many].reverse(), "document"),
        ...places.map((place) => embedder.embed([many[place] ?? ""], "document")),
      ]);
      places.forEach((place, i) => {
        expect(cosine(all?.[place], alone[i]?.[0])).toBeCloseTo(1, digits);
        expect(cosine(all?.[place], again?.[many.length - 1 - place])).toBeCloseTo(1, digits);
      });
    });

    it("answers nothing with nothing", async () => {
      expect(await embedder.embed([], "document")).toEqual([]);
    });

    it("refuses more texts than it announces: the caller does the batching", async () => {
      const tooMany = new Array<string>(embedder.limits.textsPerRequest + 1).fill("x");
      await expect(embedder.embed(tooMany, "document")).rejects.toThrow("textsPerRequest");
    });

    it("announces limits that can be worked with and a fingerprint that can name a folder", () => {
      for (const limit of Object.values(embedder.limits)) expect(limit).toBeGreaterThanOrEqual(1);
      expect(embedder.limits.tokensPerRequest).toBeGreaterThanOrEqual(embedder.limits.tokensPerText);
      expect(embedder.space.fingerprint).toMatch(/^[a-z0-9][a-z0-9-]{0,79}$/);
    });

    it("stops with the signal's reason, before and during a request, and goes on working", async () => {
      const reason = new Error("enough");
      await expect(embedder.embed(TEXTS, "document", AbortSignal.abort(reason))).rejects.toBe(reason);
      const stop = new AbortController();
      const request = embedder.embed(TEXTS, "document", stop.signal);
      stop.abort(reason);
      await expect(request).rejects.toBe(reason);
      expect(await embedder.embed(TEXTS, "document")).toHaveLength(TEXTS.length);
    });

    it("made anew gives the same vectors in the same space, until it is closed, which may be done twice", async () => {
      const anew = await create();
      expect(await anew.embed(TEXTS, "query")).toEqual(await embedder.embed(TEXTS, "query"));
      expect(anew.space).toEqual(embedder.space);
      await anew.close();
      await anew.close();
      await expect(anew.embed(["x"], "document")).rejects.toThrow("closed");
    });
  });
}

function cosine(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b) throw new Error("a vector is missing");
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
