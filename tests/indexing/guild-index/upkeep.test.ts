import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMaintenance, type Maintenance, upkeepReason } from "../../../src/indexing/guild-index/upkeep.ts";
import type { IndexStats, VectorIndex } from "../../../src/ports/vector-index.ts";
import { createManualClock, type ManualClock, until } from "../../support/engine.ts";
import { matching } from "../../support/index-searches.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace, unitVector } from "../../support/index-store.ts";

/** Nothing is to be done. */
const calm: IndexStats = {
  rows: 100_000,
  unindexedRows: 0,
  fragments: 1,
  versions: 1,
  diskBytes: 1,
  isBulky: false,
  vectorIndex: true,
  textIndex: true,
};

describe("upkeep is due", () => {
  test.each([
    ["never without a need", calm, 500, undefined],
    ["when many rows are not indexed", { ...calm, unindexedRows: 1_000 }, 5, "rows not indexed"],
    ["not yet for some rows", { ...calm, unindexedRows: 999 }, 5, undefined],
    ["for some rows where searches are slow", { ...calm, unindexedRows: 200 }, 51, "slow searches"],
    ["not for some rows that nobody searches", { ...calm, unindexedRows: 200 }, undefined, undefined],
    ["not for slow searches of rows that are indexed", { ...calm, unindexedRows: 199 }, 5_000, undefined],
    ["for some fragments where searches are slow", { ...calm, fragments: 11 }, 51, "slow searches"],
    ["when there are many small fragments", { ...calm, fragments: 41 }, 5, "small fragments"],
    ["when removals alone have made many versions", { ...calm, versions: 1_001 }, 5, "old versions"],
  ])("%s", (_when, stats, searchMs, reason) => {
    expect(upkeepReason(stats, searchMs)).toBe(reason);
  });
});

