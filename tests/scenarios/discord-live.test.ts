// Messages as members write, edit and delete them, found by /search or not, in both stores; on clients that cache nothing.

import { ChannelType, Options } from "discord.js";
import { describe, expect, test } from "vitest";
import { FORGOTTEN_MS, skippingClock, startBackscroll, until } from "../support/backscroll.ts";

/** A host that keeps no message, no thread, no member. */
const NOTHING_CACHED = {
  makeCache: Options.cacheWithLimits({
    MessageManager: 0,
    GuildMessageManager: 0,
    GuildMemberManager: 0,
    UserManager: 0,
    GuildTextThreadManager: 0,
    GuildForumThreadManager: 0,
    ThreadMemberManager: 0,
  }),
};

describe("a message", () => {
  for (const [caches, client] of [
    ["discord.js's own caches", {}],
    ["empty caches and no partials", NOTHING_CACHED],
  ] as const) {
    test(`is found soon after it was written, by its new words after an edit, and not after its deletion, with ${caches}`, async () => {
      const bot = await startBackscroll({ client });
      const { world, ada, ben } = bot;
      const writtenAt = performance.now();
      const id = bot.say(ada.id, "the kettle in the kitchen is broken");
      await bot.untilFound(ben.id, "“the kettle in the kitchen”", id);
      console.log(`      written to found: ${Math.round(performance.now() - writtenAt)} ms`);

      world.editMessage(id, { content: "the toaster upstairs is repaired" });
      await bot.untilFound(ben.id, "“toaster upstairs”", id);
      expect(await bot.found(ben.id, "“the kettle in the kitchen”")).toEqual([]);

      world.deleteMessage(id);
      await bot.untilGone(ben.id, "“toaster upstairs”", id);
      await bot.backscroll.idle();
      await bot.backscroll.stop();
      expect(await bot.stored()).toEqual({ archived: [], indexed: [], pending: 0 });
    });
  }

  test("edited again and again in a row is found by its last words only", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED });
    const { world, ada } = bot;
    const id = bot.say(ada.id, "draft number 0");
    for (let draft = 1; draft <= 20; draft += 1) world.editMessage(id, { content: `draft number ${draft} of it` });
    await bot.untilFound(ada.id, "“number 20 of it”", id);
    await bot.backscroll.idle();
    expect(await bot.found(ada.id, "“number 19 of it”")).toEqual([]);
    expect(await bot.found(ada.id, "“number 0”")).toEqual([]);
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [id], indexed: [id], pending: 0 });
  });

  test("written and deleted at once leaves nothing", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED });
    const { world, ada } = bot;
    for (let count = 0; count < 20; count += 1) world.deleteMessage(bot.say(ada.id, `slip of the tongue ${count}`));
    const last = bot.say(ada.id, "a word that stays");
    await bot.untilFound(ada.id, "“a word that stays”", last);
    await bot.backscroll.idle();
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [last], indexed: [last], pending: 0 });
  });

  test("without text is found by what it carries: a file's name, its description, a poll, an embed, what it forwards", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED });
    const { ada, ben } = bot;
    // Hours apart, so that each is a conversation of its own.
    const on = (at: number) => ({ timestamp: Date.UTC(2024, 4, 1, at) });
    const file = bot.say(ada.id, "", {
      ...on(1),
      attachments: [{ filename: "vacation-in-lisbon.png", description: "a yellow tram" }],
    });
    const poll = bot.say(ada.id, "", {
      ...on(2),
      poll: { question: "Which pizza on Friday?", answers: ["Margherita", "Funghi"] },
    });
    const embed = bot.say(ada.id, "", {
      ...on(3),
      embeds: [{ title: "Release notes", description: "now with dark mode" }],
    });
    const original = bot.say(ada.id, "the spare key is under the flowerpot", on(4));
    await bot.untilFound(ben.id, "“a yellow tram”", file);
    await bot.untilFound(ben.id, "Margherita", poll);
    await bot.untilFound(ben.id, "“dark mode”", embed);
    await bot.untilFound(ben.id, "“under the flowerpot”", original);
    bot.say(ben.id, "", { forward: original });
    await until("the forwarded words are found as a repeat", async () => {
      const [hit] = await bot.search(ben.id, "“under the flowerpot”");
      return hit?.text.includes("1 more that says the same");
    });
  });
});

