// What a logged-in client with empty caches reports of a guild's life, and what its history says.

import { GatewayIntentBits, Options } from "discord.js";
import { PermissionFlagsBits as Bit, ChannelType } from "discord-api-types/v10";
import { expect, test } from "vitest";
import { createDirectory } from "../../../src/adapters/discord/directory.ts";
import { listenToGuilds } from "../../../src/adapters/discord/gateway.ts";
import { createHistory } from "../../../src/adapters/discord/history.ts";
import { systemClock } from "../../../src/adapters/system.ts";
import type { ChannelInfo } from "../../../src/ports/archive.ts";
import type { ArchivedRecord } from "../../../src/ports/records.ts";
import { createHearing } from "../../../src/sync/hearing.ts";
import { startDiscord } from "../../support/discord.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const NOTHING_CACHED = Options.cacheWithLimits({
  MessageManager: 0,
  GuildMessageManager: 0,
  GuildMemberManager: 0,
  UserManager: 0,
  GuildTextThreadManager: 0,
  GuildForumThreadManager: 0,
  ThreadMemberManager: 0,
});

type Heard =
  | { readonly what: "saved"; readonly record: ArchivedRecord; readonly channel: ChannelInfo }
  | { readonly what: "deleted"; readonly ids: readonly string[] }
  | { readonly what: "channel"; readonly channel: ChannelInfo }
  | { readonly what: "channel deleted"; readonly id: string }
  | { readonly what: "left"; readonly id: string };

/** Listens, and waits for what comes: `next` gives one event after the other, within 5 s each. */
function listen(client: Parameters<typeof listenToGuilds>[0]) {
  const heard: Heard[] = [];
  const waiting: ((event: Heard) => void)[] = [];
  const hear = async (event: Heard) => {
    const first = waiting.shift();
    if (first) first(event);
    else heard.push(event);
  };
  const { stop } = listenToGuilds(
    client,
    {
      messageSaved: (_guildId, record, channel) => hear({ what: "saved", record, channel }),
      messagesDeleted: (_guildId, ids) => hear({ what: "deleted", ids }),
      channelSaved: (_guildId, channel) => hear({ what: "channel", channel }),
      channelDeleted: (_guildId, id) => hear({ what: "channel deleted", id }),
      guildLeft: (id) => hear({ what: "left", id }),
    },
    {
      directory: createDirectory(client, quiet),
      logger: quiet,
      clock: systemClock,
      hearing: createHearing(),
      onMissed() {},
      onGap() {},
    },
  );
  const next = (): Promise<Heard> =>
    new Promise((resolve, reject) => {
      const event = heard.shift();
      if (event) return resolve(event);
      const timer = setTimeout(() => reject(new Error("nothing was reported for 5 s")), 5_000);
      waiting.push((late) => {
        clearTimeout(timer);
        resolve(late);
      });
    });
  return { next, heard, stop };
}

/** A client that caches as little as it can, in a guild with an archived thread it has never heard of. */
async function town(options: Parameters<typeof startDiscord>[0] = {}) {
  const discord = await startDiscord(options);
  const { world, guild, ada, general } = discord;
  world.updateMember(guild.id, ada.id, { nick: "Countess" });
  const old = world.addThread({ parentId: general.id, name: "old talk", archived: true });
  const early = Date.UTC(2025, 0, 1);
  const ids = Array.from({ length: 5 }, (_, index) => world.state.idAt(early + index * 1_000));
  world.loadMessages(ids.map((id, index) => ({ id, channelId: old.id, authorId: ada.id, content: `old ${index}` })));
  const client = await discord.login({ makeCache: NOTHING_CACHED });
  const directory = createDirectory(client, quiet);
  return { ...discord, client, old, ids, history: createHistory(client, { directory, logger: quiet }) };
}

test("new messages, edits and deletions of a channel are reported in order", async () => {
  const { client, world, ada, general } = await town();
  const { next } = listen(client);
  const message = world.postMessage({ channelId: general.id, authorId: ada.id, content: "helo" });
  world.editMessage(message.id, { content: "hello" });
  world.deleteMessage(message.id);
  expect(await next()).toMatchObject({
    what: "saved",
    record: { id: message.id, content: "helo", authorName: "Countess", accessChannelId: general.id },
    channel: { id: general.id, type: "text", name: "general" },
  });
  expect(await next()).toMatchObject({ what: "saved", record: { id: message.id, content: "hello" } });
  expect(await next()).toEqual({ what: "deleted", ids: [message.id] });
});

