import { describe, expect, test } from "vitest";
import { latency, ndcg, percentile, quality, recall, reciprocalRank } from "../../bench/eval/measures.ts";

const judged = (found: string, relevant: string) => ({ found: found.split(""), relevant: new Set(relevant) });

describe("nDCG@10, computed by hand", () => {
  test.each([
    ["the one relevant record first", judged("abc", "a"), 1],
    // 1 / log2(3)
    ["the one relevant record second", judged("bac", "a"), 0.630_93],
    // (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3)) = 1.13093 / 1.63093
    ["two relevant records, second and third", judged("xab", "ab"), 0.693_43],
    // 1 / (1 + 1 / log2(3) + 1 / log2(4)) = 1 / 2.13093
    ["one of three relevant records, first", judged("a", "abc"), 0.469_28],
    ["the one relevant record in the tenth place: 1 / log2(11)", judged("bcdefghija", "a"), 0.289_06],
    ["the one relevant record in the eleventh place", judged("bcdefghijka", "a"), 0],
    ["nothing found", judged("", "a"), 0],
    ["more relevant records than places, all places right", judged("abcdefghij", "abcdefghijklmn"), 1],
  ])("%s", (_what, judgement, expected) => {
    expect(ndcg(judgement)).toBeCloseTo(expected, 4);
  });
});

test("recall is the share of the relevant records among the first ten", () => {
  expect(recall(judged("xaybz", "abcd"))).toBe(0.5);
  expect(recall(judged("bcdefghijka", "a"))).toBe(0);
});

test("the reciprocal rank looks at the first relevant record only", () => {
  expect(reciprocalRank(judged("xyab", "ab"))).toBeCloseTo(1 / 3, 10);
  expect(reciprocalRank(judged("xy", "a"))).toBe(0);
  expect(reciprocalRank(judged("bcdefghijka", "a"))).toBe(0);
});

test("quality is the mean over the queries", () => {
  const measured = quality([judged("a", "a"), judged("xa", "ab"), judged("x", "a")]);
  // nDCG: 1, 0.63093 / 1.63093 = 0.38685, 0
  expect(measured.ndcg10).toBeCloseTo((1 + 0.386_85) / 3, 4);
  expect(measured.recall10).toBeCloseTo((1 + 0.5) / 3, 10);
  expect(measured.mrr10).toBeCloseTo((1 + 0.5) / 3, 10);
});

test("a percentile is the smallest value that so many do not exceed", () => {
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2);
  expect(percentile([5, 1, 3, 2, 4], 0.5)).toBe(3);
  expect(percentile([7], 0.95)).toBe(7);
  expect(latency(Array.from({ length: 100 }, (_, n) => n + 1))).toEqual({ p50Ms: 50, p95Ms: 95 });
});
