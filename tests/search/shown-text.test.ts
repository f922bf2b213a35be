import { describe, expect, it } from "vitest";
import { shownRecord, shownText, withoutHidden } from "../../src/search/shown-text.ts";

/** With what is hidden in brackets. */
function bracketed({ text, hidden }: ReturnType<typeof shownText>): string {
  return hidden.reduceRight(
    (all, { start, end }) => `${all.slice(0, start)}[${all.slice(start, end)}]${all.slice(end)}`,
    text,
  );
}

describe("somebody's words", () => {
  it.each([
    ["the ||butler|| did it", "the [butler] did it"],
    ["||a|| and ||b||", "[a] and [b]"],
    ["||two\n\nlines||", "[two lines]"],
    ["x ||never closed", "x ||never closed"],
    ["a || b", "a || b"],
    ["`a || b || c` ||d||", "`a || b || c` [d]"],
    ["```js\na || b || c\n``` ||d||", "```js a || b || c ``` [d]"],
    ["\\||not hidden||", "\\||not hidden||"],
    ["`open ||hidden||", "`open [hidden]"],
    ["||`code` in it||", "[`code` in it]"],
    ["  many   spaces \t here ", "many spaces here"],
    ["", ""],
  ])("%j are shown as %j", (written, shown) => {
    expect(bracketed(shownText(written))).toBe(shown);
  });

  it("turn nothing round that follows them: overrides, embeddings and isolates are left out, in names of files too", () => {
    const turned = ["\u202E", "\u202D", "\u202B", "\u2066", "\u2067", "\u2068"].map(
      (control) => `harmless${control}gpj.exe`,
    );
    for (const text of turned) {
      expect(shownText(text).text).toBe("harmlessgpj.exe");
      const record = {
        content: "",
        embeds: [text],
        attachments: [{ name: text, alt: text }],
        poll: text,
        forwarded: text,
      };
      expect(shownRecord(record).text).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/);
    }
    // What letters need to stand beside each other stays.
    expect(shownText("\u05D0\u200F!").text).toBe("\u05D0\u200F!");
  });

  it("are well formed, whatever was written", () => {
    expect(shownText("\ud800||\udc00||").text.isWellFormed()).toBe(true);
  });
});

describe("a record", () => {
  it("shows all its text, part after part", () => {
    const attachments = [{ name: "menu.png", alt: "a menu" }, { name: "b.zip" }];
    expect(shownRecord({ content: "hello", poll: "Tea?\nYes", embeds: ["Title"], attachments })).toEqual({
      text: "hello · Tea? Yes · Title · menu.png: a menu · b.zip",
      hidden: [],
    });
  });

  it("hides what Discord hides by other means: spoiler files, and previews of hidden links", () => {
    const attachments = [{ name: "SPOILER_end.png", alt: "the butler" }, { name: "map.png" }];
    expect(bracketed(shownRecord({ content: "look", attachments }))).toBe(
      "look · [SPOILER_end.png: the butler] · map.png",
    );
    const linked = { content: "||https://x.org/end||", embeds: ["It was the butler"] };
    expect(bracketed(shownRecord(linked))).toBe("[https://x.org/end] · [It was the butler]");
    expect(bracketed(shownRecord({ content: "https://x.org ||a||", embeds: ["A title"] }))).toBe(
      "https://x.org [a] · A title",
    );
  });

  it("hides the spoilers of each part on their own", () => {
    const attachments = [{ name: "SPOILER_end.png" }];
    expect(bracketed(shownRecord({ content: "a || b", forwarded: "c ||d||", embeds: ["e ||f||"], attachments }))).toBe(
      "a || b · c [d] · e [f] · [SPOILER_end.png]",
    );
  });

  it("can be told without what is hidden", () => {
    expect(withoutHidden(shownText("the ||butler|| and ||the cook|| did it"))).toBe("the ▒▒▒ and ▒▒▒ did it");
  });
});
