import { expect, it } from "vitest";
import { measureUnrelatedCosine } from "../../src/embedding/unrelated-cosine.ts";

const limits = { textsPerRequest: 256, tokensPerText: 100, tokensPerRequest: 1_000, parallelRequests: 1 };

it("unrelated texts of a model whose vectors lie in a cone are measured, queries against documents", async () => {
  const asked: { texts: number; use: string }[] = [];
  const cosine = await measureUnrelatedCosine({
    limits,
    async embed(texts, use) {
      asked.push({ texts: texts.length, use });
      // All documents share 0.8 of their length with all queries, and nothing else.
      return texts.map(() => (use === "query" ? Float32Array.of(1, 0) : Float32Array.of(0.8, 0.6)));
    },
  });
  expect(cosine).toBeCloseTo(0.8);
  expect(asked).toEqual([
    { texts: 12, use: "query" },
    { texts: 12, use: "document" },
  ]);
});

it("a server that takes few texts at once is asked for fewer", async () => {
  const embed = async (texts: readonly string[]) => {
    expect(texts.length).toBeLessThanOrEqual(10);
    return texts.map(() => Float32Array.of(1));
  };
  expect(await measureUnrelatedCosine({ limits: { ...limits, textsPerRequest: 10 }, embed })).toBe(1);
});
