import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { joinSearchText } from "../../../src/content-hash.ts";
import { TransientError } from "../../../src/errors.ts";
import { createIndexWriter, type IndexWriter } from "../../../src/indexing/guild-index/writer.ts";
import type { IndexRow, VectorIndex } from "../../../src/ports/vector-index.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../../support/index-store.ts";

let temp: TempIndexStore;
let index: VectorIndex;
let writer: IndexWriter;
let owned: boolean;
/** The newest id that is in the archive when the writer begins. */
let archived: string;
/** Ids of rows of which it was told that they may have been written by two. */
let overtaken: string[];
/** What reached the index, in order. */
let commits: string[];

beforeEach(async () => {
  temp = await openTempIndexStore();
  const real = await temp.store.open("1", testSpace);
  commits = [];
  owned = true;
  archived = "9";
  index = {
    ...real,
    write(rows, options) {
      commits.push(`${options.fresh ? "append" : "rewrite"} ${rows.map(({ id }) => id).join(",")}`);
      return real.write(rows, options);
    },
    removeIds(ids) {
      commits.push(`remove ${ids.join(",")}`);
      return real.removeIds(ids);
    },
  };
  overtaken = [];
  writer = createIndexWriter(index, {
    mayCommit: () => owned,
    isOwner: () => owned,
    onOvertaken: async (ids) => void overtaken.push(...ids),
    newestArchived: async () => archived,
  });
});
afterEach(async () => {
  await temp.close();
});

const row = (id: string, given: Partial<IndexRow> = {}) => indexRow({ id, ...given });
const append = (rows: IndexRow[], ticket = writer.ticket()) =>
  writer.write(rows, { ticket, fresh: true, isRun: false });
const rewrite = (rows: IndexRow[], ticket = writer.ticket()) =>
  writer.write(rows, { ticket, fresh: false, isRun: false });
const ids = async () => (await index.rows(["1", "2", "3", "4", "5"])).map(({ id }) => id);

