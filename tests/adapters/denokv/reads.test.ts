// Reading a local file from the library's native part: the same as through the library, whatever is stored and asked for.

import { join } from "node:path";
import { serialize } from "node:v8";
import { type Kv, type KvEntryMaybe, type KvKey, type KvListSelector, KvU64, openKv } from "@deno/kv";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeV8, encodeV8, Undecodable } from "../../../src/adapters/denokv/codec.ts";
import { decodeEntries } from "../../../src/adapters/denokv/datapath.ts";
import { unpackKey } from "../../../src/adapters/denokv/packed-keys.ts";
import { type Reads, readingNatively, readingThroughLibrary } from "../../../src/adapters/denokv/reads.ts";
import { temporaryFolder } from "../../support/backscroll.ts";

let kv: Kv;
let isClosed: boolean;
/** What the next value becomes as bytes. */
let bytes: Uint8Array | undefined;
let library: Reads;
let native: Reads;

beforeEach(async () => {
  bytes = undefined;
  isClosed = false;
  kv = await openKv(join(await temporaryFolder(), "archive.sqlite"), {
    encodeV8: (value: unknown) => bytes ?? encodeV8(value),
    decodeV8,
    implementation: "sqlite",
  });
  library = readingThroughLibrary(kv);
  const found = readingNatively(kv, decodeV8);
  if (found === undefined) throw new Error("this version of the library has its native part elsewhere");
  native = found;
});
afterEach(() => {
  if (!isClosed) kv.close();
});

async function store(entries: readonly (readonly [KvKey, unknown])[]): Promise<void> {
  for (let at = 0; at < entries.length; at += 500) {
    const commit = kv.atomic();
    for (const [key, value] of entries.slice(at, at + 500)) commit.set(key, value);
    await commit.commit();
  }
}

async function expectSameList(selector: KvListSelector, limit = Number.POSITIVE_INFINITY) {
  for (const newestFirst of [false, true]) {
    await expectSame((reads) => reads.list(selector, limit, newestFirst));
  }
}

async function expectSame(read: (reads: Reads) => Promise<readonly KvEntryMaybe<unknown>[]>) {
  const [ours, theirs] = await Promise.all([native, library].map(read));
  expect(ours?.map(plain)).toEqual(theirs?.map(plain));
}

