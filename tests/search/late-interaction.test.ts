import { describe, expect, it } from "vitest";
import {
  CONTEXT_SHARE,
  createLateInteraction,
  FOLLOWER_SHARE,
  type WordModel,
} from "../../src/search/late-interaction.ts";

/** Six words in three dimensions; "mast" is a close relative of "antenna", "pole" points away from it. */
const words = ["the", "antenna", "mast", "lunch", "pole", "nothing"];
const rows = [10, 10, 10, 100, 20, 0, 90, 40, 0, 0, 10, 120, -100, 0, 0, 0, 0, 0];
const scales = [0.01, 0.02, 0.01, 0.03, 0.01, 0.01];
const idf = [0.1, 5, 6, 4, 6, 7];
const model: WordModel = {
  dimensions: 3,
  rows: Int8Array.from(rows),
  scales: Float32Array.from(scales),
  idf: Float32Array.from(idf),
  tokenIds: (text) => text.split(" ").flatMap((word) => (words.includes(word) ? [words.indexOf(word)] : [])),
};
const frequencies = {
  texts: 1000,
  textsWith: new Map([
    [0, 800],
    [1, 10],
    [3, 100],
  ]),
};
const { compare } = createLateInteraction(model);
/** Of candidates without context. */
const score = (query: string, candidates: readonly string[], counted: typeof frequencies) =>
  compare(
    query,
    candidates.map((own) => ({ own, context: "" })),
    counted,
  ).scores;

/** The formula, word for word. */
function formula(query: string, candidate: string): number {
  const row = (token: number) => rows.slice(token * 3, token * 3 + 3).map((value) => value * (scales[token] ?? 0));
  const length = (vector: number[]) => Math.hypot(...vector);
  const cosine = (a: number[], b: number[]) =>
    length(a) * length(b) === 0
      ? 0
      : a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) / (length(a) * length(b));
  const tokens = [...new Set(Array.from(model.tokenIds(query)))];
  const rarity = (t: number) =>
    Math.max(0, Math.log(1050 / ((frequencies.textsWith.get(t) ?? 0) + 50 * Math.exp(-(idf[t] ?? 0)))));
  const weights = tokens.map((t) => rarity(t) ** 1.25 * length(row(t)));
  const total = weights.reduce((a, b) => a + b, 0);
  return tokens.reduce((sum, t, i) => {
    const best = Math.max(0, ...Array.from(model.tokenIds(candidate), (d) => cosine(row(t), row(d))));
    return sum + ((weights[i] ?? 0) / total) * best;
  }, 0);
}

