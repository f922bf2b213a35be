// Live indexing over real stores: archived first, searchable soon, and nothing lost whatever happens in between.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { GuildIndex } from "../../../src/indexing/guild-index/guild-indexes.ts";
import type { IndexWriter } from "../../../src/indexing/guild-index/writer.ts";
import { rewriteContextUnmarked } from "../../../src/indexing/live/rewrite-context.ts";
import type { ArchivedRecord } from "../../../src/ports/records.ts";
import type { Snowflake } from "../../../src/snowflake.ts";
import { channel, GUILD, hoursAgo, message, openSetup, type Setup, until } from "../../support/engine.ts";

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ forgetOnLeave: true });
});
afterEach(async () => {
  await setup.close();
});

const id = (n: number) => hoursAgo(100 - n);
const hear = (record: ArchivedRecord) => setup.live.messageSaved(GUILD, record, channel(record.channelId));
const say = (n: number, content: string, given: Partial<ArchivedRecord> = {}) => hear(message(id(n), content, given));
const rowsOf = async (...ids: Snowflake[]) => (await setup.indexes.open(GUILD)).index.rows(ids);
const texts = async (...ids: Snowflake[]) => (await rowsOf(...ids)).map(({ text }) => text);

async function settled(): Promise<void> {
  await setup.live.idle();
  expect(await setup.archive.pending(GUILD, 10)).toEqual([]);
}

describe("rows rewritten for a neighbour's words", () => {
  beforeEach(async () => {
    await say(1, "the kettle whistles");
    await say(2, "and then it boils");
    await settled();
  });

  const writingBy = (guild: GuildIndex, write: IndexWriter["write"]): GuildIndex => ({
    ...guild,
    writer: { ...guild.writer, write },
  });

  test("come back when the process is killed between removing and adding them", async () => {
    const guild = await setup.indexes.open(GUILD);
    const killed = writingBy(guild, async (rows) => {
      await guild.index.removeIds(rows.map((row) => row.id));
      throw new Error("killed");
    });
    await expect(rewriteContextUnmarked(setup.archive, GUILD, killed, [id(2)])).rejects.toThrow("killed");
    expect(await rowsOf(id(2))).toEqual([]);
    setup.live.kick(GUILD);
    await settled();
    expect(await texts(id(2))).toEqual(["and then it boils"]);
  });

  test("are not marked any more afterwards, unless they were edited meanwhile", async () => {
    const guild = await setup.indexes.open(GUILD);
    await rewriteContextUnmarked(setup.archive, GUILD, guild, [id(2)]);
    expect(await setup.archive.pending(GUILD, 10)).toEqual([]);
    expect(await texts(id(2))).toEqual(["and then it boils"]);
    const editing = writingBy(guild, async (rows, options) => {
      const edited = message(id(2), "and then it sings", { editedAt: Date.now() });
      await setup.archive.save(GUILD, [edited], { pending: true });
      return await guild.writer.write(rows, options);
    });
    await rewriteContextUnmarked(setup.archive, GUILD, editing, [id(2)]);
    expect((await setup.archive.pending(GUILD, 10)).map((mark) => mark.id)).toEqual([id(2)]);
    setup.live.kick(GUILD);
    await settled();
    expect(await texts(id(2))).toEqual(["and then it sings"]);
  });
});

