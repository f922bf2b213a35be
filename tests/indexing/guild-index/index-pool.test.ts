import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createIndexPool } from "../../../src/indexing/guild-index/index-pool.ts";
import type { EmbeddingSpace } from "../../../src/ports/embedder.ts";
import type { VectorIndex } from "../../../src/ports/vector-index.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../../support/index-store.ts";

describe("pooled indexes", () => {
  let temp: TempIndexStore;
  /** What was opened and closed, in order. */
  let doings: string[];
  beforeEach(async () => {
    temp = await openTempIndexStore();
    doings = [];
  });
  afterEach(() => temp.close());

  async function open(guildId: string, space: EmbeddingSpace): Promise<VectorIndex> {
    const index = await temp.store.open(guildId, space);
    doings.push(`open ${guildId}`);
    return {
      ...index,
      async close() {
        await index.close();
        doings.push(`close ${guildId}`);
      },
    };
  }
  const row = (id: string) => [indexRow({ id })];

  test("are open one at a time up to the bound, and those used longest ago close first", async () => {
    const indexes = createIndexPool(open, 2);
    for (const guildId of ["1", "2", "3"]) await (await indexes.open(guildId, testSpace)).count();
    expect(indexes.size).toBe(2);
    const first = await indexes.open("1", testSpace);
    expect(await first.count()).toBe(0);
    await indexes.close();
    expect(doings.slice(0, 6)).toEqual(["open 1", "open 2", "open 3", "close 1", "open 1", "close 2"]);
    expect(doings.filter((doing) => doing.startsWith("open")).length).toBe(doings.length / 2);
  });

  test("open themselves when they are used again, and hold what was written before", async () => {
    const indexes = createIndexPool(open, 1);
    const one = await indexes.open("1", testSpace);
    await one.write(row("11"), { fresh: true });
    const two = await indexes.open("2", testSpace);
    await two.write(row("22"), { fresh: true });
    await one.write(row("12"), { fresh: true });
    expect(await one.count()).toBe(2);
    expect(await two.count()).toBe(1);
    expect(indexes.size).toBe(1);
    await indexes.close();
  });

  test("are never closed while they are used, however many are used at once", async () => {
    const indexes = createIndexPool(open, 1);
    const guildIds = ["1", "2", "3", "4"];
    const pooled = await Promise.all(guildIds.map((guildId) => indexes.open(guildId, testSpace)));
    let release = () => {};
    const vector = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    const searches = pooled.map((index) =>
      index.candidates({ text: "text", vector, filter: { accessChannelIds: ["10"] }, limit: 5 }),
    );
    for (const index of pooled) await index.write(row("11"), { fresh: true });
    expect(indexes.size).toBe(4);
    release();
    expect((await Promise.all(searches)).length).toBe(4);
    expect(indexes.size).toBe(1);
    await indexes.close();
  });

  test("of many guilds that many use at once lose nothing", async () => {
    const indexes = createIndexPool(open, 3);
    const guildIds = Array.from({ length: 12 }, (_, n) => String(n + 1));
    await Promise.all(
      Array.from({ length: 4 }, async (_, round) => {
        for (const guildId of guildIds) {
          await (await indexes.open(guildId, testSpace)).write(row(String(100 + round)), { fresh: true });
        }
      }),
    );
    for (const guildId of guildIds) expect(await (await indexes.open(guildId, testSpace)).count()).toBe(4);
    expect(indexes.size).toBeLessThanOrEqual(3);
    await indexes.close();
  }, 30_000);

  test("that cannot be opened say so, and are tried again the next time", async () => {
    let works = false;
    const indexes = createIndexPool(async (guildId, space) => {
      if (!works) throw new Error("the disk is gone");
      return await open(guildId, space);
    });
    await expect(indexes.open("1", testSpace)).rejects.toThrow("the disk is gone");
    works = true;
    expect(await (await indexes.open("1", testSpace)).count()).toBe(0);
    await indexes.close();
  });

  test("tell when they are changed, and not when they are read", async () => {
    const indexes = createIndexPool(open);
    const changed: string[] = [];
    indexes.onChange((guildId) => changed.push(guildId));
    const one = await indexes.open("1", testSpace);
    await one.count();
    await one.stats();
    expect(changed).toEqual([]);
    await one.write(row("11"), { fresh: true });
    await one.removeIds(["11"]);
    expect(changed).toEqual(["1", "1"]);
    await indexes.close();
  });
});
