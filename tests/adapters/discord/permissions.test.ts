// Who reads what, as a logged-in client with empty member and thread caches sees it while roles, overwrites and memberships change.

import { once } from "node:events";
import { Events, GatewayIntentBits, Options } from "discord.js";
import { PermissionFlagsBits as Bit, ChannelType } from "discord-api-types/v10";
import { expect, test } from "vitest";
import { createDirectory } from "../../../src/adapters/discord/directory.ts";
import { createPermissions } from "../../../src/adapters/discord/permissions.ts";
import { UserError } from "../../../src/errors.ts";
import { startDiscord } from "../../support/discord.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function setUp() {
  const discord = await startDiscord();
  const { world, guild, admin, ada, ben, insiders, general } = discord;
  const moderators = world.addRole(guild.id, { name: "moderators", permissions: Bit.ManageThreads });
  // Archived before the client logs in, so that no cache knows it.
  const asleep = world.addThread({
    parentId: general.id,
    name: "asleep",
    private: true,
    archived: true,
    memberIds: [ada.id, world.bot.id],
  });
  const client = await discord.login({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
    makeCache: Options.cacheWithLimits({
      GuildMemberManager: 0,
      UserManager: 0,
      MessageManager: 0,
      ThreadMemberManager: 0,
    }),
  });
  const warnings: string[] = [];
  const logger = { ...quiet, warn: (event: string) => void warnings.push(event) };
  const directory = createDirectory(client, quiet);
  const permissions = createPermissions(client, { directory, logger });
  const viewers = {
    admin: { userId: admin.id, roleIds: [], isTimedOut: true },
    ada: { userId: ada.id, roleIds: [insiders.id], isTimedOut: false },
    ben: { userId: ben.id, roleIds: [], isTimedOut: false },
    moderator: { userId: ben.id, roleIds: [moderators.id], isTimedOut: false },
    boundModerator: { userId: ben.id, roleIds: [moderators.id], isTimedOut: true },
    boundAda: { userId: ada.id, roleIds: [insiders.id], isTimedOut: true },
  };
  const names = (ids: readonly string[]) => ids.map((id) => world.getChannel(id).channel.name).sort();
  const reads = async (who: keyof typeof viewers) =>
    names((await permissions.readableChannels(guild.id, viewers[who])).channelIds);
  return { ...discord, client, permissions, viewers, warnings, asleep, names, reads };
}

test("a member reads what their roles and the channels' overwrites let them, and the owner everything", async () => {
  const { reads } = await setUp();
  expect(await reads("ben")).toEqual(["general"]);
  expect(await reads("ada")).toEqual(["general", "secret"]);
  expect(await reads("admin")).toEqual(["admin", "general", "secret"]);
});

test("who is timed out reads no voice and no stage channel, the owner excepted, and such text is shared only where nobody is who could be timed out", async () => {
  const { client, world, permissions, guild, general, names, reads } = await setUp();
  const made = once(client, Events.ChannelCreate);
  const lounge = world.addChannel({ guildId: guild.id, name: "lounge", type: ChannelType.GuildVoice });
  await made;
  expect(await reads("ada")).toEqual(["general", "lounge", "secret"]);
  expect(await reads("boundAda")).toEqual(["general", "secret"]);
  expect(await reads("admin")).toEqual(["admin", "general", "lounge", "secret"]);
  expect(names(await permissions.readableByReadersOf(guild.id, general.id))).toEqual(["general"]);
  expect(names(await permissions.readableByReadersOf(guild.id, lounge.id))).toEqual(["general", "lounge"]);
});

test("a change of a channel's overwrites or of a role holds at once, and a deleted channel is read by nobody", async () => {
  const { client, world, guild, secret, general, insiders, ben, reads } = await setUp();
  const changed = once(client, Events.ChannelUpdate);
  world.updateChannel(secret.id, {
    overwrites: [
      { id: guild.id, deny: Bit.ViewChannel },
      { id: ben.id, allow: Bit.ViewChannel },
    ],
  });
  await changed;
  expect(await reads("ada")).toEqual(["general"]);
  expect(await reads("ben")).toEqual(["general", "secret"]);

  const promoted = once(client, Events.GuildRoleUpdate);
  world.updateRole(guild.id, insiders.id, { permissions: Bit.Administrator });
  await promoted;
  expect(await reads("ada")).toEqual(["admin", "general", "secret"]);

  const gone = once(client, Events.ChannelDelete);
  world.deleteChannel(general.id);
  await gone;
  expect(await reads("admin")).toEqual(["admin", "secret"]);
});

