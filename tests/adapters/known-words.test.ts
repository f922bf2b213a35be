import { describe, expect, it } from "vitest";
import { createKnownWords, FIRST_HASH, nextHash } from "../../src/adapters/builtin-model/known-words.ts";

const hashOf = (word: string) =>
  Array.from({ length: word.length }, (_, i) => word.charCodeAt(i)).reduce(nextHash, FIRST_HASH);

/** Words whose ids are their code units, none where they begin with "x". */
function reading() {
  const cut: string[] = [];
  const idsOf = (word: string) => (word.startsWith("x") ? [] : Array.from(word, (letter) => letter.charCodeAt(0)));
  const known = createKnownWords((text, from, to, ids) => {
    cut.push(text.slice(from, to));
    ids.push(...idsOf(text.slice(from, to)));
  });
  const read = (word: string, hash = hashOf(word)) => {
    const ids = [7];
    known.read(`(${word})`, 1, 1 + word.length, hash, ids);
    return ids;
  };
  return { cut, idsOf, read };
}

describe("known words", () => {
  it("are cut once, those without ids, too", () => {
    const { cut, idsOf, read } = reading();
    const words = ["antenna", "a", "xyz", "antennas", "Ёлки"];
    for (const word of [...words, ...words]) expect(read(word)).toEqual([7, ...idsOf(word)]);
    expect(cut).toEqual(words);
  });

  it("are told apart where their hashes are the same", () => {
    const { idsOf, read } = reading();
    const words = ["one", "two", "on"];
    for (const word of [...words, ...words]) expect(read(word, 5)).toEqual([7, ...idsOf(word)]);
  });

  it("are right however many there are, and however long", () => {
    const { cut, idsOf, read } = reading();
    const words = Array.from({ length: 60_000 }, (_, n) => `${n}`.padEnd(1 + (n % 40), "-"));
    const wrong = [...words, ...words.slice(-100)].filter((word) => read(word).join() !== [7, ...idsOf(word)].join());
    expect(wrong).toEqual([]);
    // Of the last, only what is too long to be remembered.
    expect(cut.slice(words.length)).toEqual(words.slice(-100).filter((word) => word.length > 32));
  });
});
