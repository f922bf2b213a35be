import { describe, expect, it } from "vitest";
import type { SearchedIndex } from "../../src/search/generations.ts";
import type { WordComparison } from "../../src/search/rank.ts";
import { findCandidates } from "../../src/search/retrieve.ts";

describe("what full text is asked for", () => {
  const common = new Set(["how", "do", "i", "the"]);
  const sample = { isCommon: (word: string) => common.has(word), notEnglish: 0 };
  const words = { sample } as unknown as WordComparison;

  async function askedFor(text: string, compared?: WordComparison): Promise<string> {
    let asked = "";
    const index: Pick<SearchedIndex, "candidates"> = {
      async candidates(given) {
        asked = given.text;
        return [];
      },
    };
    await findCandidates(index, {
      text,
      phrases: [],
      filter: { accessChannelIds: ["1"] },
      vectors: [],
      words: compared,
    });
    return asked;
  }

  it("is the words that are not everywhere in this server", async () => {
    expect(await askedFor("how do i  mount the antenna", words)).toBe("mount antenna");
  });

  it("is all of them where each is", async () => {
    expect(await askedFor("how do i", words)).toBe("how do i");
    expect(await askedFor("", words)).toBe("");
  });

  it("is all of them where nothing is known of words", async () => {
    expect(await askedFor("how do i mount the antenna")).toBe("how do i mount the antenna");
  });
});
