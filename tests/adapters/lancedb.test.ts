import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import { UserError } from "../../src/errors.ts";
import { vectorIndexContract } from "../contracts/vector-index.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace, unitVector } from "../support/index-store.ts";

vectorIndexContract("LanceDB", openTempIndexStore);

describe("LanceDB on a disk that is not as it should be", () => {
  let temp: TempIndexStore;
  beforeEach(async () => {
    temp = await openTempIndexStore();
  });
  afterEach(() => temp.close());

  const table = () => join(temp.folder, "g1_test-8.lance");

  /** A second process, as it were: nothing cached. */
  async function reopened<T>(use: (store: Awaited<ReturnType<typeof createIndexStore>>) => Promise<T>): Promise<T> {
    const store = await createIndexStore(temp.folder);
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }

  it("finds everything again after a restart", async () => {
    await (await temp.store.open("1", testSpace)).write([indexRow({ id: "100" })], { fresh: true });
    await temp.store.close();
    expect(await reopened(async (store) => (await store.open("1", testSpace)).rows(["100"]))).toEqual([
      indexRow({ id: "100" }),
    ]);
  });

  it("says that a damaged index cannot be used, that the archive is safe, and what to do", async () => {
    await (await temp.store.open("1", testSpace)).write([indexRow({ id: "100" })], { fresh: true });
    for (const file of await readdir(join(table(), "_versions")))
      await writeFile(join(table(), "_versions", file), "garbage");
    const opened = reopened((store) => store.open("1", testSpace));
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(/cannot be used.*archive is not affected.*\/backfill start/s);
  });

  it("can drop a damaged index and build a new one in its place", async () => {
    await temp.store.open("1", testSpace);
    for (const file of await readdir(join(table(), "_versions")))
      await writeFile(join(table(), "_versions", file), "garbage");
    await reopened(async (store) => {
      await expect(store.open("1", testSpace)).rejects.toThrow(UserError);
      await store.drop("1");
      expect(await (await store.open("1", testSpace)).count()).toBe(0);
    });
  });

  it("is made once by processes that start at the same moment, and used by all of them", async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => createIndexStore(temp.folder)));
    try {
      const indexes = await Promise.all(stores.map((store) => store.open("1", testSpace)));
      await indexes[0]?.write([indexRow({ id: "100" })], { fresh: true });
      expect(await Promise.all(indexes.map((index) => index.stats()))).toEqual(
        indexes.map(() => expect.objectContaining({ textIndex: true })),
      );
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  });

  it("takes over a table whose creation was cut short", async () => {
    await mkdir(join(table(), "data"), { recursive: true });
    const index = await temp.store.open("1", testSpace);
    await index.write([indexRow({ id: "100", text: "antenna" })], { fresh: true });
    expect(await index.matching("antenna", { accessChannelIds: ["10"] }, 5)).toHaveLength(1);
  });

  it("refuses a table with other columns and names what is missing", async () => {
    await temp.store.open("1", testSpace);
    const wider = { ...testSpace, dimensions: 16 };
    await expect(reopened((store) => store.open("1", wider))).rejects.toThrow(/schema does not match/);
  });

  it("says that a folder cannot be written", async () => {
    await writeFile(join(temp.folder, "file"), "");
    const opened = createIndexStore(join(temp.folder, "file", "index"));
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(/write access/);
  });

  it("finds rows of one small channel among many when a vector index has partitions", async () => {
    const index = await temp.store.open("1", { ...testSpace, dimensions: 32 });
    const rows = Array.from({ length: 60_000 }, (_, n) =>
      indexRow({ id: String(1000 + n), channelId: n % 2000 === 0 ? "11" : "10", vector: unitVector(n, 32) }),
    );
    await index.write(rows, { fresh: true });
    await index.buildIndexes();
    expect(await index.stats()).toMatchObject({ vectorIndex: true, unindexedRows: 60_000 });
    await index.optimize({ keepVersionsMs: 3_600_000 });
    expect(await index.stats()).toMatchObject({ vectorIndex: true, unindexedRows: 0 });
    expect(await index.nearest(unitVector(1, 32), { accessChannelIds: ["11"] }, 50)).toHaveLength(30);
    const [best] = await index.nearest(unitVector(31_007, 32), { accessChannelIds: ["10"] }, 10);
    expect(best?.id).toBe("32007");
  });
});