describe("a message", () => {
  test("is in the archive, with its mark, when the event is done, and then searchable", async () => {
    setup.server?.misbehave({ status: 503 }, { times: 1 });
    await say(1, "the kettle whistles");
    expect((await setup.archive.get(GUILD, "message", [id(1)])).size).toBe(1);
    expect(await setup.live.pending(GUILD)).toBe(1);
    await until(async () => (await setup.live.pending(GUILD)) === 0, "it is indexed");
    expect(await setup.matching("kettle")).toEqual([id(1)]);
    expect(await setup.find(GUILD, "kettle", 1)).toEqual([id(1)]);
  });

  test("that is new is appended, whatever its index holds; edited, or taken up after a crash, it is rewritten", async () => {
    await say(1, "the kettle whistles");
    await settled();
    const { index } = await setup.indexes.open(GUILD);
    const { write } = index;
    const written: string[] = [];
    index.write = async (rows, options) => {
      for (const row of rows) written.push(`${options.fresh ? "append" : "rewrite"} ${row.text}`);
      await write(rows, options);
    };
    await say(2, "and then it boils");
    await settled();
    await say(2, "and then it sings", { editedAt: Date.now() });
    await settled();
    // One that is heard late: newer ones have rows.
    await say(0, "the kettle is filled");
    await settled();
    const expected = ["append and then it boils", "rewrite and then it sings", "rewrite the kettle is filled"];
    expect(written).toEqual(expected);

    // Appended, and killed before its mark was cleared.
    const { clearPending } = setup.archive;
    setup.archive.clearPending = async () => {
      throw new Error("killed");
    };
    await say(3, "and is taken off");
    await until(async () => written.includes("append and is taken off"), "it is appended");
    await setup.stop();
    setup.archive.clearPending = clearPending;
    setup = await openSetup({ folder: setup.folder });
    setup.live.kick(GUILD);
    await settled();
    expect(await texts(id(0), id(1), id(2), id(3))).toEqual([
      "the kettle is filled",
      "the kettle whistles",
      "and then it sings",
      "and is taken off",
    ]);
  });

  test("that is edited is embedded anew, and its old words are gone", async () => {
    await say(1, "the kettle whistles");
    await settled();
    await say(1, "the violin weeps", { editedAt: Date.now() });
    await settled();
    expect(await texts(id(1))).toEqual(["the violin weeps"]);
    expect(await setup.matching("kettle")).toEqual([]);
  });

  test("heard twice is embedded once", async () => {
    await say(1, "the kettle whistles");
    await settled();
    const requests = setup.server?.requests.length;
    await say(1, "the kettle whistles");
    await settled();
    expect(setup.server?.requests.length).toBe(requests);
  });

  test("edited to nothing loses its rows", async () => {
    await say(1, "the kettle whistles");
    await settled();
    await say(1, "");
    await settled();
    expect(await rowsOf(id(1))).toEqual([]);
  });

  test("that is deleted is gone from both stores, alone or among many, and a deletion of the unknown does nothing", async () => {
    for (let n = 1; n <= 5; n += 1) await say(n, `message ${n}`);
    await settled();
    await setup.live.messagesDeleted(GUILD, [id(1)]);
    await setup.live.messagesDeleted(GUILD, [id(2), id(3), id(77)]);
    await settled();
    expect(await texts(id(1), id(2), id(3), id(4), id(5))).toEqual(["message 4", "message 5"]);
    expect([...(await setup.archive.get(GUILD, "message", [1, 2, 3, 4, 5].map(id))).keys()]).toEqual([id(4), id(5)]);
  });

  test("deleted while it is being embedded stays deleted", async () => {
    const sent = setup.server?.requests.length ?? 0;
    await say(1, "a slip of the tongue");
    await until(() => (setup.server?.requests.length ?? 0) > sent, "it is at the embedder");
    await setup.live.messagesDeleted(GUILD, [id(1)]);
    await settled();
    expect(await rowsOf(id(1))).toEqual([]);
  });

  test("is not asked of one who does not own the guild, and is taken up when it does", async () => {
    await setup.ownership.release(GUILD);
    await say(1, "the kettle whistles");
    await setup.live.idle();
    expect(await setup.live.pending(GUILD)).toBe(1);
    await setup.ownership.claim(GUILD);
    setup.live.kick(GUILD);
    await settled();
    expect(await texts(id(1))).toEqual(["the kettle whistles"]);
  });
});