test("private threads are read by their members and, where they are not timed out, by those who manage threads", async () => {
  const { permissions, guild, viewers, privateThread, asleep, names, warnings } = await setUp();
  const reads = async (who: keyof typeof viewers) =>
    names(await permissions.readableThreads(guild.id, viewers[who], [privateThread.id, asleep.id]));
  expect(await reads("ada")).toEqual(["asleep", "private thread"]);
  expect(await reads("ben")).toEqual([]);
  expect(await reads("moderator")).toEqual(["asleep", "private thread"]);
  expect(await reads("boundModerator")).toEqual([]);
  expect(await reads("boundAda")).toEqual(["asleep", "private thread"]);
  expect(await reads("admin")).toEqual(["asleep", "private thread"]);
  // A no is an answer, not a failure.
  expect(warnings).toEqual([]);
});

test("a member of a private thread who cannot read its parent does not read it", async () => {
  const { client, world, permissions, guild, viewers, general, privateThread, ada } = await setUp();
  const changed = once(client, Events.ChannelUpdate);
  world.updateChannel(general.id, { overwrites: [{ id: ada.id, deny: Bit.ViewChannel }] });
  await changed;
  expect(await permissions.readableThreads(guild.id, viewers.ada, [privateThread.id])).toEqual([]);
});

test("leaving a private thread ends reading it", async () => {
  const { world, permissions, guild, viewers, asleep, ada } = await setUp();
  expect(await permissions.readableThreads(guild.id, viewers.ada, [asleep.id])).toEqual([asleep.id]);
  world.removeThreadMember(asleep.id, ada.id);
  expect(await permissions.readableThreads(guild.id, viewers.ada, [asleep.id])).toEqual([]);
});

test("when Discord gives no answer, the answer is no, and it is logged", async () => {
  const { faults, permissions, guild, viewers, privateThread, warnings } = await setUp();
  faults.fail({ match: /thread-members/, count: Number.POSITIVE_INFINITY, status: 500 });
  expect(await permissions.readableThreads(guild.id, viewers.ada, [privateThread.id])).toEqual([]);
  expect(warnings).toEqual(["permission:look-up-failed"]);
});

test("what is no private thread of the guild, or does not exist, is not read as one", async () => {
  const { permissions, guild, viewers, general, publicThread } = await setUp();
  const asked = [general.id, publicThread.id, "123456789012345678"];
  expect(await permissions.readableThreads(guild.id, viewers.admin, asked)).toEqual([]);
});

test("into an open channel only open channels are shared, into a closed one itself besides", async () => {
  const { permissions, guild, general, secret, names } = await setUp();
  const shared = async (id: string) => names(await permissions.readableByReadersOf(guild.id, id));
  expect(await shared(general.id)).toEqual(["general"]);
  expect(await shared(secret.id)).toEqual(["general", "secret"]);
});

test("into a thread is shared what its parent's readers read, and into a private one itself besides, known to a cache or not", async () => {
  const { permissions, guild, general, publicThread, privateThread, asleep } = await setUp();
  const shared = async (id: string) => [...(await permissions.readableByReadersOf(guild.id, id))].sort();
  expect(await shared(publicThread.id)).toEqual([general.id]);
  expect(await shared(privateThread.id)).toEqual([privateThread.id, general.id].sort());
  expect(await shared(asleep.id)).toEqual([asleep.id, general.id].sort());
});

test("a guild that Discord does not show is refused with a reason", async () => {
  const { permissions, viewers } = await setUp();
  await expect(permissions.readableChannels("1", viewers.ada)).rejects.toBeInstanceOf(UserError);
});
