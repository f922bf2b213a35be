import { type Client, Events, GatewayIntentBits, PermissionFlagsBits } from "discord.js";
import { describe, expect, it } from "vitest";
import { ALL_INTENTS, startDiscord, type TestDiscord } from "../support/discord.ts";

/** Collects the contents of messages the client hears, and lets a test wait for a number of them. */
function listen(client: Client) {
  const contents: string[] = [];
  client.on(Events.MessageCreate, (message) => contents.push(message.content));
  return contents;
}

function say(discord: TestDiscord, content: string, channelId = discord.general.id) {
  return discord.world.postMessage({ channelId, authorId: discord.ada.id, content });
}

const shardError = (client: Client) => new Promise<Error>((resolve) => client.once(Events.ShardError, resolve));
const event = (client: Client, name: Events) =>
  new Promise<void>((resolve) => client.once(name as never, () => resolve()));

async function until(check: () => boolean, what: string): Promise<void> {
  await expect.poll(check, { timeout: 10_000, interval: 10, message: what }).toBe(true);
}

describe("the gateway", () => {
  it("refuses a wrong token and an intent the application may not use", async () => {
    const discord = await startDiscord({ privilegedIntents: { messageContent: false } });
    await expect(discord.createClient().login("a.wrong.token")).rejects.toThrow("invalid token");
    const client = discord.createClient();
    const failure = shardError(client);
    client.login(discord.token).catch(() => undefined);
    expect((await failure).message).toBe("Used disallowed intents");
  });

  it("replays what happened while the connection was gone, in order and once", async () => {
    const discord = await startDiscord();
    const client = await discord.login();
    const contents = listen(client);
    say(discord, "before");
    await until(() => contents.length === 1, "the first message");
    const resumed = event(client, Events.ShardResume);
    discord.faults.dropGateway();
    for (let index = 0; index < 20; index++) say(discord, `missed ${index}`);
    await resumed;
    say(discord, "after");
    await until(() => contents.includes("after"), "the last message");
    expect(contents).toEqual(["before", ...Array.from({ length: 20 }, (_, index) => `missed ${index}`), "after"]);
  });

  it("lets a client whose session is lost identify anew, without the events in between", async () => {
    const discord = await startDiscord();
    const client = await discord.login();
    const contents = listen(client);
    const ready = event(client, Events.ShardReady);
    discord.faults.dropGateway({ resumable: false });
    say(discord, "lost");
    await ready;
    await until(() => discord.gateway.connections === 1, "one connection");
    say(discord, "heard");
    await until(() => contents.length > 0, "a message");
    expect(contents).toEqual(["heard"]);
  });

  it("tells each shard of its own guilds, and the first one of what is in none", async () => {
    const discord = await startDiscord({ shards: 2 });
    const { world, ada, admin } = discord;
    const guilds = [0, 1, 2].map((n) => {
      const guild = world.addGuild({
        name: `guild ${n}`,
        ownerId: admin.id,
        id: String((2_000_000n + BigInt(n)) << 22n),
      });
      world.addMember(guild.id, { userId: ada.id });
      return { guild, channel: world.addChannel({ guildId: guild.id, name: "talk" }) };
    });
    const shards = await Promise.all([0, 1].map((id) => discord.login({ shards: [id], shardCount: 2 })));
    const heard = shards.map((client) => listen(client));
    const seen = shards.map(({ guilds: { cache } }) => guilds.map(({ guild }) => cache.has(guild.id)));
    expect(seen).toEqual([
      [true, false, true],
      [false, true, false],
    ]);
    for (const [n, { channel }] of guilds.entries()) say(discord, `in ${n}`, channel.id);
    await until(() => heard.flat().length === 3, "all messages");
    expect(heard).toEqual([["in 0", "in 2"], ["in 1"]]);
    const outage = event(shards[1] as Client, Events.GuildUnavailable);
    discord.faults.guildOutage(guilds[1]?.guild.id ?? "");
    await outage;
    expect(shards[0]?.guilds.cache.every(({ available }) => available)).toBe(true);
  });

  it("refuses a shard that cannot be, and one client for too many guilds", async () => {
    const discord = await startDiscord();
    const client = discord.createClient({ shards: [2], shardCount: 2 });
    const failure = shardError(client);
    client.login(discord.token).catch(() => undefined);
    expect((await failure).message).toBe("Invalid shard");
    for (let n = 0; n < 2_500; n += 1) discord.world.addGuild({ name: `guild ${n}`, ownerId: discord.admin.id });
    const alone = discord.createClient();
    const refusal = shardError(alone);
    alone.login(discord.token).catch(() => undefined);
    expect((await refusal).message).toBe("Sharding is required");
  });

  it("keeps the connection by heartbeats", async () => {
    const discord = await startDiscord({ heartbeatIntervalMs: 50 });
    const client = await discord.login();
    await until(() => client.ws.ping >= 0, "an acknowledged heartbeat");
    expect(discord.gateway.connections).toBe(1);
  });

  it("hides content from a bot without the intent, unless it is mentioned or the author", async () => {
    const discord = await startDiscord();
    const client = await discord.login({ intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages] });
    const contents = listen(client);
    say(discord, "private words");
    say(discord, `<@${client.user.id}> look here`);
    const channel = await client.channels.fetch(discord.general.id);
    if (channel?.isSendable()) await channel.send("my own");
    await until(() => contents.length === 3, "three messages");
    expect(contents).toEqual(["", `<@${client.user.id}> look here`, "my own"]);
  });

  it("sends no messages to a bot that did not ask for them", async () => {
    const discord = await startDiscord();
    const client = await discord.login({ intents: [GatewayIntentBits.Guilds] });
    const contents = listen(client);
    const created = event(client, Events.ChannelCreate);
    say(discord, "unheard");
    discord.world.addChannel({ guildId: discord.guild.id, name: "later" });
    await created;
    expect(contents).toEqual([]);
  });

  it("tells nothing of messages in channels and private threads the bot cannot see", async () => {
    const discord = await startDiscord({ botPermissions: PermissionFlagsBits.SendMessages });
    const { world, guild, general } = discord;
    const hidden = world.addChannel({
      guildId: guild.id,
      name: "hidden",
      overwrites: [
        { id: guild.id, deny: PermissionFlagsBits.ViewChannel },
        { id: discord.insiders.id, allow: PermissionFlagsBits.ViewChannel },
      ],
    });
    const foreign = world.addThread({
      parentId: general.id,
      name: "foreign",
      private: true,
      memberIds: [discord.ada.id],
    });
    const client = await discord.login();
    const contents = listen(client);
    expect(client.channels.cache.has(hidden.id)).toBe(true);
    expect(client.channels.cache.has(foreign.id)).toBe(false);
    say(discord, "hidden words", hidden.id);
    say(discord, "thread words", foreign.id);
    say(discord, "open words");
    await until(() => contents.length > 0, "a message");
    expect(contents).toEqual(["open words"]);
  });

  it("tells of edits and of single and bulk deletions, cached or not", async () => {
    const discord = await startDiscord();
    const { world, general, guild } = discord;
    const [one, two, three] = ["one", "two", "three"].map((content) => say(discord, content));
    if (!one || !two || !three) throw new Error("unreachable");
    const client = await discord.login();
    const raw: [string, unknown][] = [];
    client.ws.on("MESSAGE_UPDATE" as never, (data: { content: string }) => raw.push(["update", data.content]));
    client.ws.on("MESSAGE_DELETE" as never, (data: { id: string }) => raw.push(["delete", data.id]));
    client.ws.on("MESSAGE_DELETE_BULK" as never, (data: { ids: string[]; guild_id: string }) =>
      raw.push([data.guild_id, data.ids]),
    );
    world.editMessage(one.id, { content: "one, edited" });
    world.deleteMessage(one.id);
    world.deleteMessages(general.id, [two.id, three.id]);
    await until(() => raw.length === 3, "three events");
    expect(raw).toEqual([
      ["update", "one, edited"],
      ["delete", one.id],
      [guild.id, [two.id, three.id]],
    ]);
  });

  it("tells of members, roles, channels, threads and the guild itself", async () => {
    const discord = await startDiscord();
    const { world, guild, general, ada, insiders } = discord;
    const client = await discord.login();
    const heard: string[] = [];
    const watched = [
      Events.GuildMemberAdd,
      Events.GuildMemberUpdate,
      Events.GuildMemberRemove,
      Events.GuildRoleCreate,
      Events.GuildRoleUpdate,
      Events.GuildRoleDelete,
      Events.ChannelCreate,
      Events.ChannelUpdate,
      Events.ChannelDelete,
      Events.ThreadCreate,
      Events.ThreadUpdate,
      Events.ThreadDelete,
      Events.ThreadMembersUpdate,
      Events.GuildDelete,
      Events.GuildCreate,
    ];
    for (const name of watched) client.on(name as never, () => heard.push(name));
    await client.guilds.cache.get(guild.id)?.members.fetch();
    const newcomer = world.addMember(guild.id, { username: "newcomer" });
    world.updateMember(guild.id, ada.id, { roleIds: [] });
    world.removeMember(guild.id, newcomer.userId);
    const role = world.addRole(guild.id, { name: "fresh" });
    world.updateRole(guild.id, role.id, { name: "stale" });
    world.deleteRole(guild.id, role.id);
    const channel = world.addChannel({ guildId: guild.id, name: "new" });
    world.updateChannel(channel.id, { name: "newer", overwrites: [{ id: insiders.id, allow: 1n }] });
    world.deleteChannel(channel.id);
    const thread = world.addThread({ parentId: general.id, name: "thread" });
    world.updateThread(thread.id, { archived: true });
    world.addThreadMember(thread.id, ada.id);
    world.deleteChannel(thread.id);
    world.removeGuild(guild.id);
    world.addGuild({ name: "Another" });
    await until(() => heard.includes(Events.GuildCreate), "the last event");
    expect(heard).toEqual([
      Events.GuildMemberAdd,
      Events.GuildMemberUpdate,
      Events.GuildMemberRemove,
      Events.GuildRoleCreate,
      Events.GuildRoleUpdate,
      Events.GuildRoleDelete,
      Events.ChannelCreate,
      Events.ChannelUpdate,
      Events.ChannelDelete,
      Events.ThreadCreate,
      Events.ThreadUpdate,
      Events.ThreadMembersUpdate,
      Events.ThreadDelete,
      Events.GuildDelete,
      Events.GuildCreate,
    ]);
  });

  it("syncs threads when a channel comes into sight", async () => {
    const discord = await startDiscord({ botPermissions: PermissionFlagsBits.SendMessages });
    const { world, guild } = discord;
    const deny = PermissionFlagsBits.ViewChannel;
    const channel = world.addChannel({ guildId: guild.id, name: "veiled", overwrites: [{ id: guild.id, deny }] });
    const thread = world.addThread({ parentId: channel.id, name: "inside" });
    const client = await discord.login({ intents: ALL_INTENTS });
    expect(client.channels.cache.has(thread.id)).toBe(false);
    const synced = event(client, Events.ThreadListSync);
    world.updateChannel(channel.id, { overwrites: [] });
    await synced;
    expect(client.channels.cache.has(thread.id)).toBe(true);
  });
});