describe("a neighbour", () => {
  beforeEach(async () => {
    await say(1, "the password is swordfish");
    await say(2, "thank you");
    await settled();
  });

  test("lends its words to the full text of the next message", async () => {
    expect(await setup.matching("swordfish")).toEqual(expect.arrayContaining([id(1), id(2)]));
    expect((await rowsOf(id(2)))[0]?.contextId).toBe(id(1));
  });

  test("that is edited takes them out again", async () => {
    await say(1, "the password is secret", { editedAt: 1 });
    await settled();
    expect(await setup.matching("swordfish")).toEqual([]);
    expect((await rowsOf(id(2)))[0]?.searchText).toBe("the password is secret\u2028Ada: \u2029thank you");
  });

  test("that is deleted takes them out again, and the message before it steps in", async () => {
    await say(0, "good morning");
    await setup.live.messagesDeleted(GUILD, [id(1)]);
    await settled();
    expect(await setup.matching("swordfish")).toEqual([]);
    expect((await rowsOf(id(2)))[0]?.searchText).toBe("good morning\u2028Ada: \u2029thank you");
  });
});

describe("the message that a reply answers", () => {
  beforeEach(async () => {
    await say(1, "where is the swordfish");
    await say(2, "something else");
    await say(3, "in the freezer", { replyToId: id(1) });
    await settled();
  });

  test("lends it its words instead of the message before", async () => {
    expect((await rowsOf(id(3)))[0]).toMatchObject({
      contextId: id(1),
      searchText: "where is the swordfish\u2028Ada: \u2029in the freezer",
    });
  });

  test("takes them along when it is edited or deleted", async () => {
    await say(1, "where is the kettle", { editedAt: 1 });
    await settled();
    expect(await setup.matching("swordfish")).toEqual([]);
    expect(await setup.matching("kettle")).toEqual(expect.arrayContaining([id(1), id(3)]));
    await setup.live.messagesDeleted(GUILD, [id(1)]);
    await settled();
    expect(await setup.matching("kettle")).toEqual([]);
    expect((await rowsOf(id(3)))[0]?.searchText).toBe("something else\u2028Ada: \u2029in the freezer");
  });
});

test("a forum post's first message is found by its title, by the new one once the post is renamed", async () => {
  const thread = (name: string) =>
    channel(id(1), { name, type: "public-thread", accessChannelId: "10", parentId: "10" });
  const post = message(id(1), "see above", { channelId: id(1), accessChannelId: "10" });
  await setup.live.messageSaved(GUILD, post, thread("Which kettle?"));
  await settled();
  expect(await setup.matching("kettle")).toEqual([id(1)]);
  const [named] = await rowsOf(id(1));
  await setup.live.channelSaved(GUILD, thread("Which teapot?"));
  await settled();
  expect(await setup.matching("kettle")).toEqual([]);
  expect(await setup.matching("teapot")).toEqual([id(1)]);
  expect((await rowsOf(id(1)))[0]?.vector).not.toEqual(named?.vector);
  expect(await texts(id(1))).toEqual(["see above"]);
});

