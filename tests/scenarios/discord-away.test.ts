// What happens while the bot is away, or its gateway connection is, is made up for when it is back.

import { type Client, Events } from "discord.js";
import { describe, expect, test } from "vitest";
import { startBackscroll, type TestBackscroll, until } from "../support/backscroll.ts";

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
    await until("all of them are stored and indexed", async () => {
      await bot.backscroll.idle();
      return (await bot.found(ada.id, "lark", { after: "2000-01-01" })).length >= 5;
    });
    await until("caught up", () => bot.logged.filter(({ event }) => event === "catch-up:done").length >= 1);
    await until("nothing waits", async () => (await bot.backscroll.status(bot.guild.id)).livePending === 0);
    await bot.backscroll.stop();
    const { archived, indexed } = await bot.stored();
    expect(archived).toEqual(expect.arrayContaining(written));
    expect(indexed).toEqual(archived);
  });
});
