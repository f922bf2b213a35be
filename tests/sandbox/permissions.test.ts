import { PermissionFlagsBits as Bits, ChannelType, type Client } from "discord.js";
import { describe, expect, it } from "vitest";
import { DEFAULT_PERMISSIONS } from "../../sandbox/guilds.ts";
import { channelPermissions } from "../../sandbox/permissions.ts";
import { startDiscord } from "../support/discord.ts";

describe("what a member sees", () => {
  it("follows roles, overwrites and thread membership, now and after a change", async () => {
    const { world, ada, ben, admin, guild, secret, insiders, ...rest } = await startDiscord();
    const names = (userId: string) =>
      world
        .visibleChannels(userId)
        .map(({ name }) => name)
        .sort();
    expect(names(admin.id)).toEqual(["admin", "general", "private thread", "public thread", "secret"]);
    expect(names(ada.id)).toEqual(["general", "private thread", "public thread", "secret"]);
    expect(names(ben.id)).toEqual(["general", "public thread"]);
    world.updateMember(guild.id, ben.id, { roleIds: [insiders.id] });
    world.addThreadMember(rest.privateThread.id, ben.id);
    expect(names(ben.id)).toEqual(["general", "private thread", "public thread", "secret"]);
    world.updateChannel(secret.id, { overwrites: [{ id: guild.id, deny: Bits.ViewChannel }] });
    world.removeMember(guild.id, ada.id);
    expect(names(ben.id)).toEqual(["general", "private thread", "public thread"]);
    expect(names(ada.id)).toEqual([]);
  });

  it("equals what discord.js computes from the same guild", async () => {
    const discord = await startDiscord();
    const { world, guild, insiders, ada, ben } = discord;
    const mixed = world.addChannel({
      guildId: guild.id,
      name: "mixed",
      overwrites: [
        { id: guild.id, deny: Bits.SendMessages | Bits.ViewChannel },
        { id: insiders.id, allow: Bits.ViewChannel | Bits.ManageMessages, deny: Bits.AddReactions },
        { id: ben.id, allow: Bits.ViewChannel, deny: Bits.EmbedLinks },
      ],
    });
    const client = await discord.login();
    const cached = client.guilds.cache.get(guild.id);
    await cached?.members.fetch();
    for (const userId of [world.owner.id, world.bot.id, ada.id, ben.id]) {
      for (const channel of [mixed, discord.general, discord.secret, discord.adminChannel]) {
        const expected = cached?.channels.cache.get(channel.id)?.permissionsFor(userId)?.has(Bits.ViewChannel);
        const own = (channelPermissions(guild, channel, userId) & Bits.ViewChannel) !== 0n;
        expect(own, `${channel.name} ${userId}`).toBe(expected);
      }
    }
    const exact = cached?.channels.cache.get(mixed.id)?.permissionsFor(ada.id)?.bitfield ?? 0n;
    const sendingOnly = Bits.EmbedLinks | Bits.AttachFiles | Bits.MentionEveryone | Bits.SendTTSMessages;
    expect(channelPermissions(guild, mixed, ada.id)).toBe(exact & ~sendingOnly);
  });

  it("shrinks to looking and reading while a member is timed out, save for administrators and the owner", async () => {
    const { world, guild, ada, admin, insiders, general, clock } = await startDiscord();
    const lounge = world.addChannel({ guildId: guild.id, name: "lounge", type: ChannelType.GuildVoice });
    for (const { id } of [ada, admin]) world.updateMember(guild.id, id, { timedOutUntil: clock.now() + 60_000 });
    expect(channelPermissions(guild, general, ada.id)).toBe(Bits.ViewChannel | Bits.ReadMessageHistory);
    expect(channelPermissions(guild, general, admin.id) & Bits.SendMessages).toBeTruthy();
    expect(() => world.postMessage({ channelId: general.id, authorId: ada.id, content: "hi" })).toThrow(
      "may not write",
    );
    expect(world.visibleMessages(ada.id, lounge.id)).toEqual([]);
    world.updateRole(guild.id, insiders.id, { permissions: Bits.Administrator });
    expect(channelPermissions(guild, general, ada.id) & Bits.SendMessages).toBeTruthy();
    world.updateRole(guild.id, insiders.id, { permissions: 0n });
    clock.advance(61_000);
    expect(channelPermissions(guild, general, ada.id) & Bits.SendMessages).toBeTruthy();
  });

  it("does not let a member write where they may not", async () => {
    const { world, ben, secret, general, guild } = await startDiscord();
    const write = (channelId: string) => world.postMessage({ channelId, authorId: ben.id, content: "hi" });
    expect(() => write(secret.id)).toThrow("may not write");
    world.updateChannel(general.id, { overwrites: [{ id: guild.id, deny: Bits.SendMessages }] });
    expect(() => write(general.id)).toThrow("may not write");
  });
});