describe("words of a message that is gone", () => {
  const contextOf = async (n: number) => (await rowsOf(id(n)))[0]?.searchText;

  test("leave the rows of others when all messages of their author are removed", async () => {
    await say(1, "the password is swordfish", { authorId: "66" });
    await say(2, "thank you");
    await say(3, "you are welcome", { authorId: "66" });
    await settled();
    await setup.archive.beginRemoval(GUILD, { by: "author", id: "66" });
    setup.live.kick(GUILD);
    await settled();
    expect(await setup.matching("swordfish")).toEqual([]);
    expect(await contextOf(2)).toBe("Ada: \u2029thank you");
    expect((await setup.rows()).size).toBe(1);
  });

  test("leave the rows of others when many are deleted at once, each in its channel", async () => {
    for (const channelId of ["10", "11"]) {
      for (let n = 0; n < 6; n += 1) {
        const about = `word${channelId}x${n}`;
        await hear(message(hoursAgo(90 - n, Number(channelId)), about, { channelId }));
      }
    }
    await settled();
    const deleted = [1, 2, 4].map((n) => hoursAgo(90 - n, 10));
    await setup.live.messagesDeleted(GUILD, deleted);
    await settled();
    for (const n of [1, 2, 4]) expect(await setup.matching(`word10x${n}`)).toEqual([]);
    expect(await setup.matching("word11x1")).toHaveLength(2);
    expect((await rowsOf(hoursAgo(87, 10)))[0]?.contextId).toBe(hoursAgo(90, 10));
  });

  test("leave the rows of others at once, with the vectors these have, while the embedder is down", async () => {
    await say(1, "the password is swordfish");
    await say(2, "thank you");
    await hear(message(id(3), "in a channel to be deleted", { channelId: "11" }));
    await settled();
    const [before] = await rowsOf(id(2));
    setup.server?.misbehave({ status: 503 });
    await say(9, "somebody else");
    await until(() => setup.breaker.state() !== undefined, "the breaker opens");
    await setup.live.messagesDeleted(GUILD, [id(1)]);
    await setup.live.channelDeleted(GUILD, "11");
    expect(await setup.matching("swordfish")).toEqual([]);
    const [row] = await rowsOf(id(2));
    expect(row).toEqual({ ...before, contextId: undefined, searchText: "Ada: \u2029thank you" });
    expect(await rowsOf(id(1), id(3))).toEqual([]);
  });

  test("cost no embedding in the rows of others", async () => {
    await say(1, "the password is swordfish");
    await say(2, "thank you");
    await settled();
    const requests = setup.server?.requests.length;
    await setup.live.messagesDeleted(GUILD, [id(1)]);
    await settled();
    expect(await contextOf(2)).toBe("Ada: \u2029thank you");
    expect(setup.server?.requests.length).toBe(requests);
  });

  test("leave the rows of others when a backfill finds it edited, or gone, without a mark", async () => {
    for (const n of [1, 2, 3, 4]) await say(n, `secret${n} of the day`);
    await settled();
    // As an import of a corrected export does, or a removal whose marks were lost.
    await setup.archive.save(GUILD, [message(id(1), "nothing to see")], { pending: false });
    await setup.archive.remove(GUILD, "message", [id(3)]);
    await setup.archive.clearPending(GUILD, await setup.archive.pending(GUILD, 10));
    await setup.start();
    expect((await setup.settled()).status).toBe("succeeded");
    await settled();
    expect(await setup.matching("secret1")).toEqual([]);
    expect(await setup.matching("secret3")).toEqual([]);
    expect(await contextOf(2)).toBe("nothing to see\u2028Ada: \u2029secret2 of the day");
    expect(await contextOf(4)).toBe("secret2 of the day\u2028Ada: \u2029secret4 of the day");
  });

  test("leave the rows of others when a collection from Discord finds it edited or deleted", async () => {
    for (const n of [1, 2, 3, 4]) await say(n, `secret${n} of the day`);
    await settled();
    setup.world.channels = [channel("10")];
    setup.world.onDiscord.set("10", [
      message(id(4), "secret4 of the day"),
      message(id(2), "secret2 of the day"),
      message(id(1), "nothing to see", { editedAt: Date.now() }),
    ]);
    await setup.start({ source: "discord" });
    expect((await setup.settled()).status).toBe("succeeded");
    await settled();
    expect(await setup.matching("secret1")).toEqual([]);
    expect(await setup.matching("secret3")).toEqual([]);
    expect(await contextOf(2)).toBe("nothing to see\u2028Ada: \u2029secret2 of the day");
    expect(await contextOf(4)).toBe("secret2 of the day\u2028Ada: \u2029secret4 of the day");
  });
});

describe("a channel made private", () => {
  test("keeps its words to itself: what a row carries of another message is from the same channel or thread", async () => {
    for (let n = 1; n <= 8; n += 1) {
      const channelId = n % 2 === 0 ? "10" : "11";
      await hear(message(id(n), `word${n}`, { channelId, accessChannelId: n % 4 === 0 ? "9" : channelId }));
    }
    await settled();
    for (const row of (await setup.rows()).values() as Iterable<{
      id: string;
      contextId?: string;
      channelId: string;
    }>) {
      if (row.contextId === undefined) continue;
      const [context] = await rowsOf(row.contextId);
      expect(context?.channelId).toBe(row.channelId);
    }
  });
});

