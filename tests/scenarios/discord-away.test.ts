// What happens while the bot is away, or its gateway connection is, is made up for when it is back.

import { type Client, Events, PermissionFlagsBits } from "discord.js";
import { describe, expect, test } from "vitest";
import { DEFAULT_PERMISSIONS } from "../../sandbox/guilds.ts";
import { startBackscroll, type TestBackscroll, textOf, until } from "../support/backscroll.ts";
import { expectStored, writtenIn } from "../support/mirror.ts";

/** The client has no gateway connection until this resolves. */
function nextReady(bot: TestBackscroll, event: Events.ShardReady | Events.ShardResume): Promise<unknown> {
  return new Promise((resolve) => (bot.client as Client).once(event as Events.ShardResume, resolve));
}

/** The bot runs, with a message written in its presence in each of these places. */
async function seeded() {
  const bot = await startBackscroll();
  const { ada, general, publicThread, privateThread, secret } = bot;
  const places = [general, publicThread, privateThread, secret].map(({ id }) => id);
  const ids: string[] = [];
  for (const [at, channelId] of places.entries()) {
    const id = bot.say(ada.id, `seen in place ${at}`, { channelId });
    ids.push(id);
  }
  await until("all are in", async () => {
    const { livePending } = await bot.backscroll.status(bot.guild.id);
    return livePending === 0 && (await bot.found(bot.admin.id, "“seen in place”")).length >= 3;
  });
  return { ...bot, bot, places, ids };
}