describe("deleting", () => {
  test("many messages at once takes these from both stores and no others", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED });
    const { world, ada, ben, general } = bot;
    const ids = Array.from({ length: 12 }, (_, at) => bot.say(ada.id, `line ${at} about parrots`));
    const [first = "", last = ""] = [ids[0], ids.at(-1)];
    await bot.untilFound(ben.id, "“line 11 about parrots”", last);
    await bot.untilFound(ben.id, "“line 0 about parrots”", first);
    world.deleteMessages(general.id, ids.slice(0, 11));
    await bot.untilGone(ben.id, "“line 0 about parrots”", first);
    expect(await bot.found(ben.id, "parrots")).toEqual([last]);
    await bot.backscroll.idle();
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [last], indexed: [last], pending: 0 });
  });

  test("a channel takes what was written in it and in its threads, open, private and archived, and nothing else", async () => {
    const clock = skippingClock();
    const bot = await startBackscroll({ client: NOTHING_CACHED, clock });
    const { world, guild, admin, ada } = bot;
    const doomed = world.addChannel({ guildId: guild.id, name: "doomed" });
    const threads = [
      world.addThread({ parentId: doomed.id, name: "open" }),
      world.addThread({ parentId: doomed.id, name: "private", private: true, memberIds: [bot.world.bot.id] }),
      world.addThread({ parentId: doomed.id, name: "archived" }),
    ];
    const places = [doomed, ...threads].map(({ id }) => id);
    const ids = places.map((channelId) => bot.say(admin.id, `words in place ${channelId}`, { channelId }));
    const other = bot.say(ada.id, "words in place of others");
    for (const [at, id] of ids.entries()) {
      await until("it is found", async () => {
        // A private thread is known to searches after a while only.
        clock.skip(FORGOTTEN_MS);
        return (await bot.found(admin.id, `“place ${places[at]}”`)).includes(id);
      });
    }
    world.updateThread(threads[2]?.id ?? "", { archived: true });
    world.deleteChannel(doomed.id);
    for (const [at, id] of ids.entries()) await bot.untilGone(admin.id, `“place ${places[at]}”`, id);
    expect(await bot.found(admin.id, "“words in place”")).toEqual([other]);
    await bot.backscroll.idle();
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [other], indexed: [other], pending: 0 });
  });

  test("a thread leaves its channel's messages", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED });
    const { world, ada, publicThread } = bot;
    const inThread = bot.say(ada.id, "hammock in the thread", { channelId: publicThread.id });
    const inChannel = bot.say(ada.id, "hammock in the channel");
    await bot.untilFound(ada.id, "“hammock in the thread”", inThread);
    await bot.untilFound(ada.id, "“hammock in the channel”", inChannel);
    world.deleteChannel(publicThread.id);
    await bot.untilGone(ada.id, "“hammock in the thread”", inThread);
    expect(await bot.found(ada.id, "hammock")).toEqual([inChannel]);
    await bot.backscroll.idle();
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [inChannel], indexed: [inChannel], pending: 0 });
  });
});

describe("messages from before the bot came", () => {
  test("are edited and deleted like any other once a backfill has brought them in", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED });
    const { world, admin, ada, general, adminChannel, guild } = bot;
    const year = Date.UTC(2024, 0, 1);
    // Hours apart, so that each is a conversation of its own.
    const ids = Array.from({ length: 6 }, (_, at) => world.state.idAt(year + at * 3_600_000));
    const [edited = "", deleted = "", bulk1 = "", bulk2 = "", ...rest] = ids;
    world.loadMessages(
      ids.map((id, at) => ({ id, channelId: general.id, authorId: ada.id, content: `chapter ${at} of old` })),
    );
    await bot.type(admin.id, "backfill start", { source: "discord", "report-to": adminChannel.id }, adminChannel.id);
    await until(
      "the backfill is done",
      async () => (await bot.backscroll.status(guild.id)).run?.status === "succeeded",
    );
    await bot.untilFound(ada.id, "“chapter 0 of old”", edited);

    world.editMessage(edited, { content: "a story told anew" });
    world.deleteMessage(deleted);
    world.deleteMessages(general.id, [bulk1, bulk2]);
    await bot.untilFound(ada.id, "“told anew”", edited);
    await bot.untilGone(ada.id, "“chapter 3 of old”", bulk2);
    expect((await bot.found(ada.id, "“of old”")).sort()).toEqual(rest);
    await bot.backscroll.idle();
    await bot.backscroll.stop();
    const left = [edited, ...rest];
    expect(await bot.stored()).toEqual({ archived: left, indexed: left, pending: 0 });
  });
});

describe("when the bot is removed from a server", () => {
  test("everything stored of it is deleted if it is set to forget", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED, forgetOnLeave: true });
    const { world, guild, ada } = bot;
    const id = bot.say(ada.id, "the password of the wifi");
    await bot.type(ada.id, "note add", { text: "my secret recipe" });
    await bot.untilFound(ada.id, "“password of the wifi”", id);
    await until("the note is found", async () => (await bot.search(ada.id, "“secret recipe”")).length === 1);
    world.removeGuild(guild.id);
    await until("it left", () => bot.logged.some(({ event }) => event === "scope:removed"));
    await bot.backscroll.idle();
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [], indexed: [], pending: 0 });
  });

  test("everything is kept if not, found again when it is invited again, with what was written in between", async () => {
    const bot = await startBackscroll({ client: NOTHING_CACHED });
    const { world, guild, ada, ben, admin, general } = bot;
    const id = bot.say(ada.id, "the code of the bicycle lock");
    await bot.untilFound(ada.id, "“bicycle lock”", id);
    world.removeGuild(guild.id);
    await until("the client knows", () => !bot.client.guilds.cache.has(guild.id));

    const meanwhile = world.state.nextId();
    const again = world.addGuild({ id: guild.id, name: guild.name, ownerId: admin.id });
    for (const { id: userId } of [ada, ben]) world.addMember(again.id, { userId });
    world.addChannel({ id: general.id, guildId: guild.id, name: "general", type: ChannelType.GuildText });
    world.loadMessages([
      { id, channelId: general.id, authorId: ada.id, content: "the code of the bicycle lock" },
      { id: meanwhile, channelId: general.id, authorId: ben.id, content: "a lock for the shed too" },
    ]);
    await until("the client knows", () => bot.client.channels.cache.has(general.id));
    await bot.untilFound(ada.id, "“bicycle lock”", id);
    const later = bot.say(ben.id, "we are back together");
    await bot.untilFound(ada.id, "“back together”", later);
    await bot.untilFound(ada.id, "“lock for the shed”", meanwhile);
  });
});
