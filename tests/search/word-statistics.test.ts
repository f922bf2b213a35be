import { beforeEach, describe, expect, it } from "vitest";
import type { VectorIndex } from "../../src/ports/vector-index.ts";
import type { WordModel } from "../../src/search/late-interaction.ts";
import { createWordStatistics } from "../../src/search/word-statistics.ts";

/** A text is its digits. */
const model: WordModel = {
  dimensions: 1,
  rows: new Int8Array(10),
  scales: new Float32Array(10),
  idf: new Float32Array(10),
  tokenIds: (text) => Array.from(text, Number),
};

describe("word statistics", () => {
  let now: number;
  let rows: number;
  let texts: string[];
  let samples: number;
  let index: Pick<VectorIndex, "count" | "sampleTexts">;
  beforeEach(() => {
    [now, rows, samples, texts] = [0, 100, 0, ["1123", "34", ""]];
    index = {
      count: async () => rows,
      async sampleTexts() {
        samples += 1;
        return texts;
      },
    };
  });
  const statistics = createWordStatistics(model, { elapsed: () => now });
  const read = () => statistics.of(index as VectorIndex);

  it("count in how many texts each word occurs", async () => {
    const { texts: sampled, textsWith } = await read();
    expect(sampled).toBe(3);
    expect([...textsWith].sort()).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 1],
    ]);
  });

  it("are taken once for searches at the same time, and kept while they are young and the index grows little", async () => {
    await Promise.all([read(), read()]);
    now += 60_000;
    rows = 140;
    await read();
    expect(samples).toBe(1);
  });

  it("are taken anew when they are old or the index has grown", async () => {
    await read();
    now += 20 * 60_000;
    await read();
    rows = 200;
    await read();
    expect(samples).toBe(3);
  });

  it("are tried again after a failure", async () => {
    const { sampleTexts } = index;
    index.sampleTexts = () => Promise.reject(new Error("disk gone"));
    await expect(read()).rejects.toThrow("disk gone");
    index.sampleTexts = sampleTexts;
    expect((await read()).texts).toBe(3);
  });
});
