import { describe, expect, it } from "vitest";
import { readVocabulary } from "../../src/search/vocabulary.ts";

const said = (text: string, accessChannelId: string) => ({ text, authorName: "Ada", accessChannelId });

describe("words by viewer", () => {
  const vocabulary = readVocabulary([
    said("The antenna hums", "1"),
    said("an ANTENNA fell", "2"),
    said("bismuth", "3"),
  ]);

  it("are those of the channels that one can read, however often one asks", () => {
    for (let times = 0; times < 2; times += 1) {
      expect([...vocabulary.wordsIn(["1"]).keys()]).toEqual(["antenna", "hums"]);
      expect(vocabulary.wordsIn(["1", "2"]).get("antenna")).toEqual({ shown: "antenna", texts: 2 });
      expect(vocabulary.wordsIn(["1", "2"]).has("bismuth")).toBe(false);
      expect(vocabulary.wordsIn([]).size).toBe(0);
    }
  });

  it("are right for more viewers than are remembered", () => {
    for (let viewer = 0; viewer < 50; viewer += 1) {
      const words = vocabulary.wordsIn([String(1_000 + viewer), viewer % 2 === 0 ? "3" : "2"]);
      expect([...words.keys()]).toEqual(viewer % 2 === 0 ? ["bismuth"] : ["antenna", "fell"]);
    }
  });
});
