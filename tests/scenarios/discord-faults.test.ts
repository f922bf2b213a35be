// Bad input, a missing embedder and a failing Discord: each gets a clear answer or a recorded skip, and nothing is lost.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { GatewayIntentBits } from "discord.js";
import { describe, expect, test } from "vitest";
import {
  buttons,
  closeAfterTest,
  PATIENCE_MS,
  quick,
  startBackscroll,
  type TestBackscroll,
  textOf,
  until,
} from "../support/backscroll.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const nothingPending = (bot: TestBackscroll) =>
  until("nothing waits", async () => (await bot.backscroll.status(bot.guild.id)).livePending === 0);

describe("messages that are hard to read", () => {
  test("are all stored, and found if there is anything to find", async () => {
    const bot = await startBackscroll();
    const { ada, ben } = bot;
    const loneSurrogates = `a broken \ud83d emoji \udc00 in the sentence`;
    // Hours apart, so that each is a conversation of its own.
    let hour = 0;
    const say = (content: string, more: Parameters<typeof bot.say>[2] = {}) =>
      bot.say(ada.id, content, { ...more, timestamp: Date.UTC(2024, 4, 1, hour++) });
    const ids = {
      long: say(`${"the quick brown fox jumps over the lazy dog. ".repeat(88)}zyzzyva`.slice(-4_000)),
      oneWord: say("x".repeat(4_000)),
      surrogates: say(loneSurrogates),
      rightToLeft: say("‮שלום עולם‬ שלום לכולם"),
      arabic: say("مرحبا بالعالم"),
      chinese: say("今天天气很好"),
      emoji: say("👩‍👩‍👧‍👦🏳️‍🌈"),
      zeroWidth: say("\u200b\u200c\u200d\ufeff\u2060"),
      null: say("nul \u0000 and \u0007 bell"),
      markdown: say("||spoiler|| `code` **bold** [link](https://example.com) <@1> @everyone"),
      zalgo: say("Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘"),
      file: say("", { attachments: [{ filename: "IMG_0001.JPG" }] }),
      quotes: say(`it's "quoted" 'and' \\escaped\\; DROP TABLE records; --`),
    };
    const last = bot.say(ada.id, "the end of the hard ones");
    await bot.untilFound(ben.id, "“end of the hard ones”", last);
    await nothingPending(bot);
    const found = (query: string) => bot.found(ben.id, query);
    expect(await found("zyzzyva")).toContain(ids.long);
    expect(await found("“broken”")).toContain(ids.surrogates);
    expect(await found("שלום")).toContain(ids.rightToLeft);
    expect(await found("مرحبا")).toContain(ids.arabic);
    expect(await found("天气")).toContain(ids.chinese);
    expect(await found("“bell”")).toContain(ids.null);
    expect(await found("“spoiler”")).toContain(ids.markdown);
    expect(await found("DROP TABLE")).toContain(ids.quotes);
    expect(await found("IMG_0001")).toContain(ids.file);
    await bot.backscroll.stop();
    const { archived, indexed } = await bot.stored();
    expect(archived).toEqual([...Object.values(ids), last].sort());
    // Nothing but invisible characters: kept, and nothing to search for.
    expect(indexed).not.toContain(ids.zeroWidth);
    expect(archived.filter((id) => !indexed.includes(id))).not.toContain(ids.oneWord);
    expect(bot.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("queries that are hard to answer", () => {
  test("are all answered, without an apology", async () => {
    const bot = await startBackscroll();
    const id = bot.say(bot.ada.id, "something ordinary");
    await bot.untilFound(bot.ada.id, "“something ordinary”", id);
    const queries = [
      " ",
      "\u200b",
      '"',
      '""',
      "“”",
      "from:",
      "from:@everyone",
      "in:#nowhere",
      "before:yesterday after:tomorrow",
      "has:nothing",
      "'; DROP TABLE x; --",
      "%_\\",
      "a".repeat(1_000),
      "שלום עולם",
      "😀",
      "\ud83d lonely \udc00",
      "NOT AND OR (",
      "+must -not ~maybe *any? [to] {x} ^2 :",
      "https://discord.com/channels/1/2/3",
      "99999999999999999999",
      "**|| `",
    ];
    for (const query of queries) {
      const reply = await bot.type(bot.ada.id, "search", { query });
      expect(textOf(reply), query).not.toMatch(/Sorry|error id/);
      expect(textOf(reply).length, query).toBeGreaterThan(0);
    }
    // Nothing typed but white space and limits shows the newest.
    expect(await bot.found(bot.ada.id, " ")).toEqual([id]);
    expect(await bot.found(bot.ada.id, "in:general")).toEqual([id]);
    expect(bot.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("and options that make no sense are refused in words, and nothing is started", async () => {
    const bot = await startBackscroll();
    const { admin, adminChannel, secret, world, guild } = bot;
    const bogus = await bot.type(admin.id, "backfill start", { phases: "yesterday, nonsense" }, adminChannel.id);
    expect(textOf(bogus)).toMatch(/nonsense|phases/);
    expect(textOf(bogus)).not.toContain("Sorry");
    world.updateChannel(secret.id, {
      overwrites: [
        { id: world.bot.id, deny: 1n << 10n },
        { id: guild.id, deny: 1n << 10n },
      ],
    });
    await until(
      "the bot knows",
      () => !bot.client.guilds.cache.get(guild.id)?.members.me?.permissionsIn(secret.id).has("ViewChannel"),
    );
    const unseen = await bot.type(admin.id, "backfill start", { "report-to": secret.id }, adminChannel.id);
    expect(textOf(unseen)).toContain("Nothing was started");
    for (const subcommand of ["status", "pause", "failures", "retry", "rollback", "verify"]) {
      const reply = await bot.type(admin.id, `backfill ${subcommand}`, {}, adminChannel.id);
      expect(textOf(reply), subcommand).not.toContain("Sorry");
    }
    expect((await bot.backscroll.status(guild.id)).run).toBeUndefined();
    expect(bot.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("an embedding server that is not there", () => {
  test("from the start: commands say so, messages and deletions are kept, and all works once it is up", async () => {
    const port = await freePort();
    const bot = await startBackscroll({ embeddings: { baseUrl: `http://127.0.0.1:${port}/v1` }, awaitReady: false });
    const { ada, ben, admin, adminChannel, world } = bot;
    await until("it waits", () => bot.logged.some(({ event }) => event === "embedder:waiting"));
    await until("the commands are there", () => world.state.commands.size === 6);
    const early = await bot.type(ada.id, "search", { query: "anything" });
    expect(textOf(early)).toContain("it waits for the search model. New messages are kept meanwhile");
    expect(textOf(early)).not.toMatch(/127\.0\.0\.1|EMBEDDINGS/);
    const refused = await bot.type(admin.id, "backfill start", {}, adminChannel.id);
    expect(textOf(refused)).toContain(
      "not ready yet: it waits for the search model. The embedding server at 127.0.0.1",
    );
    expect(textOf(refused)).not.toMatch(/\?\.|\)\?/);
    expect(textOf(await bot.type(ada.id, "note add", { text: "x" }))).toContain("not ready yet");

    const kept = bot.say(ada.id, "written while nobody could embed");
    const edited = bot.say(ada.id, "edited while nobody could embed");
    const deleted = bot.say(ada.id, "deleted while nobody could embed");
    world.editMessage(edited, { content: "changed while nobody could embed" });
    world.deleteMessage(deleted);

    const server = await startEmbeddingServer({ port });
    closeAfterTest(() => server.close());
    await bot.backscroll.ready;
    await bot.untilFound(ben.id, "“written while nobody”", kept);
    await bot.untilFound(ben.id, "“changed while nobody”", edited);
    expect(await bot.found(ben.id, "“deleted while nobody”")).toEqual([]);
    await nothingPending(bot);
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [kept, edited], indexed: [kept, edited], pending: 0 });
  });

  test("any more: search goes by the words and says so, new messages wait, what is deleted is gone at once", async () => {
    const server = await startEmbeddingServer();
    closeAfterTest(() => server.close());
    const bot = await startBackscroll({ embeddings: { baseUrl: server.url } });
    const { world, ada, ben, admin, adminChannel } = bot;
    const before = bot.say(ada.id, "a lighthouse on the cliff");
    const doomed = bot.say(ada.id, "a lighthouse to be deleted");
    await bot.untilFound(ben.id, "“lighthouse to be deleted”", doomed);
    await nothingPending(bot);
    const mend = server.misbehave({ status: 503 });
    const waiting = bot.say(ada.id, "a lighthouse nobody embeds");
    await until("it is down", () => bot.logged.some(({ event }) => event === "embedder:down"));
    const degraded = await bot.type(ben.id, "search", { query: "lighthouse" });
    expect(textOf(degraded)).toContain("Search by meaning is not available at the moment");
    expect(textOf(degraded)).toContain(before);
    world.deleteMessage(doomed);
    await bot.untilGone(ben.id, "“lighthouse to be deleted”", doomed);
    const status = await bot.type(admin.id, "backfill status", {}, adminChannel.id);
    expect(textOf(status)).toMatch(/wait to become searchable|1 message/);

    mend();
    await bot.untilFound(ben.id, "“nobody embeds”", waiting);
    expect(textOf(await bot.type(ben.id, "search", { query: "lighthouse" }))).not.toContain("not available");
    await nothingPending(bot);
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [before, waiting], indexed: [before, waiting], pending: 0 });
  });

  test("does not keep the bot from stopping, even if it has just left a server it is to forget; that is done at the next start", async () => {
    const server = await startEmbeddingServer();
    closeAfterTest(() => server.close());
    const bot = await startBackscroll({ embeddings: { baseUrl: server.url }, forgetOnLeave: true });
    const { world, guild, ada } = bot;
    const id = bot.say(ada.id, "here today");
    await bot.untilFound(ada.id, "“here today”", id);
    const mend = server.misbehave({ status: 503 });
    bot.say(ada.id, "gone tomorrow");
    await until("it is waited for", () => bot.logged.some(({ event }) => event === "embedder:still-down"));
    world.removeGuild(guild.id);
    await until("the client knows", () => !bot.client.guilds.cache.has(guild.id));
    await bot.backscroll.stop();
    mend();
    await bot.attach();
    await until("it is forgotten", () => bot.logged.some(({ event }) => event === "scope:removed"));
    await bot.backscroll.stop();
    expect(await bot.stored()).toEqual({ archived: [], indexed: [], pending: 0 });
  });
});

describe("a client that did not ask for message content", () => {
  test("loses no words that are stored: edits, catching up and backfills leave them, and the pre-flight says why", async () => {
    const bot = await startBackscroll();
    const { ada, admin, adminChannel, world } = bot;
    const id = bot.say(ada.id, "words worth keeping");
    await bot.untilFound(ada.id, "“words worth keeping”", id);
    await bot.backscroll.stop();
    await bot.client.destroy();

    Object.assign(world.state.privilegedIntents, { messageContent: false });
    const intents = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages];
    await bot.attach({}, await bot.login(quick({ intents })));
    world.editMessage(id, { content: "words that arrive empty" });
    bot.say(ada.id, "new words that arrive empty");
    const refused = await bot.type(admin.id, "backfill start", { source: "discord" }, adminChannel.id);
    expect(textOf(refused)).toContain("cannot start yet");
    expect(textOf(refused)).toMatch(/[Mm]essage [Cc]ontent/);
    expect(buttons(refused)).toContain("Try again");
    expect(bot.logged).toContainEqual(
      expect.objectContaining({ event: "intents:lacking", fields: { intents: ["MessageContent"] } }),
    );
    expect(await bot.found(ada.id, "“words worth keeping”")).toEqual([id]);
    await bot.backscroll.stop();
    expect((await bot.stored()).archived).toEqual([id]);
  });
});

describe("when Discord fails", () => {
  test("while commands are registered, messages are indexed all the same and `ready` tells", async () => {
    const bot = await startBackscroll({ registerCommands: false });
    const { faults, ada } = bot;
    const lookedAfter = () => bot.logged.filter(({ event }) => event === "guilds:acquired").length;
    await bot.backscroll.stop();
    faults.fail({ match: /POST .*\/commands/, status: 500, count: 20 });
    await expect(bot.attach({ registerCommands: true })).rejects.toThrow(/register my commands/);
    const id = bot.say(ada.id, "indexed without commands");
    await until("the guild is looked after", () => lookedAfter() === 2);
    await bot.backscroll.stop();
    expect((await bot.stored()).archived).toEqual([id]);
    faults.clear();
    await bot.attach({ registerCommands: true });
    await bot.untilFound(ada.id, "“indexed without commands”", id);
  });

  test("while it is answered, the next command is answered again", async () => {
    const bot = await startBackscroll();
    const { world, faults, ada, general } = bot;
    const id = bot.say(ada.id, "an answer to be had");
    await bot.untilFound(ada.id, "“answer to be had”", id);
    faults.fail({ match: /PATCH .*\/webhooks\//, status: 500, count: 4 });
    const lost = world.runCommand({
      userId: ada.id,
      channelId: general.id,
      name: "search",
      options: { query: "answer" },
    });
    await lost.acknowledged();
    await until(
      "the failure is logged",
      () => bot.logged.some(({ event }) => event.startsWith("interaction:")),
      PATIENCE_MS,
    );
    faults.clear();
    expect(await bot.found(ada.id, "answer")).toEqual([id]);
  });
});
