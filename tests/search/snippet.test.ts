import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shownText } from "../../src/search/shown-text.ts";
import { cut, markdownOf, markWords } from "../../src/search/snippet.ts";

const snippetOf = (text: string, query: string, length: number) => cut(markWords(shownText(text), query), length);

const marked = (text: string, query: string, length = 100) => {
  const snippet = snippetOf(text, query, length);
  return snippet.marks.map(({ start, end }) => snippet.text.slice(start, end));
};

describe("a snippet", () => {
  it("is the whole text on one line when it fits", () => {
    expect(snippetOf(" two\n\nlines ", "x", 100)).toEqual({ text: "two lines", marks: [], hidden: [] });
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

  it("marks emoji, in whatever skin or variation", () => {
    expect(marked("a 👍🏽 for the 🚲️ and 🇩🇪!", "🚲 👍 🇩🇪")).toEqual(["👍🏽", "🚲️", "🇩🇪"]);
    expect(marked("👍 and 🇫🇷", "👎 🇩🇪")).toEqual([]);
  });

  it("marks Chinese words, which have no spaces around them", () => {
    expect(marked("明天我们去北京吃烤鸭", "北京")).toEqual(["北京"]);
  });

  it("shows the window with the most different words of the query", () => {
    const text = `antenna ${"filler words here ".repeat(20)} the antenna on a roof ${"more filler ".repeat(20)} antenna`;
    const { text: shown, marks } = snippetOf(text, "roof antenna", 80);
    expect(shown).toContain("the antenna on a roof");
    expect(shown.startsWith("…") && shown.endsWith("…")).toBe(true);
    expect(marks).toHaveLength(2);
  });

  it("begins where it was told to look when nothing matches, else at the beginning", () => {
    const long = shownText(`${"first part ".repeat(50)}second part ${"goes on ".repeat(50)}`);
    expect(cut(markWords(long, "antenna"), 60, "second part goes").text).toMatch(/^…second part goes/);
    expect(cut(markWords(long, "antenna"), 60, "no such part").text).toMatch(/^first part/);
    expect(cut(markWords(long, "first"), 60, "second part goes").text).toMatch(/^first part/);
    expect(snippetOf("word ".repeat(100), "antenna", 40).text).toMatch(/^word .*…$/);
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
          const snippet = snippetOf(words, query, length);
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
  const markdown = (text: string, query: string, length = 200) => markdownOf(snippetOf(text, query, length));

  it("has its marks bold and all other formatting escaped", () => {
    expect(markdown("an *odd* antenna_mast `x` [a](b) | c", "odd")).toBe(
      "an \\***odd**\\* antenna\\_mast \\`x\\` \\[a\\](b) \\| c",
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

  it("marks words that stand together without a space as one", () => {
    expect(markdown("我们吃北京烤鸭", "北京 烤鸭")).toBe("我们吃**北京烤鸭**");
  });

  it("keeps spoilers closed, with their matches marked inside", () => {
    expect(markdown("I think ||the *butler* did it|| myself", "butler")).toBe(
      "I think ||the \\***butler**\\* did it|| myself",
    );
    expect(markdown("||the first|| and ||the second||", "")).toBe("||the first|| and ||the second||");
  });

  it("keeps a spoiler closed that it shows only a part of", () => {
    const long = `||${"the butler ".repeat(40)}did it|| ${"filler ".repeat(40)}`;
    for (const query of ["", "did", "filler"]) {
      const shown = markdown(long, query, 60);
      expect(shown.replace(/\|\|.*?\|\|/g, "")).not.toMatch(/butler|did it|\|\|/);
    }
    expect(markdown(long, "did", 60)).toContain("**did** it||");
  });

  it("never shows a word of a spoiler outside of one, wherever it is cut and whatever is marked", () => {
    const word = fc.constantFrom("alpha", "beta", "*", "`", "\n", "https://x.org/a", "|", "\\\\");
    const visible = fc.array(word, { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(visible, fc.integer({ min: 1, max: 9 }))),
        fc.integer({ min: 20, max: 90 }),
        (parts, length) => {
          const hidden: { start: number; end: number }[] = [];
          let text = "";
          for (const [words, secrets] of parts) {
            text += `${words.join(" ")} `;
            hidden.push({ start: text.length, end: text.length + 7 * secrets });
            text += "secret ".repeat(secrets);
          }
          const shown = markdownOf(cut(markWords({ text, hidden }, "alpha secret"), length));
          expect(shown.replace(/(?<!\\)\|\|[\s\S]*?(?<!\\)\|\|/g, "")).not.toContain("secre");
        },
      ),
    );
  });
});