describe("many at once", () => {
  test("more marks than are taken at a time are all brought in order, with contexts right", async () => {
    const records = Array.from({ length: 450 }, (_, n) =>
      message(hoursAgo(500 - n), `number ${n} ${"and so on ".repeat(n % 5)}`),
    );
    await setup.archive.save(GUILD, records, { pending: true });
    setup.live.kick(GUILD);
    await settled();
    const rows = await rowsOf(...records.map((each) => each.id));
    expect(rows).toHaveLength(450);
    expect(rows.every((row, n) => row.contextId === records[n - 1]?.id)).toBe(true);
  });

  test("rewriting them in many small requests does not set off the rest of the channel", async () => {
    await setup.close();
    setup = await openSetup({ textsPerRequest: 4 });
    const records = Array.from({ length: 120 }, (_, n) =>
      message(hoursAgo(500 - n), `number ${n} ${"and so on ".repeat((n * 7) % 5)}`),
    );
    await setup.archive.save(GUILD, records, { pending: true });
    setup.live.kick(GUILD);
    await settled();
    const texts = setup.server?.requests.reduce((sum, { texts }) => sum + texts, 0);
    // And the canary: twice to learn its vector, and once along with the others.
    expect(texts).toBe(120 + 3);
  });
});

describe("a channel", () => {
  test("that is deleted takes its threads along, and leaves the others", async () => {
    await setup.archive.saveChannels(GUILD, [
      channel("10"),
      channel("11"),
      channel("12", { parentId: "10", type: "public-thread", accessChannelId: "10" }),
    ]);
    await say(1, "in the channel", { channelId: "10" });
    await setup.live.messageSaved(
      GUILD,
      message(id(2), "in its thread", { channelId: "12", accessChannelId: "10" }),
      channel("12", { parentId: "10", type: "public-thread", accessChannelId: "10" }),
    );
    await say(3, "elsewhere", { channelId: "11" });
    await settled();
    await setup.live.channelDeleted(GUILD, "10");
    await settled();
    expect(await texts(id(1), id(2), id(3))).toEqual(["elsewhere"]);
    expect([...(await setup.archive.get(GUILD, "message", [id(1), id(2), id(3)])).keys()]).toEqual([id(3)]);
    expect((await setup.archive.channels(GUILD)).map((each) => each.id)).toEqual(["11"]);
  });

  test("whose removal was cut off by a crash is removed at the next start", async () => {
    await say(1, "in the channel");
    await settled();
    await setup.archive.beginRemoval(GUILD, { by: "channel", id: "10" });
    setup.live.kick(GUILD);
    await settled();
    expect(await rowsOf(id(1))).toEqual([]);
    expect(await setup.archive.unfinishedRemovals(GUILD)).toEqual([]);
  });
});

test("a guild that is left is forgotten where that is set", async () => {
  await say(1, "farewell");
  await settled();
  await setup.live.guildLeft(GUILD);
  await setup.live.idle();
  expect(await rowsOf(id(1))).toEqual([]);
  expect((await setup.archive.get(GUILD, "message", [id(1)])).size).toBe(0);
});