test("an edit and deletions in an archived thread that no cache knows are reported, with the parent's permissions", async () => {
  const { client, world, general, old, ids } = await town();
  expect(client.channels.cache.has(old.id)).toBe(false);
  const { next } = listen(client);
  world.editMessage(ids[0] ?? "", { content: "mended" });
  world.deleteMessage(ids[1] ?? "");
  world.deleteMessages(old.id, ids.slice(2, 4));
  expect(await next()).toMatchObject({
    what: "saved",
    record: { id: ids[0], content: "mended", channelId: old.id, accessChannelId: general.id },
    channel: { id: old.id, type: "public-thread", parentId: general.id },
  });
  expect(await next()).toEqual({ what: "deleted", ids: [ids[1]] });
  expect(await next()).toEqual({ what: "deleted", ids: ids.slice(2, 4) });
});

test("replies, polls and mentions arrive whole", async () => {
  const { client, world, ada, general } = await town();
  const { next } = listen(client);
  const authorId = ada.id;
  const first = world.postMessage({
    channelId: general.id,
    authorId,
    content: `ask <@${authorId}> in <#${general.id}>`,
  });
  expect(await next()).toMatchObject({
    record: {
      content: first.content,
      mentions: [
        { id: authorId, name: "Countess" },
        { id: general.id, name: "general" },
      ],
    },
  });
  world.postMessage({ channelId: general.id, authorId, content: "yes", replyTo: first.id });
  expect(await next()).toMatchObject({ record: { content: "yes", replyToId: first.id } });
  world.postMessage({ channelId: general.id, authorId, poll: { question: "Tea?", answers: ["Yes", "No"] } });
  expect(await next()).toMatchObject({ record: { content: "", poll: "Tea?\nYes\nNo" } });
});

test("a forwarded message arrives with its text", async () => {
  // Discord's official description does not know this type of reference.
  const { client, world, ada, general } = await town({ mayViolate: true });
  const { next } = listen(client);
  const first = world.postMessage({ channelId: general.id, authorId: ada.id, content: "the door code" });
  world.postMessage({ channelId: general.id, authorId: ada.id, forward: first.id });
  await next();
  expect(await next()).toMatchObject({ record: { content: "", forwarded: "the door code" } });
});

test("the bot's own messages are not reported, another bot's are, marked as such", async () => {
  const { client, world, general } = await town();
  const { next } = listen(client);
  world.postMessage({ channelId: general.id, authorId: world.bot.id, content: "I am the bot" });
  const feed = world.addUser({ username: "feed", bot: true });
  world.postMessage({ channelId: general.id, authorId: feed.id, content: "news" });
  expect(await next()).toMatchObject({ what: "saved", record: { content: "news", bot: true } });
});

test("channels and threads that appear, change and go, and leaving the guild, are reported", async () => {
  const { client, world, guild } = await town();
  const { next } = listen(client);
  const channel = world.addChannel({ guildId: guild.id, name: "plans" });
  expect(await next()).toMatchObject({ what: "channel", channel: { id: channel.id, name: "plans" } });
  world.updateChannel(channel.id, { name: "big plans" });
  expect(await next()).toMatchObject({ what: "channel", channel: { id: channel.id, name: "big plans" } });
  const thread = world.addThread({ parentId: channel.id, name: "bridge" });
  expect(await next()).toMatchObject({ what: "channel", channel: { id: thread.id, accessChannelId: channel.id } });
  world.deleteChannel(thread.id);
  expect(await next()).toEqual({ what: "channel deleted", id: thread.id });
  world.deleteChannel(channel.id);
  expect(await next()).toEqual({ what: "channel deleted", id: channel.id });
  world.removeGuild(guild.id);
  expect(await next()).toEqual({ what: "left", id: guild.id });
});

