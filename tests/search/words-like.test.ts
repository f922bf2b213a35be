import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import { createWordsLike } from "../../src/search/words-like.ts";

const model = await loadStaticModel(fileURLToPath(new URL("../../models/backscroll-static", import.meta.url)));
const wordsLike = createWordsLike(model);
const closest = (examples: string, text: string) => Math.max(...model.tokenIds(text).map(wordsLike(examples)));

it.each(["six", "sechs", "четыре", "أربعة", "सात", "สี่", "quatre"])("%j is like other numbers", (word) => {
  expect(closest("two three four five six seven eight", word)).toBeGreaterThan(0.4);
});

it.each(["antenna", "Batterie", "привет", "เสาอากาศ", "friday"])("%j is not", (word) => {
  expect(closest("two three four five six seven eight", word)).toBeLessThan(0.35);
});

it.each(["fridays", "неделю", "يناير", "dní", "星期"])("%j is like other times", (word) => {
  expect(closest("yesterday today tomorrow monday january week month year", word)).toBeGreaterThan(0.4);
});
