// The newest id there is: whatever is believed to be newer is appended unseen, so nothing that has rows may ever be.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createNewestId, newestInArchive } from "../../../src/indexing/guild-index/newest-id.ts";
import { createIndexWriter, type IndexWriter } from "../../../src/indexing/guild-index/writer.ts";
import type { Archive } from "../../../src/ports/archive.ts";
import type { VectorIndex } from "../../../src/ports/vector-index.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../../src/snowflake.ts";
import { openTestArchive, type TestArchive, testId, testMessage, testNote } from "../../support/archive.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../../support/index-store.ts";

const GUILD = "1343693475581890600";

describe("in the archive", () => {
  let opened: TestArchive;
  let archive: Archive;
  beforeEach(async () => {
    opened = await openTestArchive();
    archive = opened.archive;
  });
  afterEach(() => opened.close());
  const newest = () => newestInArchive(archive, GUILD);

  test("it is a message's, a note's or a mark's, whichever is newest", async () => {
    expect(await newest()).toBe(FIRST_SNOWFLAKE);
    await archive.save(GUILD, [testMessage(1), testMessage(2)], { pending: false });
    expect(await newest()).toBe(testId(2));
    await archive.save(GUILD, [testNote(3)], { pending: false });
    expect(await newest()).toBe(testId(3));
    await archive.markPending(GUILD, "message", [testId(9)]);
    expect(await newest()).toBe(testId(9));
    // Of what lists marks, notes come first: the newest mark is not the first one.
    await archive.markPending(GUILD, "note", [testId(5)]);
    expect(await newest()).toBe(testId(9));
    await archive.save(GUILD, [testMessage(10)], { pending: false });
    expect(await newest()).toBe(testId(10));
  });

  test("what was deleted counts for as long as it is marked", async () => {
    await archive.save(GUILD, [testMessage(1), testMessage(2)], { pending: false });
    await archive.remove(GUILD, "message", [testId(2)]);
    expect(await newest()).toBe(testId(2));
    await archive.clearPending(GUILD, await archive.pending(GUILD, 10));
    expect(await newest()).toBe(testId(1));
  });

  test("what a removal has deleted does not count: its rows went before", async () => {
    await archive.save(GUILD, [testMessage(1), testMessage(2, { authorId: "66" })], { pending: true });
    await archive.exclude(GUILD, { by: "author", id: "66" });
    for await (const { ids } of archive.removeInSteps(GUILD, { by: "author", id: "66" }, 10)) {
      expect(ids).toEqual([testId(2)]);
      break;
    }
    expect(await newest()).toBe(testId(1));
  });
});

test.each([
  [19_999, "400000"],
  [20_000, LAST_SNOWFLAKE],
])("of %i marks it is %s: the newest may be one that was not looked at", async (count, expected) => {
  const marks = Array.from(
    { length: count },
    (_, n) => ({ kind: "message", id: String(400_000 - n), stamp: "" }) as const,
  );
  const nothing = { records: [], damaged: [], nextNewestId: undefined };
  const archive = { pending: async (_: string, limit: number) => marks.slice(0, limit), page: async () => nothing };
  expect(await newestInArchive(archive, GUILD)).toBe(expected);
});

describe("what is believed", () => {
  test("begins with a look at the archive and then at the index, once", async () => {
    const looks: string[] = [];
    const look = (where: string, id: string) => async () => {
      looks.push(where);
      return id;
    };
    const newest = createNewestId({ newestId: look("index", "7") }, look("archive", "5"));
    expect(newest.isNewer(LAST_SNOWFLAKE)).toBe(false);
    await Promise.all([newest.load(), newest.load()]);
    await newest.load();
    // The other way round, what is deleted and removed from the index in between would be in neither.
    expect(looks).toEqual(["archive", "index"]);
    expect(["7", "8"].map(newest.isNewer)).toEqual([false, true]);
    expect(newest.isNewer("10")).toBe(true);
  });

  test("is nothing while it is not known, and a look that failed is made again", async () => {
    let isAway = true;
    const newest = createNewestId({ newestId: async () => "7" }, async () => {
      if (isAway) throw new Error("the archive is away");
      return "5";
    });
    await expect(newest.load()).rejects.toThrow("away");
    expect(newest.isNewer("8")).toBe(false);
    isAway = false;
    await newest.load();
    expect(newest.isNewer("8")).toBe(true);
  });

  test("is not what was seen before others may have written", async () => {
    const answers: ((id: string) => void)[] = [];
    const newest = createNewestId(
      { newestId: async () => "1" },
      () => new Promise<string>((resolve) => answers.push(resolve)),
    );
    const before = newest.load();
    newest.forget();
    const after = newest.load();
    answers[0]?.("5");
    await before;
    expect(newest.isNewer("6")).toBe(false);
    answers[1]?.("8");
    await after;
    expect(["8", "9"].map(newest.isNewer)).toEqual([false, true]);
  });

  test("counts what is on its way, and whose words that carries", async () => {
    const newest = createNewestId({ newestId: async () => "1" }, async () => "2");
    await newest.load();
    newest.add([indexRow({ id: "5", contextId: "8" }), indexRow({ id: "4" })]);
    expect(["8", "9"].map(newest.isNewer)).toEqual([false, true]);
    newest.forget();
    await newest.load();
    expect(["8", "9"].map(newest.isNewer)).toEqual([false, true]);
  });
});

describe("rows that a former owner writes after all, of a record believed to be newer than any,", () => {
  let temp: TempIndexStore;
  let index: VectorIndex;
  let writer: IndexWriter;
  beforeEach(async () => {
    temp = await openTempIndexStore();
    index = await temp.store.open("1", testSpace);
    const guard = { mayCommit: () => true, isOwner: () => true, onOvertaken: async () => {} };
    writer = createIndexWriter(index, { ...guard, newestArchived: async () => "2" });
    await writer.affected(["1"]);
    await index.write([indexRow({ id: "3", authorId: "66", contextId: "2" })], { fresh: true });
    expect(await writer.affected(["3"])).toEqual({ present: [], dependents: [] });
  });
  afterEach(() => temp.close());

  test("go by their id, and with the scope that is removed", async () => {
    await writer.removeIds(["3"]);
    expect(await index.count()).toBe(0);
    await index.write([indexRow({ id: "3", authorId: "66" })], { fresh: true });
    await writer.removeScope({ by: "author", id: "66" });
    expect(await index.count()).toBe(0);
  });

  test("are one again when the mark that is left of them is worked on, though the record has come back beside them", async () => {
    const rows = [indexRow({ id: "3", authorId: "66" })];
    const write = () => writer.write(rows, { ticket: writer.ticket(), fresh: false, isRun: false });
    await write();
    expect(await writer.affected(["3"])).toEqual({ present: ["3"], dependents: [] });
    await write();
    expect(await index.rows(["3"])).toEqual(rows);
  });
});
