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
const alone = (own: string) => ({ own, said: own, context: "", neighbour: undefined });
/** Of candidates without context. */
const score = (query: string, candidates: readonly string[], counted: typeof frequencies) =>
  compare(query, candidates.map(alone), counted).scores;

/** The formulas, word for word. */
function formulas(query: string, candidates: readonly string[]) {
  const row = (token: number) => rows.slice(token * 3, token * 3 + 3).map((value) => value * (scales[token] ?? 0));
  const length = (vector: number[]) => Math.hypot(...vector);
  const cosine = (a: number[], b: number[]) =>
    length(a) * length(b) === 0
      ? 0
      : a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) / (length(a) * length(b));
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const every = [...new Set(Array.from(model.tokenIds(query)))];
  const rarity = (t: number) =>
    Math.max(0, Math.log(1050 / ((frequencies.textsWith.get(t) ?? 0) + 50 * Math.exp(-(idf[t] ?? 0)))));
  const weight = (t: number) => rarity(t) ** 1.25 * length(row(t));
  const least = 0.01 * sum(every.map(weight));
  const asked = every.filter((t) => weight(t) > least);
  const tokensOf = (text: string) => Array.from(model.tokenIds(text));
  const closest = (t: number, others: readonly number[]) =>
    Math.max(0, ...others.map((other) => cosine(row(t), row(other))));
  const telling = asked.map((t) => {
    const likeness = candidates.map((candidate) => closest(t, tokensOf(candidate)));
    const best = Math.max(...likeness);
    return (weight(t) - least) * (best === 0 ? 1 : 1 - sum(likeness) / likeness.length / (2 * best));
  });
  return candidates.map((candidate) => {
    const own = tokensOf(candidate);
    const whole = sum(own.map(weight));
    return {
      score: sum(asked.map((t, i) => ((telling[i] ?? 0) / sum(telling)) * closest(t, own))),
      focus: whole === 0 ? 0 : sum(own.map((d) => weight(d) * closest(d, asked))) / whole,
    };
  });
}

describe("late interaction", () => {
  it("is the formulas, for queries of any number of words", () => {
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
      const { scores, focus } = compare(query, candidates.map(alone), frequencies);
      const expected = formulas(query, candidates);
      const rounded = (values: ArrayLike<number>) => Array.from(values, (value) => value.toFixed(5));
      expect(rounded(scores)).toEqual(rounded(expected.map((each) => each.score)));
      expect(rounded(focus())).toEqual(rounded(expected.map((each) => each.focus)));
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
        const candidates = others.map((token) => alone(String(token)));
        const expected = others.map((token) =>
          Math.fround(Math.max(0, product(asked, token)) / Math.sqrt(product(asked, asked) * product(token, token))),
        );
        const { scores } = compareLarge(String(asked), candidates, none);
        scores.forEach((score, token) => {
          expect(score).toBeCloseTo(expected[token] ?? Number.NaN, 6);
        });
      }
    }
    const together = compareLarge("0123456", [alone("0123456")], none).scores[0];
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
    const [own, context, both, among] = compare(
      "antenna",
      [
        alone("antenna"),
        { own: "nothing", said: "nothing", context: "antenna", neighbour: undefined },
        { own: "mast", said: "mast", context: "antenna", neighbour: undefined },
        { own: "nothing", said: "nothing", context: "", neighbour: 0 },
      ],
      frequencies,
    ).scores;
    const mast = formulas("antenna", ["mast"])[0]?.score ?? 0;
    expect(own).toBeCloseTo(1, 6);
    expect(context).toBeCloseTo(CONTEXT_SHARE, 6);
    expect(both).toBeCloseTo(mast, 6);
    expect(mast).toBeGreaterThan(CONTEXT_SHARE);
    expect(among).toBeCloseTo(CONTEXT_SHARE, 6);
  });

  it("counts the words of what answers or follows a message, less than its own, and of the next but one still less", () => {
    const { scores } = compare(
      "antenna",
      [
        alone("nothing"),
        { own: "nothing", said: "nothing", context: "", neighbour: 0 },
        { own: "antenna", said: "antenna", context: "", neighbour: 1 },
        { own: "antenna", said: "antenna", context: "", neighbour: 0 },
        { own: "nothing", said: "nothing", context: "", neighbour: 2 },
        { own: "nothing", said: "nothing", context: "", neighbour: 4 },
        alone("antenna"),
        { own: "lunch", said: "lunch", context: "", neighbour: 6 },
      ],
      frequencies,
    );
    expect(scores[0]).toBeCloseTo(FOLLOWER_SHARE, 6);
    expect(scores[1]).toBeCloseTo(FOLLOWER_SHARE, 6);
    expect(scores[4]).toBeCloseTo(CONTEXT_SHARE, 6);
    expect(scores[5]).toBeCloseTo(0.7 * CONTEXT_SHARE, 6);
    expect(scores[6]).toBeCloseTo(1, 6);
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
      alone("the antenna"),
      { own: "mast", said: "mast", context: "the antenna", neighbour: undefined },
      { own: "lunch", said: "lunch", context: "the antenna", neighbour: undefined },
    ];
    createLateInteraction(reading).compare("pole", candidates, frequencies);
    expect(read.sort()).toEqual(["lunch", "mast", "pole", "the antenna"]);
  });

  it("leaves out what weighs next to nothing, but never half of a query", () => {
    const counted = {
      texts: 1000,
      textsWith: new Map([
        [0, 1_040],
        [1, 10],
      ]),
    };
    const [without, with_] = ["antenna", "the antenna"].map((query) =>
      score(query, ["the", "antenna", "lunch"], counted),
    );
    expect(Array.from(with_ ?? [])).toEqual(Array.from(without ?? []));
    const many = Array.from({ length: 200 }, (_, n) => `word${n}`);
    const large: WordModel = {
      dimensions: 1,
      rows: new Int8Array(200).fill(1),
      scales: new Float32Array(200).fill(1),
      idf: new Float32Array(200).fill(5),
      tokenIds: (text) => text.split(" ").map((word) => many.indexOf(word)),
    };
    const long = createLateInteraction(large).compare(many.join(" "), [alone("word7")], {
      texts: 0,
      textsWith: new Map(),
    });
    expect(long.scores[0]).toBeCloseTo(1, 6);
  });

  it("tells what says a word like some others, its author and title aside", () => {
    const says = (examples: string, own: string, said = own) => {
      const candidate = { own, said, context: "antenna", neighbour: undefined };
      return compare("lunch", [candidate], frequencies).says(examples)[0];
    };
    expect(says("antenna", "the mast")).toBe(1);
    expect(says("antenna", "pole")).toBe(0);
    expect(says("antenna", "nothing")).toBe(0);
    expect(says("antenna", "antenna lunch", "lunch")).toBeCloseTo(0.0, 1);
    expect(says("antenna", "lunch antenna", "antenna")).toBe(1);
  });

  it("tells how long the candidates are, without their neighbours", () => {
    const candidates = [
      { own: "the antenna mast", said: "the antenna mast", context: "lunch the pole", neighbour: undefined },
      alone("lunch"),
    ];
    expect(compare("antenna", candidates, frequencies).meanLength).toBe(2);
    expect(compare("antenna", [], frequencies).meanLength).toBe(0);
  });
});