describe("what the bot may do", () => {
  const post = (client: Client, channelId: string, body: object) =>
    client.rest.post(`/channels/${channelId}/messages`, { body });

  it("ends at channels it cannot see or that do not exist", async () => {
    const { world, guild, createClient, token, insiders, ...discord } = await startDiscord({ botPermissions: 0n });
    const hidden = world.addChannel({
      guildId: guild.id,
      name: "hidden",
      overwrites: [{ id: guild.id, deny: Bits.ViewChannel }],
    });
    const foreign = world.addThread({ parentId: discord.general.id, name: "foreign", private: true });
    const client = createClient();
    client.rest.setToken(token);
    for (const channel of [hidden, foreign]) {
      await expect(client.rest.get(`/channels/${channel.id}`)).rejects.toMatchObject({ code: 50001, status: 403 });
      await expect(client.rest.get(`/channels/${channel.id}/messages`)).rejects.toMatchObject({ code: 50001 });
      await expect(post(client, channel.id, { content: "x" })).rejects.toMatchObject({ code: 50001 });
    }
    await expect(client.rest.get("/channels/1")).rejects.toMatchObject({ code: 10003, status: 404 });
    await expect(client.rest.get("/guilds/1")).rejects.toMatchObject({ code: 10004 });
    await expect(client.rest.get(`/guilds/${guild.id}/members/1`)).rejects.toMatchObject({ code: 10013 });
  });

  it("needs a permission each for writing, embeds, files, replies and others' messages", async () => {
    const discord = await startDiscord({ rateLimits: false, botPermissions: 0n });
    const { world, guild, general, ada, token } = discord;
    const message = world.postMessage({ channelId: general.id, authorId: ada.id, content: "hers" });
    const client = discord.createClient();
    client.rest.setToken(token);
    const without = (permission: bigint) =>
      world.updateRole(guild.id, guild.id, { permissions: DEFAULT_PERMISSIONS & ~permission });
    const cases: [bigint, number, () => Promise<unknown>][] = [
      [Bits.SendMessages, 50013, () => post(client, general.id, { content: "x" })],
      [Bits.EmbedLinks, 50013, () => post(client, general.id, { embeds: [{ title: "x" }] })],
      [
        Bits.ReadMessageHistory,
        160002,
        () => post(client, general.id, { content: "x", message_reference: { message_id: message.id } }),
      ],
      [Bits.SendMessagesInThreads, 50013, () => post(client, discord.publicThread.id, { content: "x" })],
      [Bits.ReadMessageHistory, 50001, () => client.rest.get(`/channels/${general.id}/messages/${message.id}`)],
      [
        Bits.AttachFiles,
        50013,
        () => client.rest.post(`/channels/${general.id}/messages`, { body: {}, files: [{ name: "a.txt", data: "a" }] }),
      ],
    ];
    for (const [permission, code, act] of cases) {
      without(permission);
      await expect(act(), String(permission)).rejects.toMatchObject({ code });
      without(0n);
      await expect(act(), String(permission)).resolves.toBeDefined();
    }
    const path = `/channels/${general.id}/messages/${message.id}` as const;
    await expect(client.rest.delete(path)).rejects.toMatchObject({ code: 50013 });
    await expect(client.rest.patch(path, { body: { content: "mine now" } })).rejects.toMatchObject({ code: 50005 });
    world.updateRole(guild.id, guild.id, { permissions: DEFAULT_PERMISSIONS | Bits.ManageMessages });
    await client.rest.delete(path);
  });

  it("reads an empty history without the permission to read it", async () => {
    const discord = await startDiscord({ botPermissions: 0n });
    const { world, guild, general, ada } = discord;
    world.postMessage({ channelId: general.id, authorId: ada.id, content: "unread" });
    const client = discord.createClient();
    client.rest.setToken(discord.token);
    const read = () => client.rest.get(`/channels/${general.id}/messages`);
    expect(await read()).toHaveLength(1);
    world.updateRole(guild.id, guild.id, { permissions: DEFAULT_PERMISSIONS & ~Bits.ReadMessageHistory });
    expect(await read()).toEqual([]);
  });
});