/** Some bytes are a Buffer. */
const plain = ({ value, ...rest }: KvEntryMaybe<unknown>) => ({
  ...rest,
  value: value instanceof Uint8Array ? new Uint8Array(value) : value,
});

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("entries", () => {
  const part = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }),
    fc.constantFrom(
      0n,
      1n,
      -1n,
      255n,
      -255n,
      256n,
      -256n,
      2n ** 63n,
      2n ** 64n - 1n,
      -(2n ** 64n),
      2n ** 64n,
      2n ** 120n,
    ),
    fc.constantFrom(1.5, -1.5, 0, 7, -7, 1e300, -5e-324),
    fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
    fc.boolean(),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("", "\u0000", "a\u0000", "\u0000\u0000b", "語", "ÿ\u0000ÿ"),
    fc.uint8Array({ max: 3, maxLength: 6 }),
    fc.uint8Array({ min: 254, maxLength: 6 }),
  );
  const key = fc.array(part, { minLength: 1, maxLength: 4 });
  /** No key is above it. */
  const highest = [true, true, true, true, true];
  const value = fc.oneof(
    fc.anything({ withDate: true, withMap: true }).filter((each) => each !== undefined),
    fc.uint8Array(),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((count) => new KvU64(count)),
    fc.constantFrom("", null, "x".repeat(200), "語".repeat(10_000)),
  );

  test("are the same, by range, by prefix and by key, whatever is in them", { timeout: 60_000 }, async () => {
    let world = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 12 }),
        key,
        fc.nat({ max: 13 }),
        async (entries, absent, limit) => {
          world += 1;
          const within = (rest: KvKey): KvKey => ["world", BigInt(world), ...rest];
          // No key is another's prefix: going backwards, the library lists that, too.
          const whole = (rest: KvKey): KvKey => within([...rest, "whole"]);
          await store(entries.map(([rest, content]) => [whole(rest), content]));
          const keys = [...entries.map(([rest]) => whole(rest)), whole(absent)].slice(0, 10);
          await expectSame((reads) => reads.getMany(keys));
          await expectSameList({ prefix: within([]) });
          await expectSameList({ prefix: within([]) }, limit + 1);
          for (const [rest] of entries.slice(0, 3)) {
            await expectSameList({ prefix: within(rest) });
            await expectSameList({ prefix: within([]), start: within(rest) });
            await expectSameList({ prefix: within([]), end: within(rest) });
            await expectSameList({ start: within(rest), end: within(highest) });
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each([1, 499, 500, 501, 1_000, 1_203, 5_000])("of many calls are all there, at most %i", async (limit) => {
    await store(numbers(1_203).map((n) => [["record", 7n, BigInt(n)], n]));
    const all: KvListSelector = { prefix: ["record", 7n] };
    expect((await native.list(all, limit, true)).map(({ value }) => value)).toEqual(
      numbers(1_203).reverse().slice(0, limit),
    );
    await expectSameList(all, limit);
    await expectSameList({ start: ["record", 7n, 100n], end: ["record", 7n, 1_101n] }, limit);
    await expectSameList({ start: ["record", 7n, 100n], end: ["record", 7n, 100n] }, limit);
  });

  test("whose bytes do not decode are told apart, between others", async () => {
    for (const [n, raw] of [serialize("a"), Uint8Array.of(1, 2, 3), Uint8Array.of(), serialize("b")].entries()) {
      bytes = raw;
      await kv.set(["record", BigInt(n)], "replaced by the bytes");
    }
    const values = (await native.list({ prefix: ["record"] }, 10, false)).map(({ value }) => value);
    expect(values).toEqual(["a", expect.any(Undecodable), expect.any(Undecodable), "b"]);
    await expectSameList({ prefix: ["record"] });
  });

  test("that were committed just before are seen, by whichever connection", async () => {
    for (const n of numbers(100)) {
      const { versionstamp } = await kv.set(["record", 1n], n);
      const entry = { key: ["record", 1n], value: n, versionstamp };
      expect(await native.list({ prefix: ["record"] }, 10, true)).toEqual([entry]);
      expect(
        await native.getMany([
          ["record", 1n],
          ["record", 2n],
        ]),
      ).toEqual([entry, { key: ["record", 2n], value: null, versionstamp: null }]);
    }
  });
});

test("reading while the connection is closed, or after it, fails and leaves the process alive", async () => {
  await store(numbers(2_000).map((n) => [["record", BigInt(n)], n]));
  const underWay = native.list({ prefix: ["record"] }, 2_000, true).then(
    () => "read",
    () => "failed",
  );
  kv.close();
  isClosed = true;
  expect(["read", "failed"]).toContain(await underWay);
  await expect(native.list({ prefix: ["record"] }, 10, true)).rejects.toThrow();
  await expect(native.getMany([["record", 1n]])).rejects.toThrow();
});

test("answers that are cut off or of another form are refused, and what is no key", async () => {
  for (const key of ["026162", "0261620003", "15", "1d09", "21"])
    expect(() => unpackKey(Buffer.from(key, "hex"))).toThrow(/not a key|range/);
  expect(() => decodeEntries(Buffer.of(0x0a, 0x80))).toThrow(/cut off/);
  expect(() => decodeEntries(Buffer.of(0x0a, 0x7f, 0x00))).toThrow(/cut off/);
  expect(() => decodeEntries(Buffer.of(0x0d, 0, 0, 0, 0))).toThrow(/field of type 5/);
});
