import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromFullText, toFullText } from "../src/full-text.ts";

describe("the form of the full-text index", () => {
  it.each([
    ["plain text, as it is", "Hello, W\u0000rld", "Hello, W\u0000rld"],
    ["an emoji, a word", "a🚲b", "a emojix1f6b2z b"],
    ["a flag, one word", "🇩🇪", " emojix1f1e9x1f1eaz "],
    ["skin tones and variations, no part of it", "👍🏽❤️", " emojix1f44dz  emojix2764z "],
    ["a family, its members", "👨‍👩‍👧", " emojix1f468z  emojix1f469z  emojix1f467z "],
    ["a trade mark, no part of its word", "Acme™", "Acme emojix2122z "],
    ["Latin accents, which the index folds", "Łódź café", "Łódź café"],
    ["other accents, folded", "ёлка Ελλάδα Йод", "елка ελλαδα йод"],
    ["compatible letters, one", "ＷＥＬＣＯＭＥ ｶﾞ ﬁ", "WELCOME ガ fi"],
    ["vowels of Thai and Lao, whole", "นำ ທຳ \u0e19\u0e4d\u0e32", "นำ ທຳ \u0e19\u0e33"],
    ["marks that are letters, kept", "हिन्दी ภาษาไทย", "हिन्दी ภาษาไทย"],
  ])("has %s", (_, text, expected) => {
    expect(toFullText(text)).toBe(expected);
  });

  it("gives the emoji back", () => {
    expect(fromFullText(toFullText("nice 🚲 ride 👍🏽 in 🇩🇪"))).toBe("nice  🚲  ride  👍  in  🇩🇪 ");
    expect(fromFullText("myemojix1z emojixfffffffz emoji")).toBe("myemojix1z emojixfffffffz emoji");
  });

  it("never fails, and asking goes into the same form as what was written", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(toFullText(toFullText(text))).toBe(toFullText(text));
        expect(typeof fromFullText(toFullText(text))).toBe("string");
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