describe("while the bot is stopped", () => {
  test("messages written, edited and deleted, one by one and in bulk, are made up for in channels and threads", async () => {
    const { bot, world, ada, ben, admin, guild, general, places } = await seeded();
    const kept = bot.say(ada.id, "hedgehog stays");
    const edited = bot.say(ada.id, "hedgehog before the edit");
    const deleted = bot.say(ada.id, "hedgehog to be deleted");
    const bulk = [1, 2, 3].map((at) => bot.say(ada.id, `hedgehog in bulk ${at}`));
    await bot.untilFound(ada.id, "“hedgehog in bulk 3”", bulk[2] ?? "");

    const written: string[] = [];
    await bot.whileAway(() => {
      world.editMessage(edited, { content: "badger after the edit" });
      world.deleteMessage(deleted);
      world.deleteMessages(general.id, bulk);
      for (const channelId of places) written.push(bot.say(ada.id, `otter in ${channelId}`, { channelId }));
    });

    for (const [at, id] of written.entries()) await bot.untilFound(admin.id, `“otter in ${places[at]}”`, id);
    await bot.untilFound(ben.id, "“badger after the edit”", edited);
    await bot.untilGone(ben.id, "“hedgehog in bulk 3”", bulk[2] ?? "");
    expect(await bot.found(ben.id, "“hedgehog”")).toEqual([kept]);
    await bot.backscroll.idle();
    await until("nothing waits", async () => (await bot.backscroll.status(guild.id)).livePending === 0);
    await bot.backscroll.stop();
    const { archived, indexed, pending } = await bot.stored();
    expect(pending).toBe(0);
    expect(indexed).toEqual(archived);
    expect(archived).toEqual(expect.arrayContaining([kept, edited, ...written]));
    expect(archived).not.toEqual(expect.arrayContaining([deleted]));
  });

  test("hundreds of messages in one channel are all made up for", async () => {
    const { bot, world, ada, general, guild } = await seeded();
    const now = Date.now();
    const ids = Array.from({ length: 450 }, () => world.state.nextId());
    await bot.whileAway(() =>
      world.loadMessages(
        ids.map((id, at) => ({ id, channelId: general.id, authorId: ada.id, content: `flood ${at} of ${now}` })),
      ),
    );
    await bot.untilFound(ada.id, `“flood 449 of ${now}”`, ids.at(-1) ?? "");
    await until("nothing waits", async () => (await bot.backscroll.status(guild.id)).livePending === 0);
    await bot.backscroll.stop();
    const { archived, indexed } = await bot.stored();
    expect(archived).toEqual(expect.arrayContaining(ids));
    expect(indexed).toEqual(archived);
  });

  test("a thread and a channel that are new by then, and one that was silent before, are read too", async () => {
    const { bot, world, ada, guild, general } = await seeded();
    const silent = world.addChannel({ guildId: guild.id, name: "silent" });
    const ids: string[] = [];
    await bot.whileAway(() => {
      const channel = world.addChannel({ guildId: guild.id, name: "brand-new" });
      const thread = world.addThread({ parentId: general.id, name: "new thread" });
      for (const { id: channelId } of [silent, channel, thread]) {
        ids.push(bot.say(ada.id, `weasel in ${channelId}`, { channelId }));
      }
    });
    for (const id of ids) await bot.untilFound(ada.id, "weasel", id);
  });

  test("a thread made while it listened, and still empty then, is read when it is written in, and meanwhile the status says so", async () => {
    const { bot, world, ada, admin, adminChannel, general, faults, guild } = await seeded();
    const { id: threadId } = world.addThread({ parentId: general.id, name: "empty so far" });
    const elsewhere = bot.say(ada.id, "ferret elsewhere");
    await bot.untilFound(ada.id, "“ferret elsewhere”", elsewhere);
    let ids: string[] = [];
    await bot.whileAway(() => {
      faults.fail({ match: /GET .*\/messages/, status: 502, count: Number.POSITIVE_INFINITY });
      ids = [1, 2, 3].map((n) => bot.say(ada.id, `stoat ${n} in the thread`, { channelId: threadId }));
    });
    await until("the gap is seen", async () => (await bot.backscroll.status(guild.id)).gaps?.channels);
    const open = await bot.type(admin.id, "backfill status", {}, adminChannel.id);
    expect(textOf(open)).toMatch(/New messages\n.*still (has|have) a gap/);
    expect(textOf(open)).not.toContain("All of them are searchable");
    faults.clear();
    for (const [at, id] of ids.entries()) await bot.untilFound(ada.id, `“stoat ${at + 1} in the thread”`, id);
    await until("no gap is left", async () => {
      const now = (await bot.backscroll.status(guild.id)).gaps;
      return now?.isKnown === true && now.channels === 0;
    });
    await until("nothing waits", async () => (await bot.backscroll.status(guild.id)).livePending === 0);
    const status = await bot.type(admin.id, "backfill status", {}, adminChannel.id);
    expect(textOf(status)).toContain("All of them are searchable");
  });

  test("a channel and a thread that are gone by then are found no more", async () => {
    const { bot, world, ada, guild, publicThread } = await seeded();
    const doomed = world.addChannel({ guildId: guild.id, name: "doomed" });
    const inChannel = bot.say(ada.id, "pheasant in the channel", { channelId: doomed.id });
    const inThread = bot.say(ada.id, "pheasant in the thread", { channelId: publicThread.id });
    await bot.untilFound(ada.id, "“pheasant in the channel”", inChannel);
    await bot.untilFound(ada.id, "“pheasant in the thread”", inThread);
    await bot.whileAway(() => {
      world.deleteChannel(doomed.id);
      world.deleteChannel(publicThread.id);
    });
    await bot.untilGone(ada.id, "“pheasant in the channel”", inChannel);
    await bot.untilGone(ada.id, "“pheasant in the thread”", inThread);
  });

  test("and Discord answers with errors when it is back, it tries again until it has caught up", async () => {
    const { bot, ada, faults } = await seeded();
    let id = "";
    await bot.whileAway(() => {
      id = bot.say(ada.id, "stork in the storm");
      faults.fail({ match: /GET .*\/messages/, status: 502, count: 3 });
    });
    await bot.untilFound(ada.id, "“stork in the storm”", id);
  });
});

// A backfill and a recheck: more than a busy machine does in the usual time.
describe("messages of long ago, edited and deleted while the bot was away", { timeout: 90_000 }, () => {
  test("are found as they are in the end, their neighbours without their words, and the status says how far it is", async () => {
    const bot = await startBackscroll();
    const { world, admin, ada, general, adminChannel, guild } = bot;
    const year = Date.UTC(2024, 0, 1);
    // Hours apart, so that each is a conversation of its own.
    const ids = Array.from({ length: 520 }, (_, at) => world.state.idAt(year + at * 3_600_000));
    const entries = ids.map((id, at) => ({
      id,
      channelId: general.id,
      authorId: ada.id,
      content: `chapter${at} of old`,
    }));
    world.loadMessages(entries);
    await bot.type(admin.id, "backfill start", { source: "discord", "report-to": adminChannel.id }, adminChannel.id);
    await until("done", async () => (await bot.backscroll.status(guild.id)).run?.status === "succeeded");
    const [edited = "", next = "", deleted = "", after = ""] = [ids[10], ids[11], ids[20], ids[21]];
    await bot.untilFound(ada.id, "chapter20", deleted);
    // Full text also finds a message by the words of the one before it.
    expect(await bot.found(ada.id, "chapter20", { before: "2024-01-03" })).toContain(after);
    await bot.whileAway(() => {
      world.editMessage(edited, { content: "a story told anew" });
      world.deleteMessage(deleted);
    });
    await until("it is under way", async () => (await bot.backscroll.status(guild.id)).rechecking !== undefined);
    const status = await bot.type(admin.id, "backfill status", {}, adminChannel.id);
    expect(textOf(status)).toMatch(/What changed while I was away\n[\d,]+ messages compared with Discord so far/);
    await bot.untilFound(ada.id, "“told anew”", edited);
    await until("it is done", async () => (await bot.backscroll.status(guild.id)).rechecking === undefined);
    await until("nothing waits", async () => (await bot.backscroll.status(guild.id)).livePending === 0);
    for (const [word, id] of [
      ["chapter10", next],
      ["chapter20", after],
    ] as const) {
      const found = await bot.search(ada.id, word);
      expect(found.map(({ messageId }) => messageId)).not.toContain(deleted);
      expect(found.filter(({ messageId }) => messageId === id)).toEqual([]);
    }
    await bot.backscroll.stop();
    await expectStored(bot.dataDir, guild.id, writtenIn(bot, guild.id));
  });
});

