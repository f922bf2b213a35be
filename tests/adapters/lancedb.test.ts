import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "@lancedb/lancedb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import { wantsVectorIndex } from "../../src/adapters/lancedb/table-indexes.ts";
import { UserError } from "../../src/errors.ts";
import { vectorIndexContract } from "../contracts/vector-index.ts";
import { matching, nearest } from "../support/index-searches.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace, unitVector } from "../support/index-store.ts";

vectorIndexContract("LanceDB", openTempIndexStore);

/** After upkeep of a table that has its indexes: the one it made of the rows, the one with these folded into the indexes, and a note of which is the latest. */
const KEPT_VERSIONS = 3;

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
    await expect(opened).rejects.toThrow(/cannot be used.*archive is not affected.*start a backfill/s);
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
    expect(await matching(index, "antenna", { accessChannelIds: ["10"] }, 5)).toHaveLength(1);
  });

  it("refuses a table with other columns and names what is missing", async () => {
    await temp.store.open("1", testSpace);
    const wider = { ...testSpace, dimensions: 16 };
    await expect(reopened((store) => store.open("1", wider))).rejects.toThrow(/schema does not match/);
  });

  it("searches a table of an earlier version, which lacks columns, and finds nothing by what it has no column for", async () => {
    const rows = [indexRow({ id: "100", text: "a link", tags: ["has:link"] }), indexRow({ id: "101", text: "a poll" })];
    await (await temp.store.open("1", testSpace)).write(rows, { fresh: true });
    await temp.store.close();
    const database = await connect(temp.folder);
    const made = await database.openTable("g1_test-8");
    await made.addColumns([{ name: "hasLink", valueSql: "id = 100" }]);
    await made.dropColumns(["tags"]);
    database.close();
    await reopened(async (store) => {
      const former = await store.openExisting("1", testSpace);
      if (former === undefined) throw new Error("it is gone");
      const everybody = { accessChannelIds: ["10"] };
      const idsOf = async (filter: object) =>
        (await former.latest({ ...everybody, ...filter }, 10, 0)).map(({ id }) => id).sort();
      expect(await idsOf({})).toEqual(["100", "101"]);
      expect(await idsOf({ tags: [["has:link"]] })).toEqual(["100"]);
      expect(await idsOf({ tags: [["is:pinned"]] })).toEqual([]);
      expect(await idsOf({ except: { tags: ["has:link"] } })).toEqual(["101"]);
      expect(await idsOf({ except: { tags: ["is:pinned"] } })).toEqual(["100", "101"]);
      expect((await former.rows(["100"]))[0]).toMatchObject({ text: "a link", tags: [] });
      expect((await matching(former, "poll", everybody, 5)).map(({ id }) => id)).toEqual(["101"]);
      await former.optimize({ keepVersionsMs: 0 });
      await former.removeIds(["101"]);
      expect(await idsOf({})).toEqual(["100"]);
    });
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
      indexRow({
        id: String(1000 + n),
        channelId: n % 2000 === 0 ? "11" : "10",
        authorId: n % 40 === 1 ? "21" : "20",
        vector: unitVector(n, 32),
      }),
    );
    await index.write(rows, { fresh: true });
    expect(await index.stats()).toMatchObject({ vectorIndex: false, unindexedRows: 60_000 });
    await index.optimize({ keepVersionsMs: 3_600_000 });
    expect(await index.stats()).toMatchObject({ vectorIndex: true, unindexedRows: 0 });
    expect(await nearest(index, unitVector(1, 32), { accessChannelIds: ["11"] }, 50)).toHaveLength(30);
    const [best] = await nearest(index, unitVector(31_007, 32), { accessChannelIds: ["10"] }, 10);
    expect(best?.id).toBe("32007");

    // By an author of few rows exactly the nearest, also of those that were written, rewritten or removed since.
    const [rewritten, removed, added] = ["1001", "1041", "90000"];
    await index.write([indexRow({ id: rewritten, authorId: "20", vector: unitVector(1, 32) })], { fresh: false });
    await index.removeIds([removed]);
    const late = indexRow({ id: added, authorId: "21", vector: unitVector(70_007, 32) });
    await index.write([late], { fresh: true });
    const theirs = rows.filter(({ id, authorId }) => authorId === "21" && id !== rewritten && id !== removed);
    const dot = (one: Float32Array, other: Float32Array) =>
      one.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
    for (const seed of [1, 41, 5_005, 31_007, 70_007]) {
      const asked = unitVector(seed, 32);
      const found = await nearest(index, asked, { accessChannelIds: ["10"], authorIds: ["21"] }, 100);
      const expected = [...theirs, late].sort((a, b) => dot(b.vector, asked) - dot(a.vector, asked)).slice(0, 100);
      expect(found.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    }
  });

  it("gets an index that came later at its next upkeep, and takes back a run's rows with it, folded in or not", async () => {
    const index = await temp.store.open("1", testSpace);
    await index.write(
      ["100", "101"].map((id) => indexRow({ id, runId: "run" })),
      { fresh: true },
    );
    await index.write([indexRow({ id: "200", text: "antenna" })], { fresh: true });
    await index.optimize({ keepVersionsMs: 3_600_000 });
    const database = await connect(temp.folder);
    const table = await database.openTable("g1_test-8");
    const indexed = async () => {
      await table.checkoutLatest();
      return (await table.listIndices()).flatMap(({ columns }) => columns);
    };
    const name = (await table.listIndices()).find(({ columns }) => columns.includes("runId"))?.name ?? "none";
    await table.dropIndex(name);
    expect(await indexed()).not.toContain("runId");
    await index.optimize({ keepVersionsMs: 3_600_000 });
    expect(await indexed()).toContain("runId");
    database.close();
    await index.write(
      ["102", "300"].map((id) => indexRow({ id, runId: id === "102" ? "run" : "other" })),
      { fresh: true },
    );
    expect(await index.removeRun("run")).toBe(3);
    expect((await index.keys("message", { newestId: "999", oldestId: "1" }, 10)).map(({ id }) => id)).toEqual([
      "300",
      "200",
    ]);
  });

  it("finds a live row's words at once beside thousands of rows that a run has just written, and theirs by vector", async () => {
    const index = await temp.store.open("1", testSpace);
    const ofRun = Array.from({ length: 2_500 }, (_, n) =>
      indexRow({ id: String(1000 + n), runId: "run", text: n === 7 ? "antenna of the run" : "filler" }),
    );
    await index.write(ofRun, { fresh: true });
    await index.write([indexRow({ id: "9000", text: "antenna of today", vector: unitVector(77_777) })], {
      fresh: true,
    });
    const filter = { accessChannelIds: ["10"] };
    const ids = async (text: string) => (await matching(index, text, filter, 5)).map(({ id }) => id);
    expect(await ids("antenna")).toEqual(["9000"]);
    const vector = unitVector(1007);
    expect((await nearest(index, vector, filter, 2_501)).map(({ id }) => id)).toContain("1007");
    await index.optimize({ keepVersionsMs: 3_600_000 });
    expect((await ids("antenna")).sort()).toEqual(["1007", "9000"]);
  });

  it("counts the versions it keeps, through changes, clean-ups and a restart", async () => {
    const index = await temp.store.open("1", testSpace);
    const { versions: before } = await index.stats();
    for (let n = 0; n < 5; n += 1) await index.write([indexRow({ id: String(100 + n) })], { fresh: true });
    expect((await index.stats()).versions).toBe(before + 5);
    expect(await reopened(async (store) => (await (await store.open("1", testSpace)).stats()).versions)).toBe(
      before + 5,
    );
    await index.optimize({ keepVersionsMs: 0 });
    await index.optimize({ keepVersionsMs: 0 });
    expect((await index.stats()).versions).toBeLessThan(before + 5);
  });

  it("reads, searches and changes on while another process drops the version it was at", async () => {
    const index = await temp.store.open("1", testSpace);
    const rows = Array.from({ length: 40 }, (_, n) => indexRow({ id: String(100 + n), text: `antenna ${n}` }));
    for (const row of rows) await index.write([row], { fresh: true });
    await index.optimize({ keepVersionsMs: 0 });
    const everybody = { accessChannelIds: ["10"] };
    const putInOrder = () =>
      reopened(async (store) => {
        await (await store.open("1", testSpace)).optimize({ keepVersionsMs: 0 });
        expect((await readdir(join(table(), "_versions"))).length).toBeLessThanOrEqual(KEPT_VERSIONS);
      });
    const first = ["100"];
    const reads: readonly (() => Promise<unknown>)[] = [
      () => index.rows(first),
      () => index.keys("message", { newestId: "999", oldestId: "1" }, 100),
      () => index.affected(first),
      () => index.holds(first),
      () => index.count(everybody),
      () => matching(index, "antenna", everybody, 5),
      () => nearest(index, unitVector(7), everybody, 5),
      () => index.latest(everybody, 5, 0),
      () => index.sampleRows(5),
      () => index.stats(),
    ];
    for (const [n, read] of reads.entries()) {
      await index.write([indexRow({ id: String(200 + n) })], { fresh: true });
      await putInOrder();
      expect(await read()).toBeTruthy();
    }
    await putInOrder();
    await index.removeIds(["100"]);
    await index.write([indexRow({ id: "101", contentHash: "new" })], { fresh: false });
    expect((await index.rows(["100", "101"])).map(({ contentHash }) => contentHash)).toEqual(["new"]);
  });

  it("drops what is older than a tagged version, however little", async () => {
    const index = await temp.store.open("1", testSpace);
    await index.write([indexRow({ id: "100" })], { fresh: true });
    await index.optimize({ keepVersionsMs: 0 });
    for (let n = 1; n <= 9; n += 1) await index.write([indexRow({ id: String(100 + n) })], { fresh: true });
    await index.tag("before-run-1");
    const { versions: before } = await index.stats();
    await index.optimize({ keepVersionsMs: 0 });
    expect((await index.stats()).versions).toBeLessThan(before - 5);
  });

  it("is closed under a call that was given up: the call ends, and nothing of it is lost", async () => {
    const index = await temp.store.open("1", testSpace);
    const counting = index.count();
    const writing = index.write([indexRow({ id: "100" })], { fresh: true });
    await index.close();
    expect(await counting).toBe(0);
    await writing;
    expect(await (await temp.store.open("1", testSpace)).count()).toBe(1);
  });
});

describe("A vector index", () => {
  it.each([
    { rows: 49_999, dimensions: 256, wanted: false },
    { rows: 50_000, dimensions: 256, wanted: true },
    { rows: 50_000, dimensions: 32, wanted: true },
    { rows: 10_000, dimensions: 1_536, wanted: true },
    { rows: 9_999, dimensions: 4_096, wanted: false },
    { rows: 60_000, dimensions: 100, wanted: false },
  ])("at $rows rows of $dimensions numbers is wanted: $wanted", ({ rows, dimensions, wanted }) => {
    expect(wantsVectorIndex(rows, dimensions)).toBe(wanted);
  });
});
