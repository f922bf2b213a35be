// A model is changed while messages keep coming: search finds everything all the time, and in the end there is one index.

import { afterEach, describe, expect, it } from "vitest";
import { textRecipe } from "../../src/indexing/text/prepare.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import type { SearchFilter } from "../../src/ports/vector-index.ts";
import {
  channel,
  GUILD,
  history,
  hoursAgo,
  message,
  openSetup,
  type Setup,
  type SetupOptions,
  until,
} from "../support/engine.ts";
import { searchOf, type TestModel, testModel } from "../support/models.ts";

const EVERYBODY: SearchFilter = { accessChannelIds: ["10", "11", "12"] };

describe("a change of the model", () => {
  let setup: Setup;
  let former: TestModel;
  let present: TestModel;
  afterEach(() => setup.close());

  /** The same folder under other settings, as after a restart. */
  async function restart(model: TestModel, options: SetupOptions = {}): Promise<void> {
    const { folder, clock } = setup;
    await setup.stop();
    setup = await openSetup({ folder, clock, embedder: model.embedder, ...options });
  }

  /** A server made searchable by one model, and restarted with another. */
  async function changed(records: readonly ArchivedRecord[], options: SetupOptions = {}): Promise<void> {
    former = testModel("former");
    present = testModel("present", 8);
    setup = await openSetup({ embedder: former.embedder, ...options });
    await setup.archive.saveChannels(
      GUILD,
      ["10", "11", "12"].map((id) => channel(id)),
    );
    await setup.archive.save(GUILD, records, { pending: false });
    await setup.start();
    expect((await setup.settled()).status).toBe("succeeded");
    await restart(present, options);
  }

  const find = async (text: string, filter: SearchFilter = EVERYBODY, limit = 200) => {
    const { hits } = await searchOf(setup, [former]).search({ guildId: GUILD, text, filter, limit, offset: 0 });
    return hits.map(({ row }) => row.id);
  };
  const statuses = async () => {
    const { list } = await setup.indexes.generations(GUILD);
    return list.map(({ space, status }) => `${space.modelId} ${status}`);
  };
  const tables = () => setup.store.fingerprints(GUILD);
  const edited = (record: ArchivedRecord, content: string) => ({ ...record, content, editedAt: Date.now() });
  const where = channel("10");

  it("leaves nothing unfound: what is not embedded anew yet is found by the former model, what is new by the present one", async () => {
    const records = history(30);
    await changed(records);
    expect(await statuses()).toEqual(["present building", "former current"]);
    const late = message(hoursAgo(0), "a walrus in the harbour");
    await setup.live.messageSaved(GUILD, late, where);
    await setup.live.idle();
    expect((await find("walrus"))[0]).toBe(late.id);
    const asked = former.queries();
    for (const { id, content } of records) expect((await find(content))[0]).toBe(id);
    expect(former.queries()).toBeGreaterThan(asked);
    const found = await find("message about the harbour");
    expect(new Set(found).size).toBe(found.length);
    expect(found).toHaveLength(31);
  });

  it("ends with one index when a backfill is through, and keeps the former one for the way back", async () => {
    await changed(history(20));
    await setup.start();
    expect((await setup.settled()).status).toBe("succeeded");
    await until(async () => (await statuses()).includes("former retired"), "the former one is retired");
    expect(await statuses()).toEqual(["present current", "former retired"]);
    const asked = former.queries();
    expect(await find("message about the harbour")).toHaveLength(20);
    expect(former.queries()).toBe(asked);
    expect(await tables()).toHaveLength(2);
    await setup.pass(7 * 24 * 3_600_000 + 3_700_000, 3_600_000);
    await until(async () => (await statuses()).length === 1, "the former one is deleted");
    expect(await statuses()).toEqual(["present current"]);
    expect(await tables()).toHaveLength(1);
  });

  it("takes edits and deletions out of the former index in the same step, and others' words with them", async () => {
    const [first, second, ...rest] = history(12).map((record) => ({
      ...record,
      channelId: "10",
      accessChannelId: "10",
    }));
    if (first === undefined || second === undefined) throw new Error("too few");
    // Newest first: the first stands after the second, and carries its words.
    await changed([first, { ...second, content: "the pelican sleeps" }, ...rest]);
    expect(await find("pelican", EVERYBODY, 1)).toEqual([second.id]);
    const { searched } = await setup.indexes.open(GUILD);
    const index = searched[1]?.index;
    const textOf = async (id: string) => (await index?.rows([id]))?.[0]?.searchText;
    expect(await textOf(first.id)).toContain("pelican");
    await setup.live.messageSaved(GUILD, edited(second, "the ibis sleeps"), where);
    await setup.live.idle();
    expect(await textOf(second.id)).toBeUndefined();
    expect(await textOf(first.id)).not.toContain("pelican");
    expect((await find("ibis"))[0]).toBe(second.id);
    await setup.live.messagesDeleted(GUILD, [first.id]);
    await setup.live.idle();
    expect(await textOf(first.id)).toBeUndefined();
    expect(await find("message")).not.toContain(first.id);
  });

  it("purges them from the former index also while the present model is down", async () => {
    const [first, second, ...rest] = history(12).map((record) => ({
      ...record,
      channelId: "10",
      accessChannelId: "10",
    }));
    if (first === undefined || second === undefined) throw new Error("too few");
    await changed([first, { ...second, content: "the pelican sleeps" }, ...rest]);
    present.breakDown();
    await setup.live.messageSaved(GUILD, message(hoursAgo(0), "anything"), where);
    await setup.live.messageSaved(GUILD, edited(second, "the ibis sleeps"), where);
    await until(async () => {
      const { searched } = await setup.indexes.open(GUILD);
      const rows = await searched[1]?.index.rows([first.id, second.id]);
      return rows?.length === 1 && !rows[0]?.searchText.includes("pelican");
    }, "the pelican is gone");
  });

  it("shows nobody from the former index what the present one no longer lets them read", async () => {
    const records = history(6);
    await changed(records);
    const [moved] = records;
    if (moved === undefined) throw new Error("too few");
    // By whatever way it came there: the present index says that it is in the cellar now.
    const { index } = await setup.indexes.open(GUILD);
    const [vector = new Float32Array(8)] = await present.embedder.embed([moved.content], "document");
    await index.write(
      [
        {
          id: moved.id,
          chunk: 0,
          kind: "message",
          channelId: "66",
          accessChannelId: "66",
          authorId: "20",
          createdAt: 0,
          contentHash: "other",
          tags: [],
          authorName: "Ada",
          text: moved.content,
          searchText: moved.content,
          ngrams: "",
          vector,
        },
      ],
      { fresh: true },
    );
    const search = searchOf(setup, [former]);
    const ids = async (request: Parameters<typeof search.search>[0]) =>
      (await search.search(request)).hits.map(({ row }) => row.id);
    const base = { guildId: GUILD, filter: EVERYBODY, limit: 100, offset: 0 };
    expect(await ids({ ...base, text: moved.content })).not.toContain(moved.id);
    expect(await ids({ ...base, text: "" })).not.toContain(moved.id);
    expect(await ids({ ...base, text: "", filter: { accessChannelIds: ["66"] } })).toEqual([moved.id]);
    expect(await ids({ ...base, text: "before:2100-01-01" })).toHaveLength(5);
  });

  it("answers by words alone where the former model is gone, and puts what is found by either together", async () => {
    const records = history(40);
    await changed(records);
    const newest = records.slice(0, 20);
    await setup.archive.markPending(
      GUILD,
      "message",
      newest.map(({ id }) => id),
    );
    setup.live.kick(GUILD);
    await setup.live.idle();
    former.breakDown();
    // Whoever stands after a message carries its words, too.
    for (const { id, content } of records) expect((await find(content)).slice(0, 3)).toContain(id);
  });

  it("goes back to the former index, and takes what is newer from the present one, also after a restart", async () => {
    const records = history(10);
    await changed(records);
    await setup.start();
    await setup.settled();
    const late = message(hoursAgo(0), "a walrus in the harbour");
    await setup.live.messageSaved(GUILD, late, where);
    await setup.live.idle();
    expect((await setup.engine.rollbackIndex(GUILD, "Ada")).space.modelId).toBe("former");
    for (const _ of ["at once", "after a restart"]) {
      expect(await statuses()).toEqual(["former current", "present building"]);
      const asked = former.queries();
      expect(new Set(await find("message about the harbour walrus"))).toEqual(
        new Set([late.id, ...records.map(({ id }) => id)]),
      );
      expect(former.queries()).toBeGreaterThan(asked);
      await restart(present);
      await setup.considered();
    }
    // A backfill makes the present one take over again.
    await setup.start();
    await until(async () => (await statuses())[0] === "present current", "the present one is back");
  });

  it("finds the former index again under the former settings, complete but for the difference", async () => {
    const records = history(10);
    await changed(records);
    await setup.start();
    await setup.settled();
    const late = message(hoursAgo(0), "a walrus in the harbour");
    await setup.live.messageSaved(GUILD, late, where);
    await setup.live.messagesDeleted(GUILD, [records[3]?.id ?? ""]);
    await setup.live.idle();
    await restart(former);
    expect(await statuses()).toEqual(["former building", "present current"]);
    // The late one, and the one that had carried the words of the deleted one.
    expect(await setup.engine.analyze(GUILD)).toMatchObject({ records: 10, embedded: 8, missing: 2, orphaned: 0 });
    await setup.start();
    await setup.settled();
    expect(await statuses()).toEqual(["former current", "present retired"]);
    expect(await setup.rows()).toHaveProperty("size", 10);
  });

  it("is told and asked once in the admin channel, with what it takes", async () => {
    await changed(history(12));
    await setup.considered();
    const [asked, ...others] = setup.posts.filter(({ kind }) => kind === "generation-change");
    expect(others).toEqual([]);
    expect(asked).toMatchObject({
      change: { isSameModel: false },
      analysis: { missing: 12, modelId: "present", estimatedMs: expect.any(Number) },
    });
    await restart(present);
    await setup.considered();
    expect(setup.posts).toEqual([]);
    expect((await setup.engine.status(GUILD)).change).toBeDefined();
    expect((await setup.engine.analyze(GUILD)).change).toBeDefined();
  });

  it.each([
    { reindexByItself: true, expected: ["present current", "present retired"] },
    { reindexByItself: false, expected: ["present building", "present current"] },
  ])("begins by itself for other texts of the same built-in model: %j", async ({ reindexByItself, expected }) => {
    former = testModel("present", 8, { kind: "built-in" });
    present = former;
    setup = await openSetup({ embedder: former.embedder, textRecipe: { ...textRecipe, links: false } });
    await setup.archive.saveChannels(
      GUILD,
      ["10", "11", "12"].map((id) => channel(id)),
    );
    await setup.archive.save(GUILD, history(12), { pending: false });
    await setup.start();
    await setup.settled();
    await restart(present, { reindexByItself });
    await setup.impatiently(async () => {
      await setup.considered();
      await setup.engine.done(GUILD);
    });
    expect(await statuses()).toEqual(expected);
    expect(setup.posts.some(({ kind }) => kind === "generation-change")).toBe(!reindexByItself);
    expect(await find("message")).toHaveLength(12);
  });

  it("keeps the former index where the present model refuses much", async () => {
    await changed(history(20));
    await setup.opened.quarantine.add(
      GUILD,
      (await setup.archive.page(GUILD, "message", { newestId: hoursAgo(0), oldestId: hoursAgo(100) }, 5)).records.map(
        ({ record, contentHash }) => ({
          kind: "message",
          id: record.id,
          contentHash,
          reason: "refused",
          attempts: 3,
          at: 0,
        }),
      ),
    );
    await setup.start();
    await setup.settled();
    expect(await statuses()).toEqual(["present building", "former current"]);
    expect(await find("message")).toHaveLength(20);
  });
});