describe("a server that the bot is removed from while it is away", () => {
  const removed = async (bot: TestBackscroll) => {
    await until("it is forgotten", () => bot.logged.some(({ event }) => event === "scope:removed"));
    await bot.backscroll.idle();
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [], indexed: [], pending: 0 });
  };
  async function started(forgetOnLeave: boolean) {
    const bot = await startBackscroll({ forgetOnLeave });
    const id = bot.say(bot.ada.id, "the password of the wifi");
    await bot.untilFound(bot.ada.id, "“password of the wifi”", id);
    return { bot, id };
  }

  test("is forgotten when it is back, if it is set to forget", async () => {
    const { bot } = await started(true);
    await bot.whileAway(() => bot.world.removeGuild(bot.guild.id));
    await removed(bot);
  });

  test("is forgotten too when it happens while the gateway is lost, and Discord's client believes to be in it still", async () => {
    const { bot } = await started(true);
    const back = nextReady(bot, Events.ShardReady);
    bot.faults.dropGateway({ resumable: false });
    bot.world.removeGuild(bot.guild.id);
    await back;
    await removed(bot);
  });

  test("is kept if not", async () => {
    const { bot, id } = await started(false);
    await bot.whileAway(() => bot.world.removeGuild(bot.guild.id));
    await bot.backscroll.stop();
    expect((await bot.stored()).archived).toEqual([id]);
  });

  test("is kept when another bot, which was never in it, is started on the same folder", async () => {
    const { bot, id } = await started(true);
    await bot.backscroll.stop();
    const other = await startBackscroll({ forgetOnLeave: true, dataDir: bot.dataDir });
    await until("it says so", () =>
      other.logged.some(({ event, fields: { guildId: kept } }) => event === "guild:kept" && kept === bot.guild.id),
    );
    await other.backscroll.stop();
    expect((await bot.stored()).archived).toEqual([id]);
  });

  test("is not taken for one that is only out of service, at the start and later", async () => {
    const { bot, id } = await started(true);
    const { faults, guild, ada } = bot;
    await bot.backscroll.stop();
    faults.guildOutage(guild.id);
    faults.fail({ match: new RegExp(`^GET /guilds/${guild.id}`), status: 503, count: Number.POSITIVE_INFINITY });
    await bot.client.destroy();
    const other = bot.createClient();
    await other.login(bot.token);
    await bot.attach({}, other);
    await until("it asks", () =>
      bot.logged.some(({ event }) => event === "catch-up:retry" || event === "forget:retry"),
    );
    faults.clear();
    faults.guildBack(guild.id);
    await until("it is back", () => other.guilds.cache.get(guild.id)?.available);
    faults.guildOutage(guild.id);
    await until("it is out again", () => other.guilds.cache.get(guild.id)?.available === false);
    faults.guildBack(guild.id);
    await bot.untilFound(ada.id, "“password of the wifi”", id);
    expect(bot.logged.filter(({ event }) => event === "guild:forgotten" || event === "scope:removed")).toEqual([]);
    await bot.backscroll.stop();
    expect((await bot.stored()).archived).toEqual([id]);
  });
});

