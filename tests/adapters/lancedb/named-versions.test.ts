// Versions of an index that have a name, and the way back to one.

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { namedVersions } from "../../../src/adapters/lancedb/named-versions.ts";
import { UserError } from "../../../src/errors.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../../support/index-store.ts";

let temp: TempIndexStore;
beforeEach(async () => {
  temp = await openTempIndexStore();
});
afterEach(() => temp.close());

const OTHER = { ...testSpace, fingerprint: "other-8" };

test("there are none where there is no index, nor of another guild's", async () => {
  expect(await namedVersions(temp.folder, "1")).toEqual([]);
  const index = await temp.store.open("12", testSpace);
  await index.tag("theirs");
  expect(await namedVersions(temp.folder, "1")).toEqual([]);
  expect(await namedVersions(join(temp.folder, "nowhere"), "1")).toEqual([]);
});

test("are those of all of a guild's tables, newest first, each with its rows", async () => {
  const [one, other] = [await temp.store.open("1", testSpace), await temp.store.open("1", OTHER)];
  await one.write([indexRow({ id: "100" })], { fresh: true });
  await one.tag("first");
  await other.write([indexRow({ id: "200" }), indexRow({ id: "201" })], { fresh: true });
  await other.tag("second");
  await one.write([indexRow({ id: "101" }), indexRow({ id: "102" })], { fresh: true });
  await one.tag("third");
  const found = await namedVersions(temp.folder, "1");
  expect(found.map(({ name, rows, space }) => [name, rows, space.fingerprint, space.dimensions])).toEqual([
    ["third", 3, "test-8", 8],
    ["second", 2, "other-8", 8],
    ["first", 1, "test-8", 8],
  ]);
  for (const { at } of found) expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
});

test("one can be made the latest, twice over, and nothing that came later is lost for good", async () => {
  const index = await temp.store.open("1", testSpace);
  await index.write([indexRow({ id: "100" })], { fresh: true });
  await index.tag("before");
  await index.write([indexRow({ id: "100", contentHash: "edited" }), indexRow({ id: "101" })], { fresh: false });
  await index.tag("after");
  await index.close();
  const idsNow = async () => {
    const again = await temp.store.open("1", testSpace);
    const keys = await again.keys("message", { newestId: "999", oldestId: "1" }, 10);
    await again.close();
    return keys.map(({ id, contentHash }) => `${id} ${contentHash}`);
  };
  const [after, before] = await namedVersions(temp.folder, "1");
  await before?.restore();
  expect(await idsNow()).toEqual(["100 hash-100"]);
  await before?.restore();
  expect(await idsNow()).toEqual(["100 hash-100"]);
  await after?.restore();
  expect(await idsNow()).toEqual(["101 hash-101", "100 edited"]);
  expect((await namedVersions(temp.folder, "1")).map(({ name }) => name)).toEqual(["after", "before"]);
});

test("what cannot be read is said, with its place and what to do", async () => {
  await temp.store.open("1", testSpace);
  const versions = join(temp.folder, "g1_test-8.lance", "_versions");
  for (const file of await readdir(versions)) await writeFile(join(versions, file), "garbage");
  const finding = namedVersions(temp.folder, "1");
  await expect(finding).rejects.toThrow(UserError);
  await expect(finding).rejects.toThrow(temp.folder);
  await expect(finding).rejects.toThrow(/archive is not affected/);
});

test("a folder that is no table of an index is said to be none", async () => {
  await mkdir(join(temp.folder, "g1_test-8.lance"));
  await expect(namedVersions(temp.folder, "1")).rejects.toThrow(UserError);
});
