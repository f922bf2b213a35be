import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMPILED, compile } from "../../scripts/wasm/compile.ts";
import { AT_A_TIME, createClosestWords } from "../../src/search/closest-words.ts";

/** The compiler takes two seconds, beside other tests longer. */
const COMPILE_MS = 60_000;

describe("the closest words", () => {
  it("are found by what the loops' source compiles to (else run: npm run wasm)", { timeout: COMPILE_MS }, () => {
    expect(readFileSync(COMPILED, "utf8")).toBe(compile());
  });

  const row = (rows: Int8Array, dimensions: number, token: number) =>
    Array.from(rows.subarray(token * dimensions, (token + 1) * dimensions));
  const product = (one: readonly number[], other: readonly number[]) =>
    one.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);

  it.each([1, 3, 8, 250, 256])("are those of the formula, number for number, with rows of %i numbers", (dimensions) => {
    const tokens = 9;
    let state = dimensions;
    const next = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 16) % 256;
    };
    const rows = Int8Array.from({ length: tokens * dimensions }, (_, i) => (i < dimensions ? 0 : next() - 128));
    const rowOf = (token: number) => row(rows, dimensions, token);
    const lengths = Float64Array.from({ length: tokens }, (_, t) => Math.sqrt(product(rowOf(t), rowOf(t))));
    const cosine = (one: number, other: number) => {
      const norm = (lengths[one] ?? 0) * (lengths[other] ?? 0);
      return norm === 0 ? 0 : Math.fround(product(rowOf(one), rowOf(other)) / norm);
    };
    const { open } = createClosestWords({ dimensions, rows }, lengths);
    // The second time, memory holds what the first left there.
    for (const [distinct, texts] of [
      [Array.from({ length: tokens }, (_, t) => t), [[0], [1, 2, 3, 4, 5, 6, 7, 8], [], [3, 3]]],
      [
        [5, 2, 7],
        [[1], [0, 1, 2]],
      ],
    ] as const) {
      const compared = open(
        distinct,
        texts.map((places) => Int32Array.from(places)),
      );
      const closest = distinct.map(() => 0);
      for (const asked of [[1, 2, 3, 4], [0, 5], [8]]) {
        const best = compared.ask(asked);
        asked.forEach((token, a) => {
          const found = texts.map((_, t) => best[t * AT_A_TIME + a]);
          const expected = texts.map((places) =>
            Math.max(0, ...places.map((place) => cosine(token, distinct[place] ?? 0))),
          );
          expect(found).toEqual(expected);
        });
        distinct.forEach((other, d) => {
          closest[d] = Math.max(closest[d] ?? 0, ...asked.map((token) => cosine(token, other)));
        });
      }
      expect(Array.from(compared.closest())).toEqual(closest);
    }
  });
});
