import { describe, expect, it } from "vitest";
import { containsPhrase, tellingWords, wordsOf } from "../../src/search/words.ts";

describe("a phrase", () => {
  it.each([
    ["the private key", "a new PRIVATE key", false],
    ["private key", "a new PRIVATE—key!", true],
    ["cafe au lait", "Café au lait, please", true],
    ["private key", "privately keyed", false],
    ["github", "see https://github.com/foo", true],
    ["github.com/foo", "see https://github.com/foo", true],
    ["don't", "I don’t know", true],
    ["apt-get", "sudo apt get it", true],
    ["1868", "at 868 MHz", false],
    ["天线", "我的天线坏了", true],
    ["线坏", "我的天线坏了", false],
    ["アンテナ", "新しいアンテナを買った", true],
    ["lodz", "we met in Łódź", true],
    ["goethestrasse", "Goethestraße 5", true],
    ["smorrebrod", "smørrebrød for lunch", true],
    ["muenchen", "nach München", true],
    ["München", "nach Muenchen", true],
    ["Munchen", "nach München", true],
    ["does", "an old DOS box", false],
    ["ελλαδα", "η Ελλάδα", true],
    ["ещё раз", "еще раз", true],
    ["हिन्दी", "हिन्दी में", true],
    ["हन्द", "हिन्दी में", false],
    ["มี", "มา", false],
    ["مرحبا", "مَرْحَبًا بالعالم", true],
    ["שלום", "שָׁלוֹם עולם", true],
    ["ＷＥＬＣＯＭＥ", "welcome", true],
    ["ｱﾝﾃﾅ", "新しいアンテナを買った", true],
    ["안녕하세요", "안녕하세요 여러분".normalize("NFD"), true],
  ])("%j in %j: %j", (phrase, text, expected) => {
    expect(containsPhrase(text, phrase)).toBe(expected);
  });
});

describe("the words that say what a text is about", () => {
  const tellingOf = (text: string) => tellingWords(wordsOf(text).map(({ folded }) => folded));

  it.each([
    ["how do I mount the antenna", ["mount", "antenna"]],
    ["時計が遅れる原因", ["時計", "遅れる", "原因"]],
    ["to be or not to be", ["to", "be", "or", "not", "to", "be"]],
    ["が", ["が"]],
  ])("%j: %j", (text, expected) => {
    expect(tellingOf(text)).toEqual(expected);
  });
});