describe("where the bot may not look for a while", () => {
  test("a channel's messages of that time are read when it may again, also those before one that it hears", async () => {
    const { bot, world, ada, general } = await seeded();
    const before = bot.say(ada.id, "marten before");
    await bot.untilFound(ada.id, "“marten before”", before);
    world.updateChannel(general.id, { overwrites: [{ id: world.bot.id, deny: PermissionFlagsBits.ViewChannel }] });
    const hidden = bot.say(ada.id, "marten in hiding");
    world.updateChannel(general.id, { overwrites: [] });
    const after = bot.say(ada.id, "marten after");
    await bot.untilFound(ada.id, "“marten after”", after);
    await bot.untilFound(ada.id, "“marten in hiding”", hidden);
  });

  test("a private thread's messages from before it was added to it are read, and those of while it was put out of it", async () => {
    const bot = await startBackscroll({ discord: { botPermissions: DEFAULT_PERMISSIONS } });
    const { world, ada, general } = bot;
    await until(
      "it has looked at the server for the first time",
      async () => (await bot.backscroll.status(bot.guild.id)).gaps?.isKnown,
    );
    const thread = world.addThread({ parentId: general.id, name: "apart", private: true, memberIds: [ada.id] });
    const channelId = thread.id;
    const first = bot.say(ada.id, "lynx alone", { channelId });
    world.addThreadMember(channelId, world.bot.id);
    await bot.untilFound(ada.id, "“lynx alone”", first);
    world.removeThreadMember(channelId, world.bot.id);
    const hidden = bot.say(ada.id, "lynx alone again", { channelId });
    world.addThreadMember(channelId, world.bot.id);
    await bot.untilFound(ada.id, "“lynx alone again”", hidden);
  });
});

describe("while the gateway is dropped", () => {
  for (const resumable of [true, false]) {
    test(`${resumable ? "and resumed" : "and the session is lost"}, messages, edits and deletions are not missed`, async () => {
      const { bot, world, faults, ada, ben, general } = await seeded();
      const edited = bot.say(ada.id, "falcon before the drop");
      const deleted = bot.say(ada.id, "falcon to be deleted");
      await bot.untilFound(ben.id, "“falcon to be deleted”", deleted);
      await bot.untilFound(ben.id, "“falcon before the drop”", edited);
      const back = nextReady(bot, resumable ? Events.ShardResume : Events.ShardReady);
      faults.dropGateway({ resumable });
      world.editMessage(edited, { content: "falcon edited in the dark" });
      world.deleteMessage(deleted);
      const written = Array.from({ length: 30 }, (_, at) => bot.say(ada.id, `sparrow ${at} in the dark`));
      await back;
      const after = bot.say(ada.id, "sparrow in the light");
      await bot.untilFound(ben.id, "“sparrow in the light”", after);
      await bot.untilFound(ben.id, "“sparrow 29 in the dark”", written.at(-1) ?? "");
      await bot.untilFound(ben.id, "“edited in the dark”", edited);
      await bot.untilGone(ben.id, "“falcon to be deleted”", deleted);
      await until("nothing waits", async () => (await bot.backscroll.status(bot.guild.id)).livePending === 0);
      await bot.backscroll.stop();
      const { archived, indexed } = await bot.stored();
      expect(archived).toEqual(expect.arrayContaining([...written, after, edited]));
      expect(archived).not.toContain(deleted);
      expect(indexed).toEqual(archived);
      expect(world.getChannel(general.id).channel.messages.all().length).toBeGreaterThan(30);
    });
  }

  test("again and again while members write, none of their messages is lost", async () => {
    const { bot, faults, ada, publicThread, general } = await seeded();
    const written: string[] = [];
    for (let drop = 0; drop < 3; drop += 1) {
      const resumable = drop % 2 === 0;
      const back = nextReady(bot, resumable ? Events.ShardResume : Events.ShardReady);
      for (const { id: channelId } of [general, publicThread])
        written.push(bot.say(ada.id, `lark before ${drop}`, { channelId }));
      faults.dropGateway({ resumable });
      for (const { id: channelId } of [general, publicThread])
        written.push(bot.say(ada.id, `lark during ${drop}`, { channelId }));
      await back;
      for (const { id: channelId } of [general, publicThread])
        written.push(bot.say(ada.id, `lark after ${drop}`, { channelId }));
    }
    const last = bot.say(ada.id, "lark at last");
    await bot.untilFound(ada.id, "“lark at last”", last);
    for (const id of written) await bot.untilFound(ada.id, id, id);
    await until("caught up", () => bot.logged.filter(({ event }) => event === "catch-up:done").length >= 1);
    await until("nothing waits", async () => (await bot.backscroll.status(bot.guild.id)).livePending === 0);
    await bot.backscroll.stop();
    const { archived, indexed } = await bot.stored();
    expect(archived).toEqual(expect.arrayContaining(written));
    expect(indexed).toEqual(archived);
  });
});