test("history pages backwards newest first and forwards oldest first, and gives every message once", async () => {
  const { world, guild, ada, general, history } = await town();
  const start = Date.UTC(2025, 5, 1);
  const ids = Array.from({ length: 250 }, (_, index) => world.state.idAt(start + index * 60_000));
  world.loadMessages(ids.map((id, index) => ({ id, channelId: general.id, authorId: ada.id, content: `m${index}` })));
  world.postMessage({ channelId: general.id, authorId: world.bot.id, content: "I am the bot" });
  const channel = (await history.channels(guild.id)).find(({ id }) => id === general.id);
  if (!channel) return expect.fail("general is not listed");

  const backwards: string[] = [];
  for (let before = world.state.nextId(); ; ) {
    const page = await history.messages(channel, { before });
    backwards.push(...page.map((record) => record.id));
    const last = page.at(-1);
    if (!last) break;
    before = last.id;
  }
  expect(backwards).toEqual(ids.toReversed());
  expect((await history.messages(channel, { before: ids[10] ?? "" }))[0]?.authorName).toBe("Countess");
  const forwards = await history.messages(channel, { after: ids[99] ?? "" });
  expect(forwards.map((record) => record.id)).toEqual(ids.slice(100, 200));
});

test("every channel and thread is listed, and what the bot cannot read says why", async () => {
  const discord = await startDiscord({ botPermissions: Bit.ViewChannel | Bit.ReadMessageHistory });
  const { world, guild, ada, general } = discord;
  const guildId = guild.id;
  world.addChannel({ guildId, name: "stuff", type: ChannelType.GuildCategory });
  const forum = world.addChannel({ guildId, name: "help", type: ChannelType.GuildForum });
  world.addChannel({ guildId, name: "lounge", type: ChannelType.GuildVoice });
  world.addChannel({ guildId, name: "closed", overwrites: [{ id: guildId, deny: Bit.ViewChannel }] });
  world.addChannel({ guildId, name: "past", overwrites: [{ id: world.bot.id, deny: Bit.ReadMessageHistory }] });
  world.addThread({ parentId: forum.id, name: "post" });
  world.addThread({ parentId: general.id, name: "archived", archived: true });
  const secret = { parentId: general.id, private: true, archived: true };
  const joined = world.addThread({ ...secret, name: "joined", memberIds: [world.bot.id] });
  world.addThread({ ...secret, name: "foreign", ownerId: ada.id });
  const client = await discord.login({ makeCache: NOTHING_CACHED });
  const history = createHistory(client, { directory: createDirectory(client, quiet), logger: quiet });
  const byName = new Map((await history.channels(guild.id)).map((channel) => [channel.name, channel]));

  const readable = [
    "admin",
    "archived",
    "general",
    "help",
    "joined",
    "lounge",
    "post",
    "private thread",
    "public thread",
  ];
  expect([...byName.keys()].sort()).toEqual([...readable, "closed", "past", "secret"].sort());
  expect(byName.get("post")).toMatchObject({ type: "public-thread", parentId: forum.id, accessChannelId: forum.id });
  expect(byName.get("joined")).toMatchObject({ type: "private-thread", accessChannelId: joined.id });
  expect(byName.get("closed")?.unreadable).toBe("I lack View Channel there.");
  expect(byName.get("past")?.unreadable).toBe("I lack Read Message History there.");
  for (const name of readable) expect(byName.get(name)).not.toHaveProperty("unreadable");
});

test("whoever may manage threads lists private archived ones they have not joined", async () => {
  const { world, guild, general, login } = await startDiscord();
  const foreign = world.addThread({ parentId: general.id, name: "foreign", private: true, archived: true });
  const client = await login();
  const history = createHistory(client, { directory: createDirectory(client, quiet), logger: quiet });
  expect((await history.channels(guild.id)).map(({ id }) => id)).toContain(foreign.id);
});

test.each([true, false])("content is readable when the application may read it: %s", async (messageContent) => {
  const { login } = await startDiscord({ privilegedIntents: { messageContent } });
  const client = await login({ intents: [GatewayIntentBits.Guilds] });
  const history = createHistory(client, { directory: createDirectory(client, quiet), logger: quiet });
  expect(await history.canReadContent()).toBe(messageContent);
});