describe("threads", () => {
  it("are listed while active and, once archived, by visibility", async () => {
    const discord = await startDiscord({ botPermissions: DEFAULT_PERMISSIONS | Bits.ManageThreads });
    const { world, guild, general, ada, publicThread, privateThread, clock } = discord;
    const foreign = world.addThread({ parentId: general.id, name: "foreign", private: true, memberIds: [ada.id] });
    const client = await discord.login();
    const channel = await client.channels.fetch(general.id);
    if (channel?.type !== ChannelType.GuildText) throw new Error("not a text channel");
    const active = await client.guilds.cache.get(guild.id)?.channels.fetchActiveThreads(false);
    expect(active?.threads.map(({ id }) => id).sort()).toEqual([publicThread.id, privateThread.id, foreign.id].sort());
    for (const thread of [publicThread, privateThread, foreign]) {
      world.updateThread(thread.id, { archived: true });
      clock.advance(1000);
    }
    const ids = async (options: object) =>
      (await channel.threads.fetchArchived(options, false)).threads.map(({ id }) => id);
    expect(await ids({ type: "public" })).toEqual([publicThread.id]);
    expect(await ids({ type: "private", fetchAll: true })).toEqual([foreign.id, privateThread.id]);
    expect(await ids({ type: "private", fetchAll: false })).toEqual([privateThread.id]);
    expect((await channel.threads.fetchActive(false)).threads.size).toBe(0);
  });

  it("page through archives and tell whether there is more", async () => {
    const discord = await startDiscord();
    const { world, general, clock } = discord;
    for (let index = 0; index < 5; index++) {
      clock.advance(1000);
      world.addThread({ parentId: general.id, name: `old ${index}`, archived: true });
    }
    const client = await discord.login();
    const channel = await client.channels.fetch(general.id);
    if (channel?.type !== ChannelType.GuildText) throw new Error("not a text channel");
    const first = await channel.threads.fetchArchived({ limit: 3 }, false);
    const last = first.threads.last();
    const second = await channel.threads.fetchArchived({ limit: 3, ...(last ? { before: last } : {}) }, false);
    expect([first.threads.map(({ name }) => name), first.hasMore]).toEqual([["old 4", "old 3", "old 2"], true]);
    expect([second.threads.map(({ name }) => name), second.hasMore]).toEqual([["old 1", "old 0"], false]);
  });

  it("begin from a message, which is marked, with a wordless pointer to it", async () => {
    const discord = await startDiscord();
    const { world, general, ada } = discord;
    const message = world.postMessage({ channelId: general.id, authorId: ada.id, content: "let us discuss" });
    const client = await discord.login();
    const created = new Promise<string>((resolve) => client.once("threadCreate", ({ id }) => resolve(id)));
    world.addThread({ parentId: general.id, name: "discussion", id: message.id, ownerId: ada.id });
    expect(await created).toBe(message.id);
    const channel = await client.channels.fetch(general.id);
    const thread = await client.channels.fetch(message.id);
    if (!channel?.isTextBased() || !thread?.isTextBased()) throw new Error("not text channels");
    expect((await channel.messages.fetch(message.id)).hasThread).toBe(true);
    const first = (await thread.messages.fetch({ limit: 1 })).first();
    expect([first?.content, first?.reference?.messageId]).toEqual(["", message.id]);
  });

  it("have members that can be listed, and wake from the archive by a message", async () => {
    const discord = await startDiscord();
    const { world, publicThread, ada, admin, ben } = discord;
    const client = await discord.login();
    const thread = await client.channels.fetch(publicThread.id);
    if (!thread?.isThread()) throw new Error("not a thread");
    expect((await thread.members.fetch()).map(({ id }) => id).sort()).toEqual([ada.id, admin.id].sort());
    world.updateThread(publicThread.id, { archived: true });
    world.postMessage({ channelId: publicThread.id, authorId: ben.id, content: "wake up" });
    expect((await thread.fetch(true)).archived).toBe(false);
    expect((await thread.members.fetch()).has(ben.id)).toBe(true);
  });
});