describe("a guild's index", () => {
  let temp: TempIndexStore;
  let index: VectorIndex;
  let clock: ManualClock;
  let maintenance: Maintenance;
  let ours: string[];
  let log: { readonly event: string; readonly fields: Record<string, unknown> | undefined }[];
  /** What upkeep, and each search, takes on the clock. */
  let upkeepMs: number;
  let searchMs: number;
  let failures = 0;
  let upkeeps: number;
  let opened: string[];

  beforeEach(async () => {
    temp = await openTempIndexStore();
    const real = await temp.store.open("1", testSpace);
    clock = createManualClock();
    [ours, log, upkeepMs, searchMs, upkeeps, opened] = [["1"], [], 0, 1, 0, []];
    index = {
      ...real,
      async optimize(options) {
        upkeeps += 1;
        await real.optimize(options);
        await clock.advance(upkeepMs);
      },
      async candidates(asked) {
        await asked.vector;
        await clock.advance(searchMs);
        return await real.candidates(asked);
      },
    };
    const note = (event: string, fields?: Record<string, unknown>) => log.push({ event, fields });
    const logger = { debug: note, info: note, warn: note, error: note };
    const writer = undefined as never;
    const recipe = undefined as never;
    const indexes = {
      async open(guildId: string) {
        opened.push(guildId);
        return { index, writer, recipe, searched: [{ generation: undefined as never, index }] };
      },
    };
    maintenance = createMaintenance(
      indexes,
      (guildId) => ours.includes(guildId),
      clock,
      logger,
      () => {
        failures += 1;
      },
    );
    failures = 0;
  });
  afterEach(async () => {
    await maintenance.stop();
    await temp.close();
  });

  const add = (from: number, count: number) => {
    maintenance.markDirty("1");
    return index.write(
      Array.from({ length: count }, (_, n) => indexRow({ id: String(from + n), vector: unitVector(n) })),
      { fresh: true },
    );
  };

  /** Twice: rows that have only just come wait. */
  async function lookTwice() {
    await maintenance.look("1");
    expect(upkeeps).toBe(0);
    await clock.advance(1_000);
    await maintenance.look("1");
  }

  test("is put in order when rows have come in, looked at by itself, and not without need", async () => {
    await add(1_000, 2_100);
    ours = [];
    await clock.advance(30_000);
    expect(upkeeps).toBe(0);
    ours = ["1"];
    const isDone = async () => {
      await clock.advance(10_000);
      return log.at(-1)?.event === "upkeep:done";
    };
    await until(isDone, "upkeep is done");
    expect(log.at(-1)?.fields).toMatchObject({ reason: "rows not indexed", unindexedRows: 2_100 });
    expect(await index.stats()).toMatchObject({ unindexedRows: 0 });
    await maintenance.look("1");
    expect(upkeeps).toBe(1);
  });

  test("is looked at after it was written to or searched, and then not again", async () => {
    await clock.advance(60_000);
    expect(opened).toEqual([]);
    await add(1_000, 10);
    await clock.advance(60_000);
    await until(() => opened.length > 0, "it is looked at");
    await clock.advance(60_000);
    expect(opened).toEqual(["1"]);
    const filter = { accessChannelIds: ["10"] };
    const timed = maintenance.timed("1", index);
    await timed.candidates({ text: "text", filter, limit: 5, vector: Promise.resolve(unitVector(1)) });
    await clock.advance(10_000);
    await until(() => opened.length === 2, "it is looked at again");
    maintenance.markDirty("1");
    maintenance.forget("1");
    await clock.advance(10_000);
    expect(opened).toEqual(["1", "1"]);
  });

  test("is left in peace four times as long as upkeep took, however much comes in", async () => {
    upkeepMs = 20_000;
    ours = [];
    await add(1_000, 2_100);
    await lookTwice();
    await add(5_000, 2_100);
    await clock.advance(79_000);
    await maintenance.look("1");
    expect(upkeeps).toBe(1);
    await clock.advance(2_000);
    await maintenance.look("1");
    expect(upkeeps).toBe(2);
  });

  test("is put in order for a few hundred rows once searches have become slow", async () => {
    ours = [];
    await add(1_000, 300);
    const timed = maintenance.timed("1", index);
    expect(maintenance.timed("1", index)).toBe(timed);
    const asked = { text: "text", filter: { accessChannelIds: ["10"] }, limit: 5 };
    const search = () => timed.candidates({ ...asked, vector: Promise.resolve(unitVector(1)) });
    for (let n = 0; n < 20; n += 1) await search();
    await maintenance.look("1");
    expect(upkeeps).toBe(0);
    searchMs = 80;
    for (let n = 0; n < 11; n += 1) await search();
    await maintenance.look("1");
    expect(log.at(-1)?.fields).toMatchObject({ reason: "slow searches", searchMs: 80 });
  });

  test("does not take the wait for the embedder for a slow search", async () => {
    ours = [];
    await add(1_000, 300);
    const vector = clock.sleep(4_000).then(() => unitVector(1));
    const filter = { accessChannelIds: ["10"] };
    const search = maintenance.timed("1", index).candidates({ text: "text", vector, filter, limit: 5 });
    await clock.advance(4_000);
    await search;
    await maintenance.look("1");
    expect(upkeeps).toBe(0);
  });

  test("that cannot be put in order is left in peace for a while, and that is logged", async () => {
    ours = [];
    await add(1_000, 2_100);
    const { optimize } = index;
    index = {
      ...index,
      async optimize() {
        await clock.advance(10_000);
        throw new Error("no space");
      },
    };
    await lookTwice();
    expect(log.at(-1)).toMatchObject({ event: "upkeep:failed", fields: { error: "no space" } });
    expect(failures).toBe(1);
    index = { ...index, optimize };
    await maintenance.look("1");
    expect(upkeeps).toBe(0);
  });

  test("is searched and written to while it is put in order, and nothing is missed", async () => {
    ours = [];
    await add(1_000, 2_100);
    await maintenance.look("1");
    await clock.advance(1_000);
    const upkeep = maintenance.look("1");
    for (let n = 0; n < 20; n += 1) {
      await index.write([indexRow({ id: String(9_000 + n), text: `novelty${n}` })], { fresh: true });
      const found = await matching(index, `novelty${n}`, { accessChannelIds: ["10"] }, 5);
      expect(found.map(({ id }) => id)).toEqual([String(9_000 + n)]);
    }
    await upkeep;
    expect(upkeeps).toBe(1);
    expect(await index.count()).toBe(2_120);
    expect(await matching(index, "novelty3", { accessChannelIds: ["10"] }, 5)).toHaveLength(1);
  });
});