describe("commits", () => {
  test("of the same kind asked for in one turn become one", async () => {
    await Promise.all([append([row("1")]), append([row("2"), row("3")]), append([row("4")]), rewrite([row("5")])]);
    expect(commits).toEqual(["append 1,2,3,4", "rewrite 5"]);
    expect(await ids()).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("keep the order asked for, so that of two writes of one id the later stays", async () => {
    const first = row("1", { text: "first" });
    const second = row("1", { text: "second" });
    await Promise.all([rewrite([first]), rewrite([second]), writer.removeIds(["2"]), append([row("3")])]);
    expect(commits).toEqual(["rewrite 1", "rewrite 1", "remove 2", "append 3"]);
    expect((await index.rows(["1"])).map(({ text }) => text)).toEqual(["second"]);
  });

  test("take each id once: of two writes that share a record, the later one comes after", async () => {
    await Promise.all([
      rewrite([row("1"), row("2", { text: "first" })]),
      rewrite([row("2", { text: "second" }), row("3")]),
    ]);
    expect(commits).toEqual(["rewrite 1,2", "rewrite 2,3"]);
    expect((await index.rows(["2"])).map(({ text }) => text)).toEqual(["second"]);
  });

  test("hold at most ten thousand rows", async () => {
    const many = (from: number) => Array.from({ length: 6_000 }, (_, n) => row(String(from + n), { text: "x" }));
    await Promise.all([append(many(10_000)), append(many(20_000))]);
    expect(commits).toHaveLength(2);
    expect(await index.count()).toBe(12_000);
  });

  test("that fail reject only their own writes, and the next ones go on", async () => {
    const bad = append([row("1", { vector: new Float32Array(3) })]);
    const good = rewrite([row("2")]);
    await expect(bad).rejects.toThrow();
    await good;
    expect(await ids()).toEqual(["2"]);
  });

  test("stop when the guild is no longer ours, before anything is sent", async () => {
    owned = false;
    await expect(append([row("1")])).rejects.toThrow(TransientError);
    await expect(writer.removeIds(["1"])).rejects.toThrow(TransientError);
    expect(commits).toEqual([]);
    owned = true;
    await append([row("1")]);
    expect(await ids()).toEqual(["1"]);
  });

  test("that come to their end after the guild was lost are reported, and count as failed", async () => {
    const { write, removeIds } = index;
    index.write = async (...given) => {
      await write(...given);
      owned = false;
    };
    await expect(append([row("1"), row("2")])).rejects.toThrow(TransientError);
    expect(overtaken).toEqual(["1", "2"]);
    owned = true;
    index.removeIds = async (...given) => {
      await removeIds(...given);
      owned = false;
    };
    await expect(writer.removeIds(["3"])).rejects.toThrow(TransientError);
    expect(overtaken).toEqual(["1", "2", "3"]);
  });
});

describe("rows of ids that nobody can have written", () => {
  beforeEach(async () => {
    archived = "1";
    await writer.affected(["1"]);
  });

  test("are appended: newer than all that is in the archive, in the index or on its way", async () => {
    await Promise.all([rewrite([row("3")]), rewrite([row("4", { contextId: "5" })])]);
    await rewrite([row("5")]);
    await rewrite([row("1")]);
    await rewrite([row("6")]);
    expect(commits).toEqual(["append 3,4", "rewrite 5", "rewrite 1", "append 6"]);
  });

  test("concern nobody, and take no look", async () => {
    const { affected } = index;
    const asked: string[][] = [];
    index.affected = (ids) => {
      asked.push([...ids]);
      return affected(ids);
    };
    await rewrite([row("2", { contextId: "1" })]);
    expect(await writer.affected(["3"])).toEqual({ present: [], dependents: [] });
    expect(await writer.affected(["1", "2", "3"])).toEqual({ present: ["2"], dependents: ["2"] });
    expect(asked).toEqual([["1", "2"]]);
  });

  test("are rewritten all the same when a first attempt failed: it may have been stored", async () => {
    const { write } = index;
    index.write = async (...given) => {
      await write(...given);
      throw new TransientError("no answer");
    };
    await expect(rewrite([row("2")])).rejects.toThrow();
    index.write = write;
    await rewrite([row("2")]);
    expect(commits).toEqual(["append 2", "rewrite 2"]);
    expect(await ids()).toEqual(["2"]);
  });

  test("are looked for again when another process may have written", async () => {
    writer.takenOver();
    await rewrite([row("2")]);
    archived = "3";
    await writer.affected(["3"]);
    await rewrite([row("3")]);
    await rewrite([row("4")]);
    expect(commits).toEqual(["rewrite 2", "rewrite 3", "append 4"]);
  });

  test("are not appended by a run, which may be repeating itself, nor after it beside what it wrote", async () => {
    await writer.write([row("2")], { ticket: writer.ticket(), fresh: false, isRun: true });
    const page = writer.ticket();
    await rewrite([row("3")]);
    const late = await writer.write([row("3")], { ticket: page, fresh: true, isRun: true });
    expect(late.superseded).toEqual(new Set(["3"]));
    expect(commits).toEqual(["rewrite 2", "append 3"]);
  });
});

test("what somebody waits for is written before a run's rows, and looks before them", async () => {
  const { affected } = index;
  index.affected = async (ids) => {
    commits.push(`look ${ids.join(",")}`);
    return await affected(ids);
  };
  const ticket = writer.ticket();
  await writer.affected(["9"]);
  commits.splice(0);
  const backfill = (id: string) => writer.write([row(id)], { ticket, fresh: true, isRun: true });
  await Promise.all([
    backfill("1"),
    writer.removeIds(["5"]),
    backfill("2"),
    backfill("3"),
    rewrite([row("4")]),
    writer.affected(["3"]),
  ]);
  expect(commits).toEqual(["append 1", "remove 5", "rewrite 4", "look 3", "append 2,3"]);
});

describe("rows from an old read", () => {
  test.each([
    ["the record was edited or deleted", (_: IndexWriter) => writer.changed(["1"])],
    ["its channel was removed", (_: IndexWriter) => writer.scopeRemoved({ by: "channel", id: "10" })],
    ["its author's messages were removed", (_: IndexWriter) => writer.scopeRemoved({ by: "author", id: "20" })],
    ["the guild was removed", (_: IndexWriter) => writer.scopeRemoved({ by: "guild" })],
    ["another process may have written", (_: IndexWriter) => writer.takenOver()],
  ])("are dropped when %s since", async (_why, happen) => {
    const ticket = writer.ticket();
    happen(writer);
    const later = writer.ticket();
    expect((await rewrite([row("1")], ticket)).superseded).toEqual(new Set(["1"]));
    expect(await ids()).toEqual([]);
    expect((await rewrite([row("1")], later)).superseded).toEqual(new Set());
    expect(await ids()).toEqual(["1"]);
  });

  test("are dropped, for the caller to make anew, when the neighbour whose words they carry changed", async () => {
    const ticket = writer.ticket();
    writer.changed(["1"]);
    const outcome = await append([row("2", { contextId: "1" }), row("3")], ticket);
    expect(outcome).toEqual({ superseded: new Set(), contextChanged: new Set(["2"]) });
    expect(await ids()).toEqual(["3"]);
  });

  test("are not dropped because the neighbour's row was merely written", async () => {
    const ticket = writer.ticket();
    await rewrite([row("1")], ticket);
    expect(await rewrite([row("2", { contextId: "1" })], ticket)).toEqual({
      superseded: new Set(),
      contextChanged: new Set(),
    });
    expect(await ids()).toEqual(["1", "2"]);
  });

  test("all chunks of a record go together, whichever of them carries the context", async () => {
    const ticket = writer.ticket();
    writer.changed(["1"]);
    await append([row("2", { chunk: 0 }), row("2", { chunk: 1, contextId: "1" })], ticket);
    expect(await ids()).toEqual([]);
  });

  test("are never appended beside rows that somebody wrote since", async () => {
    const ticket = writer.ticket();
    await rewrite([row("1", { text: "live" })]);
    expect((await append([row("1", { text: "backfill" })], ticket)).superseded).toEqual(new Set(["1"]));
    expect((await index.rows(["1"])).map(({ text }) => text)).toEqual(["live"]);
  });

  test("are not written again with their vectors when these were withdrawn, even if they were read a moment before", async () => {
    await append([row("1")]);
    const { removeIds } = index;
    let read: IndexRow[] = [];
    let ticket = writer.ticket();
    index.removeIds = async (given) => {
      ticket.release();
      ticket = writer.ticket();
      read = [...(await index.rows(given))];
      await removeIds(given);
    };
    await writer.withdraw(["1"]);
    expect(read.map(({ id }) => id)).toEqual(["1"]);
    expect((await rewrite(read, ticket)).superseded).toEqual(new Set(["1"]));
    expect(await ids()).toEqual([]);
    ticket.release();
  });

  test("do not remove what was written since they were found unwanted", async () => {
    await rewrite([row("1"), row("2")]);
    const ticket = writer.ticket();
    await rewrite([row("1")]);
    await writer.removeIds(["1", "2"], ticket);
    expect(await ids()).toEqual(["1"]);
  });
});

describe("a former generation", () => {
  let former: VectorIndex;
  beforeEach(async () => {
    former = await temp.store.open("1", { ...testSpace, fingerprint: "former-8" });
    await former.write(
      ["1", "2", "3"].map((id) => row(id, { text: "former" })),
      { fresh: true },
    );
    const guard = {
      mayCommit: () => owned,
      isOwner: () => owned,
      onOvertaken: async () => {},
      newestArchived: async () => "9",
    };
    writer = createIndexWriter(index, guard, () => [former]);
  });
  const left = async () => (await former.rows(["1", "2", "3", "4"])).map(({ id }) => id);
  const asRun = (rows: IndexRow[], fresh: boolean, ticket = writer.ticket()) =>
    writer.write(rows, { ticket, fresh, isRun: true });

  test("keeps what a run adds beside it, for the way back, and nothing else that is written", async () => {
    await asRun([row("1")], true);
    expect(await left()).toEqual(["1", "2", "3"]);
    // Its text has changed: the former row says what is no longer so.
    await asRun([row("1")], false);
    expect(await left()).toEqual(["2", "3"]);
    await append([row("2")]);
    expect(await left()).toEqual(["3"]);
    await rewrite([row("3")]);
    expect(await left()).toEqual([]);
  });

  test("is not mistaken where a run and somebody else write at the same time", async () => {
    await Promise.all([append([row("1")]), asRun([row("2")], true), asRun([row("3")], true)]);
    expect(commits).toEqual(["append 1", "append 2,3"]);
    expect(await left()).toEqual(["2", "3"]);
  });

  test("loses what is removed, by id, withdrawn, or with a scope", async () => {
    await writer.removeIds(["1", "9"]);
    expect(await left()).toEqual(["2", "3"]);
    await writer.withdraw(["2"]);
    expect(await left()).toEqual(["3"]);
    await writer.removeScope({ by: "author", id: "20" });
    expect(await left()).toEqual([]);
  });

  test("loses the words of what has changed from the rows that carry them, and keeps those rows", async () => {
    const carrying = row("4", { contextId: "3", searchText: joinSearchText("secret", "Ada: ", "own") });
    await former.write([carrying], { fresh: true });
    await writer.removeFormerContext([]);
    await writer.removeFormerContext(["2"]);
    expect(await former.rows(["4"])).toEqual([carrying]);
    await writer.removeFormerContext(["3"]);
    expect((await former.rows(["4"])).map(({ searchText }) => searchText)).toEqual([
      joinSearchText("", "Ada: ", "own"),
    ]);
  });

  test("gives up the names of its versions with the present one", async () => {
    for (const each of [index, former]) await each.tag("before-run");
    await writer.untag();
    for (const each of [index, former]) {
      await each.tag("another");
      expect(await each.untag(Number.POSITIVE_INFINITY)).toBe(1);
    }
  });
});

describe("what the writer remembers", () => {
  test("is forgotten when the last ticket is released, and an unrelated open ticket keeps it", async () => {
    const [first, second] = [writer.ticket(), writer.ticket()];
    writer.changed(["1"]);
    first.release();
    expect((await rewrite([row("1")], second)).superseded.size).toBe(1);
    await writer.idle();
    second.release();
    // Nothing is remembered for a ticket that is closed: its rows are taken.
    expect((await rewrite([row("1")], second)).superseded.size).toBe(0);
  });

  test("a ticket as of an earlier one sees the changes since that", async () => {
    const early = writer.ticket();
    writer.changed(["1"]);
    const page = writer.ticket(early.at);
    early.release();
    expect((await rewrite([row("1")], page)).superseded.size).toBe(1);
    page.release();
  });
});

test("idle resolves when everything asked for is done", async () => {
  const write = append([row("1")]);
  await writer.idle();
  expect(commits).toEqual(["append 1"]);
  await write;
});
