import { describe, expect, it } from "vitest";
import type { SearchedIndex } from "../../src/search/generations.ts";
import type { WordComparison } from "../../src/search/rank.ts";
import { findCandidates } from "../../src/search/retrieve.ts";

describe("what full text is asked for", () => {
  const shares: Record<string, number> = {
    how: 0.02,
    do: 0.03,
    i: 0.04,
    the: 0.05,
    node: 0.008,
    mesh: 0.007,
    radio: 0.006,
    sun: 0.002,
  };
  const sample = { commonness: (word: string) => shares[word] ?? 0, notEnglish: 0 };
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

  it("is the rarest of a long question, in their order", async () => {
    expect(await askedFor("radio mesh sun antenna node mount", words)).toBe("radio mesh sun antenna mount");
    expect(await askedFor("radio mesh node radio", words)).toBe("radio mesh node radio");
  });

  it("is all of them where each is", async () => {
    expect(await askedFor("how do i", words)).toBe("how do i");
    expect(await askedFor("", words)).toBe("");
  });

  it("is all of them where nothing is known of words", async () => {
    expect(await askedFor("how do i mount the antenna")).toBe("how do i mount the antenna");
  });
});
