import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forEachNgramHash, HASH_BITS, isEnglish, letterDistance, ngramText } from "../src/letters.ts";

describe("n-grams", () => {
  it.each([
    ["Räder", "_rad rade ader der_"],
    ["it a", "_it_ _a_"],
    ["안녕", "_안 안녕 녕_"],
    ["天线坏", "天 线 坏 天线 线坏"],
    ["木", "木"],
    ["กินข้าว", "กิน ินข นข้ ข้า ้าว"],
    ["LoRa模块", "_lor lora ora_ 模 块 模块"],
    ["🚲!", "🚲"],
    ["... —", ""],
  ])("of %j are %j", (text, expected) => {
    expect(ngramText(text)).toBe(expected);
  });

  it("have one hash each, the same for the same letters wherever they stand", () => {
    const hashes = (text: string) => {
      const all: number[] = [];
      forEachNgramHash(text, (hash) => all.push(hash));
      return all;
    };
    const text = "Grüße aus Łódź 天线 안녕 กินข้าว";
    expect(hashes(text)).toHaveLength(ngramText(text).split(" ").length);
    expect(hashes("보고 싶어. 안녕")).toEqual(hashes("보고싶어. 안녕"));
    expect(hashes("die Räder")).toEqual([...hashes("die"), ...hashes("RADER")]);
    expect(hashes(text).every((hash) => hash >= 0 && hash < 2 ** HASH_BITS)).toBe(true);
  });
});

describe("a text is told for English", () => {
  it.each([
    ["what do you think of the new antenna", true],
    ["I don’t know", true],
    ["The café does naïve things", true],
    ["antenna mount", false],
    ["Wo wurde der Schatz gefunden, und was ist er wert?", false],
    ["de antenne is kapot en wij weten niet waarom", false],
    ["¿Dónde está la antena que compré?", false],
    ["где антенна", false],
    ["", false],
  ])("%j: %j", (text, expected) => {
    expect(isEnglish(text)).toBe(expected);
  });
});

describe("the distance of two words", () => {
  it.each([
    ["antenna", "antenna", 0],
    ["antenna", "antena", 1],
    ["antenna", "antehna", 1],
    ["antenna", "anetnna", 1],
    ["antenna", "entene", 3],
    ["", "mast", 4],
  ])("from %s to %s is %i", (one, other, distance) => {
    expect(letterDistance(one, other)).toBe(distance);
    expect(letterDistance(other, one)).toBe(distance);
  });

  it("is the same however little of it is of interest, or more than that", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c", "ä", "ж", "A"), maxLength: 8 });
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 3 }), (one, other, most) => {
        const distance = letterDistance(one, other);
        if (distance <= most) expect(letterDistance(one, other, most)).toBe(distance);
        else expect(letterDistance(one, other, most)).toBeGreaterThan(most);
      }),
      { numRuns: 2_000 },
    );
  });
});
