import { describe, expect, it } from "vitest";
import { countNgrams } from "../../src/search/letter-comparison.ts";
import { preferNewer, rank, type Scored } from "../../src/search/rank.ts";
import { countAccentedForms } from "../../src/search/restore-accents.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { hit } from "../views/hits.ts";

const NEWEST = Date.UTC(2025, 5, 15);
const daysOld = (days: number) => snowflakeAt(NEWEST - days * 86_400_000);
const scored = (days: number, score: number): Scored => ({ row: hit({ id: daysOld(days) }).row, score });
const order = (...ranked: Scored[]) => preferNewer(ranked).map(({ row }) => row.id);

describe("newer messages preferred", () => {
  it("adds a tenth of the best score to the newest, and half of that for every 180 days it is older", () => {
    const gains = preferNewer([scored(0, 1), scored(180, 4), scored(360, 0)]);
    expect(gains.map(({ score }) => score.toFixed(6))).toEqual(["4.200000", "1.400000", "0.100000"]);
  });

  it("puts the newer first of matches about equally good, also when all of them are old", () => {
    expect(order(scored(700, 4), scored(0, 3.8))).toEqual([daysOld(0), daysOld(700)]);
    expect(order(scored(3_000, 4), scored(2_300, 3.8))).toEqual([daysOld(2_300), daysOld(3_000)]);
  });

  it("lifts nothing over what is better by more than a tenth of the best, however old that is", () => {
    expect(order(scored(5_000, 4), scored(0, 3.59))).toEqual([daysOld(5_000), daysOld(0)]);
    expect(order(scored(10, 4), scored(5_000, 1), scored(0, 0.59))).toEqual([daysOld(10), daysOld(5_000), daysOld(0)]);
  });

  it("leaves a few days' difference to the match", () => {
    expect(order(scored(7, 4), scored(0, 3.98))).toEqual([daysOld(7), daysOld(0)]);
  });

  it("makes nothing of nothing, and keeps candidates without a score newest first", () => {
    expect(preferNewer([])).toEqual([]);
    expect(order(scored(9, 0), scored(3, 0))).toEqual([daysOld(3), daysOld(9)]);
  });
});

