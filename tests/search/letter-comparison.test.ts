import { describe, expect, it } from "vitest";
import { compareLetters, countNgrams } from "../../src/search/letter-comparison.ts";

const filler = [
  "das Wetter ist heute schön",
  "wir essen später zu Mittag",
  "погода сегодня хорошая",
  "今日は天気がいい",
];
const frequencies = countNgrams(filler);
const scores = (query: string, ...own: string[]) => [
  ...compareLetters(
    query,
    own.map((text) => ({ own: text, context: "" })),
    frequencies,
  ).scores,
];

describe("comparison by letters", () => {
  it.each([
    ["a typo", "Antene", "die Antenne ist kaputt", "die Batterie ist kaputt"],
    ["an inflected form", "антенны", "новая антенна", "новая батарея"],
    ["a compound", "Fahrrad", "die Fahrradkette ist gerissen", "die Halskette ist gerissen"],
    ["a word without its accents", "hậu quả".normalize("NFD"), "hau qua la gi", "hoa qua la gi"],
    ["a word among others without spaces", "天线", "我的天线坏了", "我的电池坏了"],
  ])("puts %s near its word", (_, query, near, far) => {
    const [one = 0, other = 0] = scores(query, near, far);
    expect(one).toBeGreaterThan(other * 1.5);
  });

  it("counts a neighbour's words less than the message's own", () => {
    const { scores: found } = compareLetters(
      "Antenne",
      [
        { own: "die Antenne", context: "" },
        { own: "ja klar", context: "die Antenne" },
        { own: "ja klar", context: "der Akku" },
      ],
      frequencies,
    );
    expect(found[0]).toBeGreaterThan((found[1] ?? 0) * 1.2);
    expect(found[1]).toBeGreaterThan(0);
    expect(found[2]).toBe(0);
  });

  it("counts the words of what answers or follows a message, however many do, less than its own", () => {
    const { scores: found } = compareLetters(
      "Antenne",
      [
        { own: "die Antenne", context: "" },
        { own: "ja klar", context: "", followers: [0] },
        { own: "ja klar", context: "", followers: [0, 0, 0] },
        { own: "ja klar", context: "", followers: [1] },
      ],
      frequencies,
    );
    expect(found[0]).toBeGreaterThan((found[1] ?? 0) * 1.2);
    expect(found[1]).toBeGreaterThan(0);
    expect(found[2]).toBe(found[1]);
    expect(found[3]).toBe(0);
  });

  it("tells how much of the query the best candidate has", () => {
    const coverage = (query: string, own: string) =>
      compareLetters(query, [{ own, context: "" }], frequencies).coverage;
    expect(coverage("die Antenne", "die Antenne")).toBe(1);
    expect(coverage("wo ist Heidelberg", "Heidelberg: where is it")).toBeGreaterThan(0.4);
    expect(coverage("wo ist die Antenne", "где антенна")).toBe(0);
  });

  it("has rare n-grams count more", () => {
    const common = countNgrams([...Array<string>(50).fill("die Kette"), "die Antenne"]);
    const { scores: found } = compareLetters(
      "Kette Antenne",
      ["eine Kette", "eine Antenne"].map((own) => ({ own, context: "" })),
      common,
    );
    expect(found[1]).toBeGreaterThan((found[0] ?? 0) * 2);
  });

  it("makes nothing of nothing", () => {
    expect(compareLetters("", [], frequencies)).toEqual({ scores: new Float64Array(), coverage: 0 });
    expect(compareLetters("…", [{ own: "a", context: "" }], countNgrams([])).coverage).toBe(0);
  });
});
