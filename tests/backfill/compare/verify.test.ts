import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verify } from "../../../src/backfill/compare/verify.ts";
import { contentHash } from "../../../src/content-hash.ts";
import { createIndexWriter } from "../../../src/indexing/guild-index/writer.ts";
import { ALL_IDS, LAST_SNOWFLAKE } from "../../../src/snowflake.ts";
import { openTestArchive, type TestArchive, testMessage } from "../../support/archive.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../../support/index-store.ts";

const GUILD = "1";
const COUNT = 30;

describe("how long a check's searches take", () => {
  let archive: TestArchive;
  let temp: TempIndexStore;
  beforeAll(async () => {
    archive = await openTestArchive();
    temp = await openTempIndexStore();
  });
  afterAll(async () => {
    await archive.close();
    await temp.close();
  });

  it("is told without the slowest of twenty, and without the first, which reads the index", async () => {
    const records = Array.from({ length: COUNT }, (_, n) =>
      testMessage(n, { content: `The antenna number ${n} on the roof hums in the wind, all night long.` }),
    );
    await archive.archive.save(GUILD, records, { pending: false });
    const index = await temp.store.open(GUILD, testSpace);
    await index.write(
      records.map((record) => indexRow({ id: record.id, contentHash: contentHash(record) })),
      { fresh: true },
    );
    const writer = createIndexWriter(index, {
      mayCommit: () => true,
      isOwner: () => true,
      onOvertaken: async () => undefined,
      newestArchived: async () => LAST_SNOWFLAKE,
    });
    const took = [9_000, 900, 90, ...Array.from({ length: 18 }, (_, n) => n + 1)];
    let now = 0;
    let searches = 0;
    const clock = { now: () => now, elapsed: () => now, sleep: async () => {} };
    const { verification } = await verify(
      {
        sources: { archive: archive.archive, index, writer, quarantine: archive.quarantine },
        async find() {
          now += took[searches] ?? 0;
          searches += 1;
          return records.map(({ id }) => id);
        },
        ready: Promise.resolve(),
        clock,
      },
      GUILD,
      [{ kind: "message", ...ALL_IDS }],
      undefined,
    );
    expect(searches).toBe(21);
    expect(verification).toMatchObject({ records: COUNT, missing: 0, searchMs: { p50: 10, p95: 90 } });
  });
});
