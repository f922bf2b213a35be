import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RecordKind } from "../../src/ports/records.ts";
import { foldRepeats } from "../../src/search/fold-repeats.ts";
import { indexRow } from "../support/index-store.ts";

const entry = (id: number, text: string, kind: RecordKind = "message") => ({
  row: indexRow({ id: String(id), text, kind }),
});
const folded = (...texts: string[]) =>
  foldRepeats(texts.map((text, place) => entry(place, text))).map(({ row, repeats }) => [
    row.id,
    ...repeats.map(({ id }) => id),
  ]);

const announcement = "The workshop is closed on Monday and Tuesday because the new laser cutter is being put in place";

describe("of records that say the same", () => {
  it("the best stays, with the others as its repeats, in order", () => {
    expect(folded("Thank you!", "something", "thank you", "THANK  YOU.")).toEqual([["0", "2", "3"], ["1"]]);
  });

  it("an emoji says something", () => {
    expect(folded("done ✅", "done ❌", "Done ✅️")).toEqual([["0", "2"], ["1"]]);
  });

  it("a long text may differ in a word", () => {
    expect(folded(announcement, `${announcement} again`, announcement.replace("laser", "CNC"))).toEqual([
      ["0", "1"],
      ["2"],
    ]);
    // 45 pairs of words, of which the other day changes two: 43 of 47 are shared.
    const long = `${announcement}. ${announcement.split(" ").reverse().join(" ")}; bring your own gloves and be there at ten sharp`;
    expect(folded(long, long.replace("Monday", "Friday"))).toEqual([["0", "1"]]);
  });

  it("a short text may not", () => {
    expect(folded("yes, 5 V", "yes, 9 V")).toEqual([["0"], ["1"]]);
  });

  it("nothing without a word is taken for another", () => {
    expect(folded("🫖", "🔥", "")).toEqual([["0"], ["1"], ["2"]]);
  });

  it("a note is no repeat of a message, however long", () => {
    const both = foldRepeats([entry(1, announcement), entry(2, announcement, "note"), entry(3, announcement, "note")]);
    expect(both.map(({ row, repeats }) => [row.id, repeats.length])).toEqual([
      ["1", 0],
      ["2", 1],
    ]);
  });
});

it("finds what comparing each with each would find", () => {
  const word = fc.constantFrom("the", "laser", "cutter", "is", "new", "on", "Monday", "in", "place", "of");
  const base = fc.array(word, { minLength: 12, maxLength: 60 });
  const variants = base.chain((words) =>
    fc.array(
      fc
        .record({ at: fc.nat(words.length - 1), word, change: fc.boolean() })
        .map(({ at, word: other, change }) => (change ? words.with(at, other) : words).join(" ")),
      { minLength: 2, maxLength: 8 },
    ),
  );
  fc.assert(
    fc.property(variants, (texts) => {
      expect(folded(...texts)).toEqual(comparingAll(texts));
    }),
    { seed: 5, numRuns: 300 },
  );
});

function comparingAll(texts: readonly string[]): string[][] {
  const pairsOf = (text: string) => {
    const words = text.toLowerCase().split(" ");
    return new Set(words.slice(1).map((word, n) => `${words[n]} ${word}`));
  };
  const isSame = (one: string, other: string) => {
    const [a, b] = [pairsOf(one), pairsOf(other)];
    const shared = [...a].filter((pair) => b.has(pair)).length;
    return one === other || shared / (a.size + b.size - shared) >= 0.9;
  };
  const groups: string[][] = [];
  texts.forEach((text, place) => {
    const group = groups.find(([first]) => isSame(texts[Number(first)] ?? "", text));
    if (group) group.push(String(place));
    else groups.push([String(place)]);
  });
  return groups;
}
