import { expect, test } from "vitest";
import { diskNeeded, indexBytes } from "../../../src/backfill/compare/disk-needed.ts";

const chunk = (text: string, ngrams = "") => ({ text, searchText: `Ada: ${text}`, ngrams });
const said = "x".repeat(70);

test("an index takes more for more records, longer vectors, longer texts, n-grams, and records of several rows", () => {
  const of = (records: number, dimensions: number, chunks = [chunk(said)], averageLength = 70) =>
    indexBytes(records, dimensions, { records: 1, chunks }, averageLength);
  const usual = of(1_000_000, 256);
  expect(usual / 1e6).toBeGreaterThan(1_000);
  expect(usual / 1e6).toBeLessThan(1_400);
  expect(of(2_000_000, 256)).toBe(2 * usual);
  expect(of(1_000_000, 384) - usual).toBe(128 * 3.5 * 1e6);
  expect(of(1_000_000, 256, [chunk(said)], 140)).toBeGreaterThan(usual + 70e6);
  expect(of(1_000_000, 256, [chunk(said, said.repeat(5))])).toBeGreaterThan(usual + 350e6);
  expect(of(1_000_000, 256, [chunk(said), chunk(said)], 140)).toBe(2 * usual);
});

test("a backfill wants room for more than one copy, and none where nothing is to do", () => {
  const sample = { records: 1, chunks: [chunk(said)] };
  expect(diskNeeded(1_000, 256, sample, 70)).toBeGreaterThan(2 * indexBytes(1_000, 256, sample, 70));
  expect(diskNeeded(0, 256, sample, 70)).toBe(0);
  expect(diskNeeded(1_000, 256, { records: 0, chunks: [] }, 0)).toBe(0);
});
