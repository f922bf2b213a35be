import { expect, test } from "vitest";
import { fromHalves, writeHalves } from "../../src/adapters/lancedb/half-floats.ts";

function half(...numbers: number[]): number[] {
  const halves = new Uint16Array(numbers.length);
  writeHalves(Float32Array.from(numbers), halves);
  return [...halves];
}

test("every number of 16 bits is read and written as itself", () => {
  const all = Uint16Array.from({ length: 0x10000 }, (_, n) => n);
  const again = new Uint16Array(all.length);
  writeHalves(fromHalves(all), again);
  const isNumber = (n: number) => (n & 0x7c00) !== 0x7c00 || (n & 0x3ff) === 0;
  expect([...again].filter((n, at) => isNumber(at) && n !== at)).toEqual([]);
});

test("what lies between two of them becomes the nearer one, and in the middle the even one", () => {
  expect(half(1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20)).toEqual([0x3c00, 0x3c00, 0x3c02, 0x3c01]);
  expect(half(2 ** -25, 3 * 2 ** -25, 2 ** -24, -(2 ** -24))).toEqual([0, 2, 1, 0x8001]);
  expect(half(65_504, 65_519, 65_520, Number.NEGATIVE_INFINITY)).toEqual([0x7bff, 0x7bff, 0x7c00, 0xfc00]);
  expect(half(0, -0)).toEqual([0, 0x8000]);
});
