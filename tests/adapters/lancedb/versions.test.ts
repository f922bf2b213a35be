// How long old versions of a table stay, and the names that keep them.

import type { Table } from "@lancedb/lancedb";
import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  createVersionCount,
  isBulky,
  pruneBefore,
  tagVersion,
  untagVersions,
} from "../../../src/adapters/lancedb/versions.ts";

const DAY_MS = 24 * 3_600_000;
const NOW = Date.UTC(2026, 10, 30);
const MEGABYTE = 1_000_000;

/** When each version was made, by its number from 1 on. */
let made: number[];
let named: Map<string, number>;
let listings: number;
let present: number;
let fault: Error | undefined;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
  [made, named, listings, present, fault] = [[], new Map(), 0, 0, undefined];
  return () => vi.useRealTimers();
});

const table = {
  version: async () => present,
  async listVersions() {
    listings += 1;
    if (fault !== undefined) throw fault;
    return made.map((time, n) => ({ version: n + 1, timestamp: new Date(time) }));
  },
  tags: async () => ({
    list: async () => Object.fromEntries([...named].map(([name, version]) => [name, { version }])),
    async create(name: string, version: number) {
      if (named.has(name)) throw new Error("there is one");
      named.set(name, version);
    },
    async update(name: string, version: number) {
      if (!named.has(name)) throw new Error("there is none");
      named.set(name, version);
    },
    delete: async (name: string) => void named.delete(name),
  }),
} as unknown as Table;

describe("versions go", () => {
  const bound = async (keepMs: number, bytes = MEGABYTE) =>
    (await pruneBefore(table, keepMs, async () => bytes)).getTime() - NOW;

  test("when they are older than asked; at once with what is replaced meanwhile when nothing is to be kept", async () => {
    expect(await bound(60_000)).toBe(-60_000);
    expect(await bound(0)).toBeGreaterThan(0);
    // Nobody has to read the list for that.
    expect(listings).toBe(0);
  });

  test("never from a named one on, unless more is kept anyway", async () => {
    made = [NOW - 5 * DAY_MS, NOW - 3 * DAY_MS];
    named = new Map([
      ["late", 2],
      ["early", 1],
    ]);
    expect(await bound(0)).toBe(-5 * DAY_MS);
    expect(await bound(6 * DAY_MS)).toBe(-6 * DAY_MS);
    expect(named.size).toBe(2);
  });

  test("with their name after two weeks", async () => {
    made = [NOW - 14 * DAY_MS, NOW - 14 * DAY_MS + 1];
    named = new Map([
      ["old", 1],
      ["young", 2],
    ]);
    expect(await bound(60_000)).toBe(1 - 14 * DAY_MS);
    expect([...named.keys()]).toEqual(["young"]);
  });

  test("with their name as soon as all together take more than 100 MB", async () => {
    made = [NOW - 1_000];
    named = new Map([["new", 1]]);
    expect(await bound(60_000, 100 * MEGABYTE)).toBe(-60_000);
    expect(await bound(0, 100 * MEGABYTE)).toBe(-1_000);
    expect(named.size).toBe(1);
    expect(await bound(60_000, 100 * MEGABYTE + 1)).toBe(-60_000);
    expect(named.size).toBe(0);
  });

  test("when they are gone all the same: the name of one that is not listed any more is given up", async () => {
    named = new Map([["gone", 7]]);
    expect(await bound(60_000)).toBe(-60_000);
    expect(named.size).toBe(0);
  });
});

test.each([
  [100 * MEGABYTE, 0, false],
  [100 * MEGABYTE + 1, 100 * MEGABYTE, false],
  [220 * MEGABYTE, 200 * MEGABYTE, false],
  [220 * MEGABYTE + 1, 200 * MEGABYTE, true],
  [1_000 * MEGABYTE, 990 * MEGABYTE, false],
])("of %i bytes, %i of them the present version's, too many are old: %s", (onDisk, ofPresent, expected) => {
  expect(isBulky(onDisk, ofPresent)).toBe(expected);
});

test("a name moves to the present version", async () => {
  present = 3;
  await tagVersion(table, "here");
  present = 5;
  await tagVersion(table, "here");
  await tagVersion(table, "there");
  expect(Object.fromEntries(named)).toEqual({ here: 5, there: 5 });
});

test("names are taken off versions of that age, and those left are counted", async () => {
  made = [NOW - 2_000, NOW - 1_000, NOW - 999];
  named = new Map([
    ["a", 1],
    ["b", 2],
    ["c", 3],
  ]);
  expect(await untagVersions(table, 1_000)).toBe(1);
  expect([...named.keys()]).toEqual(["c"]);
  expect(await untagVersions(table, Number.NEGATIVE_INFINITY)).toBe(0);
  expect(await untagVersions(table, 0)).toBe(0);
  expect(named.size).toBe(0);
});

describe("the number of versions", () => {
  test("is listed once, and grows with the present one until it is counted anew", async () => {
    [made, present] = [[1, 2, 3], 3];
    const versions = createVersionCount(table);
    expect(await Promise.all([versions.count(), versions.count()])).toEqual([3, 3]);
    present = 5;
    expect(await versions.count()).toBe(5);
    expect(listings).toBe(1);
    made = [1];
    versions.recount();
    // After a clean-up numbers go on, though there are few: only those after the latest listed are new.
    present = 1;
    expect(await versions.count()).toBe(1);
    expect(listings).toBe(2);
  });

  test("is not less for a reader that is behind", async () => {
    [made, present] = [[1, 2, 3], 2];
    expect(await createVersionCount(table).count()).toBe(3);
  });

  test("is listed again after that failed", async () => {
    const versions = createVersionCount(table);
    [made, present, fault] = [[1], 1, new Error("away")];
    await expect(versions.count()).rejects.toThrow("away");
    fault = undefined;
    expect(await versions.count()).toBe(1);
  });
});