describe("an embedder that is down", () => {
  test("loses nothing: everything is indexed when it is back, by itself", async () => {
    const restore = setup.server?.misbehave({ status: 503 });
    for (let n = 1; n <= 5; n += 1) await say(n, `message ${n}`);
    await until(() => setup.breaker.state() !== undefined, "the breaker opens");
    expect(await setup.live.pending(GUILD)).toBe(5);
    restore?.();
    setup.clock.skip(2_000);
    await until(async () => (await setup.live.pending(GUILD)) === 0, "all is indexed");
    expect(await texts(...[1, 2, 3, 4, 5].map(id))).toHaveLength(5);
    expect(await setup.engine.failures(GUILD, 10)).toEqual([]);
  });

  test("does not keep what was deleted meanwhile searchable", async () => {
    await say(1, "a slip of the tongue");
    await settled();
    setup.server?.misbehave({ status: 503 });
    await say(2, "somebody else");
    await until(() => setup.breaker.state() !== undefined, "the breaker opens");
    await setup.live.messagesDeleted(GUILD, [id(1)]);
    expect(await rowsOf(id(1))).toEqual([]);
  });

  describe("leaves nothing to be found of what was edited away", () => {
    beforeEach(async () => {
      await say(1, "the password is swordfish");
      await say(2, "thank you");
      await settled();
    });
    const edit = () => say(1, "nothing to see", { editedAt: 1 });
    const isPurged = async () => (await setup.matching("swordfish")).length === 0 && (await rowsOf(id(1))).length === 0;
    async function findsNewWords(): Promise<void> {
      await until(async () => (await setup.live.pending(GUILD)) === 0, "all is indexed", 30_000);
      expect(await texts(id(1))).toEqual(["nothing to see"]);
      expect((await rowsOf(id(2)))[0]?.searchText).toBe("nothing to see\u2028Ada: \u2029thank you");
    }

    test("when it is known to be down, and has the new words when it is back", async () => {
      const restore = setup.server?.misbehave({ status: 503 });
      await say(9, "somebody else");
      await until(() => setup.breaker.state() !== undefined, "the breaker opens");
      await edit();
      expect(await isPurged()).toBe(true);
      restore?.();
      await setup.impatiently(findsNewWords);
    });

    test("when it turns out to be down by that edit", async () => {
      const restore = setup.server?.misbehave({ status: 503 });
      await edit();
      await until(isPurged, "it is purged");
      expect(setup.breaker.state()).toBeDefined();
      restore?.();
      await setup.impatiently(findsNewWords);
    });

    test("when an answer never comes", async () => {
      setup.server?.misbehave("hang");
      const sent = setup.server?.requests.length ?? 0;
      await say(9, "somebody else");
      await until(() => (setup.server?.requests.length ?? 0) > sent, "it is at the embedder");
      await edit();
      expect(await isPurged()).toBe(true);
    });

    test("before this process owned the guild", async () => {
      await setup.ownership.release(GUILD);
      await edit();
      expect(await isPurged()).toBe(false);
      const restore = setup.server?.misbehave({ status: 503 });
      await setup.ownership.claim(GUILD);
      await until(isPurged, "it is purged");
      restore?.();
      await setup.impatiently(findsNewWords);
    });
  });

  test("does not keep a note that was removed meanwhile", async () => {
    const note: ArchivedRecord = { ...message(id(1), "my secret recipe"), kind: "note", visibility: "private" };
    await setup.archive.save(GUILD, [note], { pending: true });
    await setup.live.changed(GUILD, [note.id]);
    await settled();
    expect(await texts(id(1))).toEqual(["my secret recipe"]);
    setup.server?.misbehave({ status: 503 });
    await say(9, "somebody else");
    await until(() => setup.breaker.state() !== undefined, "the breaker opens");
    await setup.archive.remove(GUILD, "note", [note.id]);
    await setup.live.changed(GUILD, [note.id]);
    expect(await rowsOf(id(1))).toEqual([]);
  });

  test("that refuses everything, even a harmless text, is down: no message is blamed", async () => {
    const restore = setup.server?.misbehave({ status: 400, says: "computer says no" });
    await say(1, "the kettle whistles");
    await until(() => setup.breaker.state() !== undefined, "the breaker opens");
    const requests = setup.server?.requests.length ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((setup.server?.requests.length ?? 0) - requests).toBeLessThan(5);
    restore?.();
    setup.clock.skip(5_000);
    await until(async () => (await setup.live.pending(GUILD)) === 0, "it is indexed");
    expect(await setup.engine.failures(GUILD, 10)).toEqual([]);
  });
});

