import { once } from "node:events";
import { Events } from "discord.js";
import { PermissionFlagsBits as Bit } from "discord-api-types/v10";
import { expect, test } from "vitest";
import { type AdminMessage, createAdminChannel } from "../../../src/adapters/discord/admin-channel.ts";
import { TransientError, UserError } from "../../../src/errors.ts";
import { startDiscord } from "../../support/discord.ts";

const text = (content: string): AdminMessage => ({ body: { content } });

async function setUp() {
  const discord = await startDiscord();
  const client = await discord.login({ rest: { retries: 0 } });
  const channel = createAdminChannel(client, (content: AdminMessage) => content, discord.clock);
  const shown = (id: string) => discord.world.render(discord.world.getMessage(id));
  return { ...discord, client, channel, shown };
}

test("a message is posted with its file, and an edit replaces both", async () => {
  const { channel, adminChannel, shown } = await setUp();
  const withChart = (name: string): AdminMessage => ({
    body: { embeds: [{ title: name, image: { url: `attachment://${name}` } }] },
    files: [{ name, data: new Uint8Array([1, 2, 3]), contentType: "image/png" }],
  });
  const id = await channel.post(adminChannel.id, withChart("one.png"));
  expect(shown(id).embeds).toMatchObject([{ title: "one.png", image: { url: expect.stringContaining("/one.png") } }]);
  expect(await channel.edit(adminChannel.id, id, withChart("two.png"))).toBe(true);
  expect(shown(id).embeds).toMatchObject([{ title: "two.png", image: { url: expect.stringContaining("/two.png") } }]);
  expect(shown(id).attachments).toEqual([]);
});

test("nobody is pinged by what is posted", async () => {
  const { channel, adminChannel, requests } = await setUp();
  await channel.post(adminChannel.id, text("@everyone done"));
  expect(requests.at(-1)?.body).toMatchObject({ allowed_mentions: { parse: [] } });
});

test("a message that is gone cannot be edited, and says so", async () => {
  const { channel, world, adminChannel } = await setUp();
  const id = await channel.post(adminChannel.id, text("hello"));
  world.deleteMessage(id);
  expect(await channel.edit(adminChannel.id, id, text("bye"))).toBe(false);
});

test("a message about an hour old is not edited any more, without asking Discord", async () => {
  const { channel, adminChannel, clock, requests } = await setUp();
  const id = await channel.post(adminChannel.id, text("hello"));
  clock.advance(58 * 60_000);
  expect(await channel.edit(adminChannel.id, id, text("still here"))).toBe(true);
  clock.advance(2 * 60_000);
  const before = requests.length;
  expect(await channel.edit(adminChannel.id, id, text("too late"))).toBe(false);
  expect(requests).toHaveLength(before);
});

test("where the bot may not post, the error names what is missing and where", async () => {
  const { channel, client, world, guild } = await setUp();
  const created = once(client, Events.ChannelCreate);
  const overwrites = [{ id: world.bot.id, deny: Bit.SendMessages | Bit.EmbedLinks }];
  const closed = world.addChannel({ guildId: guild.id, name: "closed", overwrites });
  await created;
  await expect(channel.post(closed.id, text("hello"))).rejects.toThrow(
    new UserError(
      `I cannot post in <#${closed.id}>: I lack Send Messages, Embed Links there. Give my role that, or choose another channel.`,
    ),
  );
});

test("a channel that is gone is a UserError, a Discord that does not answer a TransientError", async () => {
  const { channel, adminChannel, faults, world, guild } = await setUp();
  const lost = world.addChannel({ guildId: guild.id, name: "lost" });
  world.deleteChannel(lost.id);
  await expect(channel.post(lost.id, text("hello"))).rejects.toThrow(/no longer exists/);
  faults.fail({ match: /messages/, status: 502 });
  await expect(channel.post(adminChannel.id, text("hello"))).rejects.toBeInstanceOf(TransientError);
});
