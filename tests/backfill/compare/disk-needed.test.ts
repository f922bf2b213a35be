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

test("a backfill wants room for more than one copy, less where all is indexed at its end, and none where nothing is to do", () => {
  const sample = { records: 1, chunks: [chunk(said)] };
  const bytes = indexBytes(1_000, 256, sample, 70);
  expect(diskNeeded(bytes, 4_000)).toBeGreaterThan(2 * bytes);
  expect(diskNeeded(bytes, undefined)).toBe(diskNeeded(bytes, 4_000));
  expect(diskNeeded(bytes, 5_000)).toBeGreaterThan(1.5 * bytes);
  expect(diskNeeded(bytes, 5_000)).toBeLessThan(1.7 * bytes);
  expect(diskNeeded(indexBytes(0, 256, sample, 70), 5_000)).toBe(0);
  expect(indexBytes(1_000, 256, { records: 0, chunks: [] }, 0)).toBe(0);
});
