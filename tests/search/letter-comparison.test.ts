import { describe, expect, it } from "vitest";
import { compareLetters, countNgrams } from "../../src/search/letter-comparison.ts";

const alone = (own: string) => ({ own, context: "", neighbour: undefined });
const filler = [
  "das Wetter ist heute schön",
  "wir essen später zu Mittag",
  "погода сегодня хорошая",
  "今日は天気がいい",
];
const frequencies = countNgrams(filler);
const scores = (query: string, ...own: string[]) => [...compareLetters(query, own.map(alone), frequencies).scores];

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
        alone("die Antenne"),
        { own: "ja klar", context: "die Antenne", neighbour: undefined },
        { own: "ja klar", context: "", neighbour: 0 },
        { own: "ja klar", context: "der Akku", neighbour: undefined },
      ],
      frequencies,
    );
    expect(found[0]).toBeGreaterThan((found[1] ?? 0) * 1.2);
    expect(found[1]).toBeGreaterThan(0);
    expect(found[2]).toBe(found[1]);
    expect(found[3]).toBe(0);
  });

  it("counts the words of what answers or follows a message, however many do, less than its own", () => {
    const { scores: found } = compareLetters(
      "Antenne",
      [
        alone("ja klar"),
        { own: "die Antenne", context: "ja klar", neighbour: 0 },
        alone("ja klar"),
        { own: "ja klar", context: "", neighbour: 2 },
        { own: "die Antenne", context: "", neighbour: 3 },
        alone("ja klar"),
        { own: "die Antenne", context: "", neighbour: 5 },
        { own: "die Antenne", context: "", neighbour: 5 },
        alone("ja klar"),
      ],
      frequencies,
    );
    const [one = 0, , two = 0, , , three = 0, , , none = 0] = found;
    expect(found[1]).toBeGreaterThan(one * 1.2);
    expect(three).toBe(one);
    expect(two).toBeLessThan(one);
    expect(two).toBeGreaterThan(none);
    expect(none).toBe(0);
  });

  it("tells how much of the query the best candidate has", () => {
    const coverage = (query: string, own: string) => compareLetters(query, [alone(own)], frequencies).coverage;
    expect(coverage("die Antenne", "die Antenne")).toBe(1);
    expect(coverage("wo ist Heidelberg", "Heidelberg: where is it")).toBeGreaterThan(0.4);
    expect(coverage("wo ist die Antenne", "где антенна")).toBe(0);
  });

  it("has rare n-grams count more", () => {
    const common = countNgrams([...Array<string>(50).fill("die Kette"), "die Antenne"]);
    const { scores: found } = compareLetters("Kette Antenne", ["eine Kette", "eine Antenne"].map(alone), common);
    expect(found[1]).toBeGreaterThan((found[0] ?? 0) * 2);
  });

  it("makes nothing of nothing", () => {
    expect(compareLetters("", [], frequencies)).toEqual({ scores: new Float64Array(), coverage: 0 });
    expect(compareLetters("…", [alone("a")], countNgrams([])).coverage).toBe(0);
  });
});