describe("old versions that take more than they are worth", () => {
  const MINUTE_MS = 60_000;
  let clock: ManualClock;
  let maintenance: Maintenance;
  /** What each index tells of itself. */
  let stats: IndexStats[];
  let looks: number;
  /** Which index was put in order when, in minutes, and why. */
  let upkeeps: string[];

  function begin(...given: IndexStats[]) {
    [stats, looks, upkeeps] = [given, 0, []];
    const searched = given.map((_, n) => ({
      generation: undefined as never,
      index: {
        async stats() {
          looks += 1;
          return stats[n] ?? calm;
        },
        optimize: async () => void upkeeps.push(`${n} after ${Math.round(clock.elapsed() / MINUTE_MS)}`),
      } as unknown as VectorIndex,
    }));
    const opened = { index: undefined as never, writer: undefined as never, recipe: undefined as never, searched };
    const quiet = () => {};
    const reason = (event: string, fields?: Record<string, unknown>) => {
      if (event === "upkeep:done") upkeeps.push(String(fields?.["reason"]));
    };
    clock = createManualClock();
    maintenance = createMaintenance({ open: async () => opened }, () => true, clock, {
      debug: quiet,
      info: reason,
      warn: quiet,
      error: quiet,
    });
    maintenance.markDirty("1");
  }
  afterEach(() => maintenance.stop());
  const minutes = (count: number) => clock.advance(count * MINUTE_MS);

  test("go after half an hour of it, though nothing changes meanwhile", async () => {
    begin({ ...calm, isBulky: true });
    await minutes(30);
    expect(upkeeps).toEqual([]);
    await minutes(1);
    expect(upkeeps).toEqual(["0 after 30", "old versions"]);
  });

  test("go once: where that came to nothing, they stay, and nobody looks any more", async () => {
    begin({ ...calm, isBulky: true });
    await minutes(31);
    expect(upkeeps).toHaveLength(2);
    await minutes(1);
    const before = looks;
    await minutes(60);
    expect(looks).toBe(before);
    maintenance.markDirty("1");
    await minutes(60);
    expect([looks, upkeeps.length]).toEqual([before + 1, 2]);
  });

  test("go again when they had gone, and have become as many again", async () => {
    begin({ ...calm, isBulky: true });
    await minutes(31);
    for (const isBulky of [false, true]) {
      stats = [{ ...calm, isBulky }];
      maintenance.markDirty("1");
      await minutes(29);
    }
    expect(upkeeps).toHaveLength(2);
    await minutes(2);
    expect(upkeeps.slice(2)).toEqual(["0 after 90", "old versions"]);
  });

  test("stay for half an hour from the latest upkeep on, whatever that was for", async () => {
    begin({ ...calm, isBulky: true });
    await minutes(20);
    stats = [{ ...calm, isBulky: true, unindexedRows: 1_000 }];
    // The first look finds the rows, the next puts them in order.
    await minutes(0.4);
    stats = [{ ...calm, isBulky: true }];
    expect(upkeeps).toEqual(["0 after 20", "rows not indexed"]);
    await minutes(29);
    expect(upkeeps).toHaveLength(2);
    await minutes(2);
    expect(upkeeps.slice(2)).toEqual(["0 after 51", "old versions"]);
  });

  test("count for each of a guild's indexes by itself", async () => {
    begin({ ...calm, isBulky: true }, calm);
    await minutes(20);
    stats = [
      { ...calm, isBulky: true },
      { ...calm, isBulky: true },
    ];
    await minutes(11);
    expect(upkeeps).toEqual(["0 after 30", "old versions"]);
    await minutes(20);
    expect(upkeeps.slice(2)).toEqual(["1 after 50", "old versions"]);
  });
});

