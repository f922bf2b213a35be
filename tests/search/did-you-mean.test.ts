import { expect, test } from "vitest";
import { letterDistance } from "../../src/letters.ts";
import { corrections, replaceWords } from "../../src/search/did-you-mean.ts";
import { readVocabulary } from "../../src/search/vocabulary.ts";

const row = (text: string, given: { accessChannelId?: string; ownerId?: string; authorName?: string } = {}) => ({
  text,
  authorName: "Ada",
  accessChannelId: "10",
  ...given,
});
const vocabulary = readVocabulary([
  row("Which Antenna for the roof?"),
  row("the antenna squeals"),
  row("достопримечательность рядом"),
  row("новая антенна"),
  row("Łódź is far", { authorName: "Cléo" }),
  row("the passphrase is swordfish", { accessChannelId: "66", authorName: "Mallory" }),
  row("my diary about marzipan", { ownerId: "7" }),
]);

const meant = (query: string, more: { rows?: string[]; isEnglish?: boolean; known?: string[] } = {}) =>
  Object.fromEntries(
    corrections(query, {
      rows: (more.rows ?? []).map((searchText) => ({ searchText })),
      words: () => vocabulary.wordsIn(["10"]),
      isEnglish: more.isEnglish ?? true,
      isKnown: (word) => (more.known ?? []).includes(word),
    }),
  );

test("a word that nobody wrote is taken for one that differs by a typo", () => {
  for (const typo of ["anntena", "antena", "antenan", "antemna", "ntenna"]) {
    expect([typo, meant(`my ${typo}`)]).toEqual([typo, { [typo]: "antenna" }]);
  }
  expect(meant("достопримечателньость", { isEnglish: false })).toEqual({
    достопримечателньость: "достопримечательность",
  });
  expect(meant("repaeter", { rows: ["Ben: the repeater is down"] })).toEqual({ repaeter: "repeater" });
});

test("what somebody wrote, in whatever form, what is a word, and what is too far from all are left as they are", () => {
  expect(meant("antenna antennas lodz")).toEqual({});
  expect(meant("swuares", { rows: ["Ben: swuares, I said"] })).toEqual({});
  expect(meant("antenne", { known: ["antenne"] })).toEqual({});
  expect(meant("anxtxnxa roof rof 12345 xyzzyplugh")).toEqual({});
});

test("where other languages are written, another form is no typo, and beside right words letters are only out of order or doubled", () => {
  const rows = ["Ada: рядом"];
  expect(meant("антенны", { isEnglish: false })).toEqual({});
  expect(meant("амтенна", { isEnglish: false })).toEqual({ амтенна: "антенна" });
  expect(meant("амтенна рядом", { isEnglish: false, rows })).toEqual({});
  expect(meant("анетнна рядом", { isEnglish: false, rows })).toEqual({ анетнна: "антенна" });
  expect(meant("антена рядом", { isEnglish: false, rows })).toEqual({ антена: "антенна" });
});

test("a word or a name that only stands where the asker cannot read is never told", () => {
  expect(meant("swordfsih marzipna")).toEqual({});
  expect(vocabulary.peopleIn(["10"])).toEqual(["Ada", "Cléo"]);
  expect(vocabulary.peopleIn(["66", "10"])).toContain("Mallory");
  expect([...vocabulary.wordsIn(["66"]).keys()].sort()).toEqual(["passphrase", "swordfish"]);
});

test("words are replaced where they stand", () => {
  expect(replaceWords('from:ada "Anntena, roof" -anntena', new Map([["anntena", "antenna"]]))).toBe(
    'from:ada "antenna, roof" -antenna',
  );
});

test("the distance of two words counts letters added, dropped, changed and swapped", () => {
  expect(letterDistance("brakes", "brakes", 2)).toBe(0);
  expect(letterDistance("brakse", "brakes", 2)).toBe(1);
  expect(letterDistance("brkes", "brakes", 2)).toBe(1);
  expect(letterDistance("braakkes", "brakes", 2)).toBe(2);
  expect(letterDistance("kitten", "sitting", 2)).toBeGreaterThan(2);
});
