import { beforeEach, describe, expect, it } from "vitest";
import type { VectorIndex } from "../../src/ports/vector-index.ts";
import { comparesLetters, createGuildSamples } from "../../src/search/guild-sample.ts";
import type { WordModel } from "../../src/search/late-interaction.ts";

/** A text is its digits. */
const model: WordModel = {
  dimensions: 1,
  rows: new Int8Array(10),
  scales: new Float32Array(10),
  idf: new Float32Array(10),
  tokenIds: (text) => Array.from(text, Number),
};

describe("a sample of a guild", () => {
  let now: number;
  let rows: number;
  let texts: string[];
  let taken: number;
  let index: Pick<VectorIndex, "count" | "sampleRows" | "sampleVectors" | "space">;
  beforeEach(() => {
    [now, rows, taken, texts] = [0, 100, 0, ["1123", "34", ""]];
    index = {
      space: { modelId: "test", dimensions: 1, fingerprint: "test" },
      count: async () => rows,
      sampleVectors: async () => [Float32Array.of(1)],
      async sampleRows() {
        taken += 1;
        return texts.map((text) => ({ text, authorName: "Ada", accessChannelId: "10" }));
      },
    };
  });
  const samples = createGuildSamples(model, { elapsed: () => now });
  const read = () => samples.of(index as VectorIndex);

  it("counts in how many texts each word occurs", async () => {
    const { texts: sampled, textsWith } = (await read()).frequencies;
    expect(sampled).toBe(3);
    expect([...textsWith].sort()).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 1],
    ]);
  });

  it("tells how much of what is written is a word: no more than its rarest part", async () => {
    // Of 20,000 words, 300 are "1", 190 are "2", and the others are "3".
    texts = Array.from({ length: 20_000 }, (_, n) => String(n < 300 ? 1 : n < 490 ? 2 : 3));
    const { commonness } = await read();
    expect(["1", "2", "12", "13", "9"].map(commonness)).toEqual([0.015, 0.0095, 0.0095, 0.015, 0]);
    expect(commonness("")).toBe(0);
  });

  it("calls no word common in a small server, where all speak of the same", async () => {
    texts = Array.from({ length: 1_999 }, () => "1");
    expect((await read()).commonness("1")).toBe(0);
    texts.push("1");
    now += 3_600_000;
    expect((await read()).commonness("1")).toBe(1);
  });

  it("counts words as rows have them, without the accents of Greek and Cyrillic", async () => {
    texts = ["ё"];
    const letters = createGuildSamples(
      { ...model, tokenIds: (text) => Array.from(text, (c) => c.charCodeAt(0)) },
      {
        elapsed: () => now,
      },
    );
    expect([...(await letters.of(index as VectorIndex)).frequencies.textsWith.keys()]).toEqual(["е".charCodeAt(0)]);
  });

  it("is taken once for searches at the same time, and kept while it is young and the index grows little", async () => {
    await Promise.all([read(), read()]);
    now += 60_000;
    rows = 140;
    await read();
    expect(taken).toBe(1);
  });

  it("is taken anew when it is old or the index has grown", async () => {
    await read();
    now += 20 * 60_000;
    await read();
    rows = 200;
    await read();
    expect(taken).toBe(3);
  });

  it("is tried again after a failure", async () => {
    const { sampleRows } = index;
    index.sampleRows = () => Promise.reject(new Error("disk gone"));
    await expect(read()).rejects.toThrow("disk gone");
    index.sampleRows = sampleRows;
    expect((await read()).frequencies.texts).toBe(3);
  });

  it("has vectors only of an embedder whose unrelated vectors are alike", async () => {
    expect(await samples.unrelatedOf(index as VectorIndex)).toBeUndefined();
    index = { ...index, space: { ...index.space, unrelatedCosine: 0.7 } } as typeof index;
    const unrelated = { cosine: 0.7, vectors: [Float32Array.of(1)] };
    expect(await samples.unrelatedOf(index as VectorIndex)).toEqual(unrelated);
  });

  it("tells in which languages people write", async () => {
    texts = ["what do you think of the antenna", "Das ist eine schöne Antenne für den Balkon"];
    expect((await read()).notEnglish).toBeCloseTo(42 / 74);
  });
});

describe("a query is compared by its letters", () => {
  it.each([
    ["how do I mount the antenna", 0.9, false],
    ["antenna mount", 0.1, false],
    ["antenna mount", 0.9, true],
    ["Fahrrad kaputt", 0.9, true],
    ["где антенна", 0, true],
    ["天线", 0, true],
  ])("%j where %d of the letters are not English: %j", (query, notEnglish, expected) => {
    expect(comparesLetters(query, { notEnglish })).toBe(expected);
  });
});