describe("rows that come in", () => {
  const SECOND_MS = 1_000;
  let clock: ManualClock;
  let maintenance: Maintenance;
  let rowsPerSecond: number;
  let rows: number;
  let indexed: number;
  let looks: number;
  /** When it was put in order, in seconds. */
  let upkeeps: number[];
  let onUpkeep: () => void;
  const index = {
    async stats() {
      looks += 1;
      return { ...calm, rows, unindexedRows: rows - indexed };
    },
    async optimize() {
      upkeeps.push(Math.round(clock.elapsed() / SECOND_MS));
      indexed = rows;
      onUpkeep();
    },
    async candidates({ vector }: { readonly vector: Promise<unknown> }) {
      await vector;
      await clock.advance(80);
      return [];
    },
  } as unknown as VectorIndex;

  beforeEach(() => {
    [rowsPerSecond, rows, indexed, looks, upkeeps, onUpkeep] = [0, 0, 0, 0, [], () => {}];
    const opened = { index, writer: undefined as never, recipe: undefined as never };
    const searched = [{ generation: undefined as never, index }];
    const quiet = () => {};
    const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    clock = createManualClock();
    maintenance = createMaintenance({ open: async () => ({ ...opened, searched }) }, () => true, clock, logger);
  });
  afterEach(() => maintenance.stop());

  async function seconds(count: number) {
    for (let n = 0; n < count; n += 1) {
      rows += rowsPerSecond;
      if (rowsPerSecond > 0) maintenance.markDirty("1");
      await clock.advance(SECOND_MS);
    }
  }

  test("slower than upkeep is worth are indexed while more come", async () => {
    rowsPerSecond = 1_000;
    await seconds(60);
    expect(upkeeps).toEqual([20, 30, 40, 50, 60]);
  });

  test("faster than that are indexed once, as long after the last as so many are worth, though nobody looks after them", async () => {
    rowsPerSecond = 5_000;
    await seconds(60);
    expect(upkeeps).toEqual([]);
    rowsPerSecond = 0;
    // Since the first look, after ten seconds, 0.24 ms each.
    await seconds(21);
    expect(upkeeps).toEqual([]);
    await seconds(600);
    expect(upkeeps).toEqual([90]);
  });

  test("faster than that are indexed meanwhile where somebody waits for searches of them", async () => {
    const search = () =>
      maintenance.timed("1", index).candidates({
        text: "text",
        vector: Promise.resolve(undefined),
        filter: { accessChannelIds: ["10"] },
        limit: 5,
      });
    rowsPerSecond = 5_000;
    await seconds(25);
    expect(upkeeps).toEqual([]);
    await search();
    await seconds(35);
    expect(upkeeps).toEqual([30]);
  });

  test("once the server has been quiet wait as if there had never been upkeep", async () => {
    rowsPerSecond = 200;
    await seconds(20);
    rowsPerSecond = 0;
    await seconds(3_600);
    expect(upkeeps).toEqual([20]);
    rowsPerSecond = 5_000;
    await seconds(60);
    expect(upkeeps).toEqual([20]);
  });

  test("a few at a time make nobody look more often than they come", async () => {
    rows = 900;
    maintenance.markDirty("1");
    await seconds(600);
    expect([looks, upkeeps]).toEqual([1, []]);
  });

  test("of a server that was left while it was put in order make nobody open it again", async () => {
    onUpkeep = () => maintenance.forget("1");
    rows = 2_000;
    maintenance.markDirty("1");
    await seconds(600);
    expect([looks, upkeeps]).toEqual([2, [20]]);
  });
});
