import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSnippet, snippetMarkdown } from "../../src/search/snippet.ts";

const marked = (text: string, query: string, length = 100) => {
  const snippet = makeSnippet(text, query, length);
  return snippet.marks.map(({ start, end }) => snippet.text.slice(start, end));
};

describe("a snippet", () => {
  it("is the whole text on one line when it fits", () => {
    expect(makeSnippet(" two\n\nlines ", "x", 100)).toEqual({ text: "two lines", marks: [] });
  });

  it("marks the query's words whatever their case, accents and English endings", () => {
    expect(marked("Mounting ANTENNAS on the Café's roof", "mounted antenna cafe")).toEqual([
      "Mounting",
      "ANTENNAS",
      "Café's",
    ]);
    expect(marked("batteries and batter", "battery")).toEqual(["batteries"]);
    expect(marked("users use glasses", "user glass")).toEqual(["users", "glasses"]);
  });

  it("marks Chinese words, which have no spaces around them", () => {
    expect(marked("明天我们去北京吃烤鸭", "北京")).toEqual(["北京"]);
  });

  it("shows the window with the most different words of the query", () => {
    const text = `antenna ${"filler words here ".repeat(20)} the antenna on a roof ${"more filler ".repeat(20)} antenna`;
    const { text: shown, marks } = makeSnippet(text, "roof antenna", 80);
    expect(shown).toContain("the antenna on a roof");
    expect(shown.startsWith("…") && shown.endsWith("…")).toBe(true);
    expect(marks).toHaveLength(2);
  });

  it("begins at the beginning when nothing matches", () => {
    expect(makeSnippet("word ".repeat(100), "antenna", 40).text).toMatch(/^word .*…$/);
  });

  it("never exceeds its length, splits a surrogate pair or marks anything but a word, whatever the text", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.string({ unit: fc.constantFrom("🦊", "a", " ", "é", "\ud83e"), maxLength: 300 }),
    );
    fc.assert(
      fc.property(
        text,
        fc.string({ unit: fc.constantFrom("a", "é", " ", "🦊") }),
        fc.integer({ min: 20, max: 120 }),
        (words, query, length) => {
          const snippet = makeSnippet(words, query, length);
          expect(snippet.text.length).toBeLessThanOrEqual(length);
          expect(snippet.text.isWellFormed()).toBe(true);
          let last = 0;
          for (const { start, end } of snippet.marks) {
            expect(start >= last && end > start && end <= snippet.text.length).toBe(true);
            last = end;
          }
        },
      ),
    );
  });
});

describe("a snippet as Markdown", () => {
  const markdown = (text: string, query: string) => snippetMarkdown(makeSnippet(text, query, 200));

  it("has its marks bold and all other formatting escaped", () => {
    expect(markdown("an *odd* antenna_mast `x` ||y|| [a](b)", "odd")).toBe(
      "an \\***odd**\\* antenna\\_mast \\`x\\` \\|\\|y\\|\\| \\[a\\](b)",
    );
  });

  it("is no heading, quote or list", () => {
    expect(["# a", "> a", "- a", "-# a", "12. a", "1.5 V"].map((text) => markdown(text, "b"))).toEqual([
      "\\# a",
      "\\> a",
      "\\- a",
      "\\-# a",
      "12\\. a",
      "1\\.5 V",
    ]);
  });

  it("leaves links, mentions, emoji and timestamps whole, even when a word in them matches", () => {
    const text = "see https://antenna.org/my_antenna*x <@123> <#55> <:antenna:99> <t:1700000000:R> antenna";
    expect(markdown(text, "antenna 123")).toBe(text.replace(/antenna$/, "**antenna**"));
  });
});