describe("a text that is refused", () => {
  const poison = { status: 400, says: { error: { message: "I do not like this text" } } };
  const isPoison = (all: readonly string[]) => all.some((each) => each.includes("poison"));

  test("is set aside with its reason, and does not hold up the others", async () => {
    setup.server?.misbehave(poison, { when: isPoison });
    const records = [message(id(1), "before"), message(id(2), "a poison"), message(id(3), "after")];
    await setup.archive.save(GUILD, records, { pending: true });
    setup.live.kick(GUILD);
    await settled();
    expect(await texts(id(1), id(2), id(3))).toEqual(["before", "after"]);
    expect(await setup.engine.failures(GUILD, 10)).toMatchObject([
      { id: id(2), channelId: "10", attempts: 1, reason: expect.stringContaining("I do not like this text") },
    ]);
  });

  test("is not tried again before minutes have passed, however often it is marked", async () => {
    setup.server?.misbehave(poison, { when: isPoison });
    await say(1, "a poison");
    await settled();
    const asked = setup.server?.requests.length;
    await setup.archive.markPending(GUILD, "message", [id(1)]);
    setup.live.kick(GUILD);
    await settled();
    expect(setup.server?.requests.length).toBe(asked);
    expect(await setup.engine.failures(GUILD, 10)).toMatchObject([{ id: id(1), attempts: 1 }]);
  });

  test("gets another chance when it is edited, and by retry", async () => {
    const restore = setup.server?.misbehave(poison, { when: isPoison });
    await say(1, "a poison");
    await say(2, "another poison");
    await settled();
    await say(1, "an antidote", { editedAt: 1 });
    await settled();
    expect((await setup.engine.failures(GUILD, 10)).map((entry) => entry.id)).toEqual([id(2)]);
    restore?.();
    expect(await setup.engine.retry(GUILD)).toBe(1);
    await settled();
    expect(await texts(id(1), id(2))).toEqual(["an antidote", "another poison"]);
    expect(await setup.engine.failures(GUILD, 10)).toEqual([]);
  });

  test("that is retried and refused again stays on the list", async () => {
    setup.server?.misbehave(poison, { when: isPoison });
    for (let n = 1; n <= 30; n += 1) await say(n, `poison ${n}`);
    await settled();
    expect(await setup.engine.retry(GUILD)).toBe(30);
    await settled();
    expect(await setup.engine.failures(GUILD, 100)).toHaveLength(30);
  });

  test("an edit that is refused takes the old rows away", async () => {
    setup.server?.misbehave(poison, { when: isPoison });
    await say(1, "harmless");
    await settled();
    await say(1, "now a poison", { editedAt: 1 });
    await settled();
    expect(await rowsOf(id(1))).toEqual([]);
  });
});

test("a process that waits sees what the one before it has indexed, and writes nothing a second time", async () => {
  const waiting = await openSetup({ folder: setup.folder, claim: false, holder: "waiting" });
  await waiting.indexes.open(GUILD);
  for (let n = 1; n <= 3; n += 1) await say(n, `message ${n}`);
  await settled();
  const before = await setup.rows();
  expect(await waiting.rows()).toEqual(before);
  await setup.live.messagesDeleted(GUILD, [id(3)]);
  await say(3, "message 3");
  await settled();
  await setup.stop();
  setup = waiting;
  await setup.ownership.claim(GUILD);
  expect(await setup.rows()).toEqual(before);
  await say(2, "message 2, edited");
  await settled();
  expect(await setup.engine.verify(GUILD)).toMatchObject({ embedded: 3, missing: 0, stale: 0, duplicates: 0 });
  expect(await texts(id(1), id(2), id(3))).toEqual(["message 1", "message 2, edited", "message 3"]);
});

test("rows that may have been written by two processes are written anew by the owner", async () => {
  await say(1, "the kettle whistles");
  await settled();
  const { index, writer } = await setup.indexes.open(GUILD);
  const [row] = await rowsOf(id(1));
  if (row === undefined) throw new Error("no row");
  // Frozen in the middle of a commit for longer than its lease lasts, this process wakes up after another has written the row.
  const { write } = index;
  index.write = async (...given) => {
    await write(...given);
    index.write = write;
    setup.clock.skip(60_000);
  };
  const ticket = writer.ticket();
  await expect(writer.write([row], { ticket, fresh: true, isRun: false })).rejects.toThrow("does not own");
  ticket.release();
  expect(await rowsOf(id(1))).toHaveLength(2);
  await until(async () => (await rowsOf(id(1))).length === 1, "it is there once");
});

test("what a process archived but did not index before it died is indexed by the next one", async () => {
  await setup.ownership.release(GUILD);
  await say(1, "the last words");
  await say(2, "and a deleted one");
  await setup.live.messagesDeleted(GUILD, [id(2)]);
  await setup.stop();
  setup = await openSetup({ folder: setup.folder });
  setup.live.kick(GUILD);
  await settled();
  expect(await texts(id(1), id(2))).toEqual(["the last words"]);
});
