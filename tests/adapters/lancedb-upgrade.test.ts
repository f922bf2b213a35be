// A table that LanceDB 0.37.1 made, as installations have them: 28 rows (100-119 folded into indexes, 200-209 not; 101 and 201
// removed, 102 written anew), with a version named before the removals. It can no longer be made, and must not be changed.

import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Connection, connect, MatchQuery, type Table } from "@lancedb/lancedb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/backscroll.ts";
import { unitVector } from "../support/index-store.ts";

const TAG = "before-run-1";

describe("a table made by LanceDB 0.37.1", () => {
  let folder: string;
  let database: Connection;
  let table: Table;
  beforeEach(async () => {
    folder = join(await temporaryFolder(), "index");
    await cp(join(import.meta.dirname, "lancedb-0.37.1"), folder, { recursive: true });
    database = await connect(folder);
    table = await database.openTable("g1_test-8");
  });
  afterEach(async () => {
    table.close();
    database.close();
    await rm(folder, { recursive: true });
  });

  const ids = (rows: readonly { readonly id: bigint }[]) => rows.map(({ id }) => Number(id));
  const matching = async (words: string) =>
    ids(
      await table
        .query()
        .fullTextSearch(new MatchQuery(words, "searchText"))
        .select(["id", "_score"])
        .limit(100)
        .toArray(),
    ).sort();
  const nearest = async (seed: number) =>
    ids(
      await table
        .query()
        .nearestTo(unitVector(seed))
        .distanceType("cosine")
        .limit(1)
        .select(["id", "_distance"])
        .toArray(),
    );

  async function expectReadable() {
    expect(await table.countRows()).toBe(28);
    expect(await table.countRows("id = 101 OR id = 201")).toBe(0);
    expect(await matching("balconies")).toEqual([102]);
    expect((await matching("antenna")).length).toBe(27);
    expect(await nearest(205)).toEqual([205]);
  }

  it("is read and searched, what its indexes hold and what not", expectReadable);

  it("takes rows and removals", async () => {
    const [row] = (await table.query().where("id = 102").toArray()) as { toJSON(): Record<string, unknown> }[];
    await table.add([{ ...row?.toJSON(), id: 300n, vector: [...unitVector(300)] }]);
    await table.delete("id = 100");
    expect(await table.countRows()).toBe(28);
    expect(await matching("balcony")).toEqual([102, 300]);
    expect(await nearest(300)).toEqual([300]);
  });

  it("is put in order, up to the version that is named, and reads the same", async () => {
    const named = (await (await table.tags()).list())[TAG]?.version;
    const { timestamp } = (await table.listVersions()).find(({ version }) => version === named) ?? {};
    if (timestamp === undefined) throw new Error("the tag is gone");
    const { prune } = await table.optimize({ cleanupOlderThan: timestamp });
    expect(prune.oldVersionsRemoved).toBeGreaterThan(0);
    await expectReadable();
    expect((await table.listIndices()).length).toBeGreaterThan(8);
    await table.checkout(TAG);
    expect(await table.countRows()).toBe(30);
    await table.checkoutLatest();
    await (await table.tags()).delete(TAG);
    await table.optimize({ cleanupOlderThan: new Date() });
    await expectReadable();
  });
});