describe("a score", () => {
  /** Three candidates, with cosines of 0.8, 0.76 and 0.7 to the query. */
  const vector = Float32Array.of(1, 0);
  const rows = [0.8, 0.76, 0.7].map((cosine, n) => {
    const { row } = hit({
      id: String(n + 1),
      searchText: "x",
      vector: Float32Array.of(cosine, Math.sqrt(1 - cosine ** 2)),
    });
    return { ...row, textScore: [0, 1, 4][n] ?? 0 };
  });
  const scoreOf = (ranked: readonly Scored[], id: string) =>
    ranked.find(({ row }) => row.id === id)?.score ?? Number.NaN;

  it("is the cosine as a share of the best, and the words found", () => {
    const ranked = rank("x", [{ rows, vector }], undefined);
    expect(scoreOf(ranked, "1")).toBeCloseTo(1);
    expect(scoreOf(ranked, "2")).toBeCloseTo(0.95 + 1 / 4);
    expect(scoreOf(ranked, "3")).toBeCloseTo(0.875 + 1);
  });

  it("is of a query of emoji above all what has them", () => {
    const vectors = [{ rows: rows.map((row) => ({ ...row, textScore: row.id === "3" ? 4 : 0 })), vector }];
    expect(rank("👨👩👧", vectors, words(0.1, 0))[0]?.row.id).toBe("3");
    expect(rank("x", vectors, words(0.1, 0))[0]?.row.id).not.toBe("3");
  });

  it("counts twice what is above unrelated texts, of vectors that all lie close together", () => {
    const ranked = rank("x", [{ rows, vector, unrelated: { cosine: 0.7, vectors: [] } }], undefined);
    expect(scoreOf(ranked, "1")).toBeCloseTo(2);
    expect(scoreOf(ranked, "2")).toBeCloseTo(1.2 + 1 / 4);
    expect(scoreOf(ranked, "3")).toBeCloseTo(1);
  });

  /** All candidates are as alike to the query as `likeness`; the last one is most to the point. */
  const words = (likeness: number, notEnglish: number, meanLength = 20, focus = 0) => ({
    lateInteraction: {
      compare: (_: string, candidates: readonly unknown[]) => ({
        scores: new Float64Array(candidates.length).fill(likeness),
        focus: () => new Float64Array(candidates.length).fill(focus, -1),
        says: () => Float64Array.from(candidates, (_, c) => (c === 1 ? 0.8 : 0)),
        meanLength,
      }),
    },
    sample: {
      frequencies: { texts: 0, textsWith: new Map() },
      ngrams: countNgrams(["something else"]),
      accents: countAccentedForms([]),
      commonness: () => 0,
      notEnglish,
    },
  });

  it("takes the guild's own rows for unrelated, if there are enough", () => {
    const vectors = Array.from({ length: 60 }, () => Float32Array.of(0.6, 0.8));
    const scoreWith = (some: readonly Float32Array[]) =>
      scoreOf(rank("x", [{ rows, vector, unrelated: { cosine: 0.7, vectors: some } }], undefined), "2");
    expect(scoreWith(vectors)).toBeCloseTo(1.6 + 1 / 4);
    expect(scoreWith(vectors.slice(0, 9))).toBeCloseTo(1.2 + 1 / 4);
  });

  it("counts such vectors the more the longer the texts are, and never less than the built-in model's", () => {
    const bestOf = (unrelated: { cosine: number; vectors: [] } | undefined, meanLength: number) => {
      const compared = words(0.6, 0, meanLength);
      const without = scoreOf(rank("x", [{ rows, vector: undefined }], compared), "1");
      const whole = 1 + 2 * (20 / (20 + meanLength));
      const score = scoreOf(rank("x", [{ rows, vector, unrelated }], compared), "1");
      expect(without).toBeCloseTo(whole);
      return score - whole;
    };
    const unrelated = { cosine: 0.7, vectors: [] as [] };
    expect(bestOf(unrelated, 180)).toBeCloseTo(6 * 0.9 ** 3);
    expect(bestOf(unrelated, 60)).toBeCloseTo(6 * 0.75 ** 3);
    expect(bestOf(unrelated, 5)).toBeCloseTo(1);
    expect(bestOf(undefined, 180)).toBeCloseTo(1);
  });

  it("counts the cosines of all generations as it counts those that count least", () => {
    const unrelated = { cosine: 0.7, vectors: [] as [] };
    const former = rows.map((row) => ({ ...row, id: `1${row.id}` }));
    const groups = [
      { rows, vector },
      { rows: former, vector, unrelated },
    ];
    const ranked = rank("x", groups, words(0.6, 0, 180));
    const compared = 1 + 2 * 0.1;
    expect(scoreOf(ranked, "1")).toBeCloseTo(compared + 1);
    expect(scoreOf(ranked, "11")).toBeCloseTo(compared + 1);
    // Words found do not count less in the one than in the other.
    expect(scoreOf(ranked, "3") - 0.875).toBeCloseTo(scoreOf(ranked, "13"));
  });

  it("counts the built-in model's vectors less of messages in a conversation, and how much to the point they are not at all", () => {
    const gain = (answering: number) => {
      const some = rows.map((row, n) => ({ ...row, ...(n < answering && { contextId: "1000" }) }));
      const score = (focus: number, of = vector) => rank("x", [{ rows: some, vector: of }], words(0.6, 0, 20, focus));
      const none = Float32Array.of(0, 0);
      return {
        vectors: scoreOf(score(0), "1") - scoreOf(score(0, none), "1"),
        focus: scoreOf(score(0.3), "3") - scoreOf(score(0), "3"),
      };
    };
    expect(gain(0).vectors).toBeCloseTo(1);
    expect(gain(0).focus).toBeCloseTo(0.5);
    expect(gain(1).vectors).toBeCloseTo(0.6 + (0.4 * 2) / 3);
    expect(gain(1).focus).toBeCloseTo((0.5 * 2) / 3);
    expect(gain(3).vectors).toBeCloseTo(0.6);
    expect(gain(3).focus).toBe(0);
  });

  it("counts numbers and what is like them half, where a number is asked for", () => {
    const some = rows.map((row, n) => ({ ...row, searchText: ["x", "several", "about 40"][n] ?? "" }));
    const gain = (id: string) => {
      const score = (text: string) => scoreOf(rank(text, [{ rows: some, vector }], words(0.6, 0)), id);
      return score("how many x") - score("x");
    };
    expect(["1", "2", "3"].map(gain)).toEqual([0, 0.8, 1].map((share) => expect.closeTo(0.5 * share)));
  });

  it("counts cosines half beside a generation that answers by words, whose best can come to the same", () => {
    const former = rows.map((row) => ({ ...row, id: `1${row.id}` }));
    const groups = [
      { rows, vector },
      { rows: former, vector: undefined },
    ];
    const ranked = rank("x", groups, words(0.6, 0, 180));
    // Everything stands alone: cosines would count 1.
    const [compared, match] = [1 + 2 * 0.1, 0.95];
    expect(scoreOf(ranked, "1")).toBeCloseTo(compared + 0.5);
    expect(scoreOf(ranked, "3")).toBeCloseTo(compared + match + 0.5 * 0.875);
    // Of what can be had of both, focus included.
    const most = compared + 0.95 + 0.5;
    expect(scoreOf(ranked, "13")).toBeCloseTo(((compared + match) * (most + 0.5)) / most);
  });

  it("trusts the words found little when nothing is like the query", () => {
    const none = Float32Array.of(0, 0);
    expect(scoreOf(rank("x", [{ rows, vector: none }], words(0.6, 0)), "3")).toBeCloseTo(0.75 + 2);
    expect(scoreOf(rank("x", [{ rows, vector: none }], words(0.3, 0)), "3")).toBeCloseTo(0.75 / 4 + 2);
  });

  it("compares letters where people do not write English", () => {
    const rows = [
      { ...hit({ id: "1", searchText: "eine Antenne" }).row, textScore: 0 },
      { ...hit({ id: "2", searchText: "der Akku" }).row, textScore: 4 },
    ];
    expect(rank("Antennen", [{ rows, vector: undefined }], words(0.6, 1)).map(({ row }) => row.id)).toEqual(["1", "2"]);
    expect(rank("Antennen", [{ rows, vector: undefined }], words(0.6, 0)).map(({ row }) => row.id)).toEqual(["2", "1"]);
  });

  it("has a message gain by what answers or follows it", () => {
    const followed = (contextId?: string) => [
      { ...hit({ id: "1", searchText: "schau mal nach oben" }).row },
      { ...hit({ id: "2", searchText: "die Antenne" }).row, ...(contextId !== undefined && { contextId }) },
    ];
    const score = (rows: ReturnType<typeof followed>) =>
      scoreOf(rank("Antennen", [{ rows, vector: undefined }], words(0.6, 1)), "1");
    expect(score(followed("1"))).toBeGreaterThan(score(followed("9")) + 0.1);
  });

  it("counts the words found beside the letters, but less", () => {
    const rows = [1, 4].map((textScore, n) => ({ ...hit({ id: String(n + 1), searchText: "Akku" }).row, textScore }));
    const gain = (notEnglish: number) => {
      const ranked = rank("Akku", [{ rows, vector: undefined }], words(0.6, notEnglish));
      return scoreOf(ranked, "2") - scoreOf(ranked, "1");
    };
    expect(gain(0)).toBeCloseTo(0.75 * (1 - 1 / 4));
    expect(gain(1)).toBeCloseTo(gain(0) / 2);
  });

  it("compares Greek and Cyrillic words with rows that have none of their accents, as the query without them", () => {
    const asked: string[] = [];
    const listening = {
      ...words(0.6, 1),
      lateInteraction: {
        compare: (query: string, candidates: readonly unknown[]) => {
          asked.push(query);
          const none = new Float64Array(candidates.length);
          return { scores: none, focus: () => none, says: () => none, meanLength: 20 };
        },
      },
    };
    rank("Πού είναι η κεραία; ещё 🚲", [{ rows, vector: undefined }], listening);
    expect(asked).toEqual(["που ειναι η κεραια; еще  🚲 "]);
  });
});