describe("late interaction", () => {
  it("is the formula, for queries of any number of words", () => {
    const candidates = [
      "the mast",
      "lunch the",
      "antenna",
      "",
      "pole",
      "mast mast lunch antenna",
      "unknown words",
      "nothing the",
    ];
    for (const query of [
      "antenna",
      "the antenna",
      "the antenna lunch mast",
      "the antenna mast lunch pole",
      "pole antenna pole",
    ]) {
      const actual = Array.from(score(query, candidates, frequencies), (value) => value.toFixed(5));
      expect(actual).toEqual(candidates.map((candidate) => formula(query, candidate).toFixed(5)));
    }
  });

  it("is exact for the longest rows of the largest numbers, however many words there are", () => {
    const dimensions = 2_000;
    const extremes = [-128, 127, 0, -128, 1];
    const tokens = 7;
    const large = Int8Array.from(
      { length: tokens * dimensions },
      (_, i) => extremes[(i + (i >> 3) * Math.floor(i / dimensions)) % (i < 2 * dimensions ? 2 : 5)] ?? 0,
    );
    const { compare: compareLarge } = createLateInteraction({
      dimensions,
      rows: large,
      scales: new Float32Array(tokens).fill(1),
      idf: new Float32Array(tokens).fill(5),
      tokenIds: (text) => Array.from(text, Number),
    });
    const row = (token: number) => large.subarray(token * dimensions, (token + 1) * dimensions);
    const product = (a: number, b: number) => row(a).reduce((sum, value, i) => sum + value * (row(b)[i] ?? 0), 0);
    const none = { texts: 0, textsWith: new Map<number, number>() };
    for (let asked = 0; asked < tokens; asked += 1) {
      for (let count = 1; count <= tokens; count += 1) {
        const others = Array.from({ length: count }, (_, n) => n);
        const candidates = others.map((token) => ({ own: String(token), context: "" }));
        const expected = others.map((token) =>
          Math.fround(Math.max(0, product(asked, token)) / Math.sqrt(product(asked, asked) * product(token, token))),
        );
        const { scores } = compareLarge(String(asked), candidates, none);
        scores.forEach((score, token) => {
          expect(score).toBeCloseTo(expected[token] ?? Number.NaN, 6);
        });
      }
    }
    const together = compareLarge("0123456", [{ own: "0123456", context: "" }], none).scores[0];
    expect(together).toBeCloseTo(1, 6);
  });

  it("gives 1 to what has every word, and 0 to what has nothing alike", () => {
    const [all, none] = score("the antenna", ["antenna of the", "nothing"], frequencies);
    expect(all).toBeCloseTo(1, 6);
    expect(none).toBe(0);
  });

  it("answers a query without known words, and no candidates at all", () => {
    expect(Array.from(score("xyz", ["antenna"], frequencies))).toEqual([0]);
    expect(score("antenna", [], frequencies)).toHaveLength(0);
  });

  it("remembers nothing from one query to the next", () => {
    const once = Array.from(score("antenna", ["mast", "lunch"], frequencies));
    score("lunch", ["pole the", "antenna"], frequencies);
    expect(Array.from(score("antenna", ["mast", "lunch"], frequencies))).toEqual(once);
  });

  it("counts a neighbour's word less than the message's own, and only where that has nothing closer", () => {
    const [own, context, both] = compare(
      "antenna",
      [
        { own: "antenna", context: "" },
        { own: "nothing", context: "antenna" },
        { own: "mast", context: "antenna" },
      ],
      frequencies,
    ).scores;
    expect(own).toBeCloseTo(1, 6);
    expect(context).toBeCloseTo(CONTEXT_SHARE, 6);
    expect(both).toBeCloseTo(formula("antenna", "mast"), 6);
    expect(formula("antenna", "mast")).toBeGreaterThan(CONTEXT_SHARE);
  });

  it("counts the words of what answers or follows a message, less than its own", () => {
    const { scores } = compare(
      "antenna",
      [
        { own: "nothing", context: "", followers: [1, 2] },
        { own: "lunch", context: "nothing" },
        { own: "antenna", context: "nothing" },
        { own: "antenna", context: "", followers: [1] },
      ],
      frequencies,
    );
    expect(scores[0]).toBeCloseTo(FOLLOWER_SHARE, 6);
    expect(scores[3]).toBeCloseTo(1, 6);
  });

  it("reads each text once, also where it is a candidate and the context of others", () => {
    const read: string[] = [];
    const reading: WordModel = {
      ...model,
      tokenIds: (text) => {
        read.push(text);
        return model.tokenIds(text);
      },
    };
    const candidates = [
      { own: "the antenna", context: "" },
      { own: "mast", context: "the antenna" },
      { own: "lunch", context: "the antenna" },
    ];
    createLateInteraction(reading).compare("pole", candidates, frequencies);
    expect(read.sort()).toEqual(["lunch", "mast", "pole", "the antenna"]);
  });

  it("tells how long the candidates are, without their neighbours", () => {
    const candidates = [
      { own: "the antenna mast", context: "lunch the pole" },
      { own: "lunch", context: "" },
    ];
    expect(compare("antenna", candidates, frequencies).meanLength).toBe(2);
    expect(compare("antenna", [], frequencies).meanLength).toBe(0);
  });
});
