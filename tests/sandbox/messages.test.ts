import {
  ActionRowBuilder,
  AttachmentBuilder,
  ButtonBuilder,
  ButtonStyle,
  type Client,
  EmbedBuilder,
  type TextChannel,
} from "discord.js";
import { describe, expect, it } from "vitest";
import { startDiscord, type TestDiscordOptions } from "../support/discord.ts";

async function start(options?: TestDiscordOptions) {
  const discord = await startDiscord(options);
  const client = await discord.login();
  return { discord, client, channel: await textChannel(client, discord.general.id) };
}

async function textChannel(client: Client, id: string): Promise<TextChannel> {
  return (await client.channels.fetch(id)) as TextChannel;
}

describe("a message", () => {
  it("is written, edited and deleted by the bot", async () => {
    const { discord, channel } = await start();
    const message = await channel.send({
      content: "first",
      embeds: [new EmbedBuilder().setTitle("Title").addFields({ name: "a", value: "b" })],
    });
    expect(message.embeds[0]?.fields).toEqual([{ name: "a", value: "b", inline: false }]);
    const edited = await message.edit("second");
    expect([edited.content, edited.embeds.length, edited.editedTimestamp !== null]).toEqual(["second", 1, true]);
    await message.delete();
    expect(discord.world.findMessage(message.id)).toBeUndefined();
    await expect(channel.messages.fetch(message.id)).rejects.toMatchObject({ code: 10008, status: 404 });
  });

  it("carries files with alt text, which are served over HTTP", async () => {
    const { channel } = await start();
    const file = new AttachmentBuilder(Buffer.from("hello"), { name: "notes.txt", description: "what we said" });
    const message = await channel.send({ files: [file] });
    const attachment = message.attachments.first();
    expect(attachment).toMatchObject({ name: "notes.txt", description: "what we said", size: 5 });
    const served = await fetch(attachment?.url ?? "");
    expect([served.status, await served.text()]).toEqual([200, "hello"]);
    const kept = await message.edit({ content: "still here" });
    expect(kept.attachments.size).toBe(1);
    const replaced = await message.edit({
      attachments: [],
      files: [new AttachmentBuilder(Buffer.from("new"), { name: "new.txt" })],
    });
    expect(replaced.attachments.map(({ name }) => name)).toEqual(["new.txt"]);
  });

  it("shows an uploaded chart inside its embed", async () => {
    const { channel } = await start();
    const message = await channel.send({
      embeds: [new EmbedBuilder().setTitle("By month").setImage("attachment://chart.png")],
      files: [new AttachmentBuilder(Buffer.from("png"), { name: "chart.png" })],
    });
    expect(message.attachments.size).toBe(0);
    const served = await fetch(message.embeds[0]?.image?.url ?? "");
    expect([served.headers.get("content-type"), await served.text()]).toEqual(["image/png", "png"]);
  });

  it("carries replies, polls, forwards, embeds and files of members", async () => {
    const { discord, channel } = await start();
    const { world, general, ada, ben } = discord;
    const base = { channelId: general.id, authorId: ada.id };
    const first = world.postMessage({ ...base, content: `ask <@${ben.id}>` });
    const reply = world.postMessage({ ...base, content: "so?", replyTo: first.id });
    const poll = world.postMessage({ ...base, poll: { question: "Tea?", answers: ["Yes", "No"] } });
    const forward = world.postMessage({ ...base, forward: first.id });
    const file = world.postMessage({
      ...base,
      attachments: [{ filename: "cat.png", description: "a cat", data: "png" }],
    });
    const embed = world.postMessage({ ...base, embeds: [{ title: "Linked" }] });
    expect((await channel.messages.fetch(first.id)).mentions.users.has(ben.id)).toBe(true);
    expect((await (await channel.messages.fetch(reply.id)).fetchReference()).content).toContain("ask");
    expect((await channel.messages.fetch(poll.id)).poll?.answers.map(({ text }) => text)).toEqual(["Yes", "No"]);
    expect((await channel.messages.fetch(forward.id)).messageSnapshots.first()?.content).toContain("ask");
    expect((await channel.messages.fetch(file.id)).attachments.first()?.description).toBe("a cat");
    expect((await channel.messages.fetch(embed.id)).embeds[0]?.title).toBe("Linked");
  });

  it("has a file with other than plain letters in its name under a plain one, and the real one as its title", async () => {
    const { discord, channel } = await start();
    const names = ["Gebührenordnung.pdf", "画像.png", "my file.txt", "plain-1.txt"];
    const { id } = discord.world.postMessage({
      channelId: discord.general.id,
      authorId: discord.ada.id,
      attachments: names.map((filename) => ({ filename, data: "x" })),
    });
    const files = (await channel.messages.fetch(id)).attachments.map(({ name, title }) => [name, title]);
    expect(files).toEqual([
      ["Gebhrenordnung.pdf", "Gebührenordnung"],
      ["_.png", "画像"],
      ["my_file.txt", null],
      ["plain-1.txt", null],
    ]);
  });

  it("is found before, after and around another, and at most 100 at once", async () => {
    const { discord, client, channel } = await start();
    const { world, general, ada } = discord;
    const ids = Array.from(
      { length: 10 },
      (_, index) => world.postMessage({ channelId: general.id, authorId: ada.id, content: `${index}` }).id,
    );
    const contents = async (options: object) =>
      (await channel.messages.fetch({ cache: false, ...options })).map(({ content }) => content);
    expect(await contents({ before: ids[3], limit: 2 })).toEqual(["2", "1"]);
    expect(await contents({ after: ids[3], limit: 2 })).toEqual(["5", "4"]);
    expect(await contents({ around: ids[5], limit: 3 })).toEqual(["6", "5", "4"]);
    expect(await contents({ limit: 3 })).toEqual(["9", "8", "7"]);
    expect(await contents({ after: "0", limit: 1 })).toEqual(["0"]);
    const tooMany = client.rest.get(`/channels/${general.id}/messages`, {
      query: new URLSearchParams({ limit: "101" }),
    });
    await expect(tooMany).rejects.toMatchObject({ code: 50035 });
  });

  it("has an id that tells its time by the world's clock, whatever its order of arrival", async () => {
    const { discord, channel } = await start();
    const { world, general, ada, clock } = discord;
    const base = { channelId: general.id, authorId: ada.id };
    const old = world.postMessage({ ...base, content: "old", timestamp: Date.UTC(2020, 4, 1) });
    clock.advance(86_400_000);
    const later = world.postMessage({ ...base, content: "tomorrow" });
    expect((await channel.messages.fetch(old.id)).createdAt.toISOString()).toBe("2020-05-01T00:00:00.000Z");
    expect((await channel.messages.fetch(later.id)).createdTimestamp).toBeGreaterThan(Date.now() + 80_000_000);
  });

  it("reads as empty over REST when the application has no message content", async () => {
    const { discord } = await start({ privilegedIntents: { messageContent: true } });
    const blind = await startDiscord({ privilegedIntents: { messageContent: false } });
    const client = await blind.login({ intents: ["Guilds", "GuildMessages"] });
    for (const each of [discord, blind])
      each.world.postMessage({ channelId: each.general.id, authorId: each.ada.id, content: "words" });
    const channel = await textChannel(client, blind.general.id);
    expect((await channel.messages.fetch({ limit: 1 })).first()?.content).toBe("");
    expect((await client.application.fetch()).flags.has("GatewayMessageContentLimited")).toBe(false);
  });

  it("is deleted in bulk, but not when older than two weeks", async () => {
    const { discord, channel } = await start();
    const { world, general, ada } = discord;
    const base = { channelId: general.id, authorId: ada.id };
    const ids = ["a", "b", "c"].map((content) => world.postMessage({ ...base, content }).id);
    await channel.bulkDelete(ids.slice(0, 2));
    expect(world.visibleMessages(ada.id, general.id).map(({ content }) => content)).toEqual(["c"]);
    const old = world.postMessage({ ...base, content: "old", timestamp: Date.now() - 15 * 86_400_000 });
    await expect(channel.bulkDelete([ids[2] ?? "", old.id])).rejects.toMatchObject({ code: 50034 });
  });
});

describe("Discord's limits", () => {
  const button = (id: string, label = "x") =>
    new ButtonBuilder().setCustomId(id).setLabel(label).setStyle(ButtonStyle.Primary).toJSON();
  const row = (...components: object[]) => ({ type: 1, components });
  const embed = (more: object) => ({ embeds: [{ title: "t", ...more }] });
  const refused: [string, object][] = [
    ["content over 2,000 characters", { content: "x".repeat(2001) }],
    ["an embed title over 256", { embeds: [{ title: "x".repeat(257) }] }],
    ["an embed description over 4,096", embed({ description: "x".repeat(4097) })],
    ["26 embed fields", embed({ fields: Array.from({ length: 26 }, () => ({ name: "a", value: "b" })) })],
    ["a field name over 256", embed({ fields: [{ name: "x".repeat(257), value: "b" }] })],
    ["a field value over 1,024", embed({ fields: [{ name: "a", value: "x".repeat(1025) }] })],
    ["an empty field value", embed({ fields: [{ name: "a", value: "" }] })],
    ["a footer over 2,048", embed({ footer: { text: "x".repeat(2049) } })],
    ["an author over 256", embed({ author: { name: "x".repeat(257) } })],
    [
      "embeds of more than 6,000 characters together",
      { embeds: [{ description: "x".repeat(3001) }, { description: "x".repeat(3001) }] },
    ],
    ["11 embeds", { embeds: Array.from({ length: 11 }, () => ({ title: "t" })) }],
    ["an empty embed", { embeds: [{}] }],
    ["six rows", { components: Array.from({ length: 6 }, (_, index) => row(button(`b${index}`))) }],
    ["six buttons in a row", { components: [row(...Array.from({ length: 6 }, (_, index) => button(`b${index}`)))] }],
    ["a custom id over 100", { components: [row({ ...button("b"), custom_id: "x".repeat(101) })] }],
    ["a label over 80", { components: [row({ ...button("b"), label: "x".repeat(81) })] }],
    ["the same custom id twice", { components: [row(button("b"), button("b"))] }],
  ];

  it("refuse each oversized part with error 50035", async () => {
    // The requests break the official description too, on purpose.
    const { discord, client } = await start({ mayViolate: true, rateLimits: false });
    for (const [what, body] of refused) {
      const sent = client.rest.post(`/channels/${discord.general.id}/messages`, { body: { content: "x", ...body } });
      await expect(sent, what).rejects.toMatchObject({ code: 50035, status: 400 });
    }
  });

  it("refuse an empty message with error 50006", async () => {
    const { discord, client } = await start();
    const sent = client.rest.post(`/channels/${discord.general.id}/messages`, { body: { content: "  " } });
    await expect(sent).rejects.toMatchObject({ code: 50006 });
  });

  it("let the largest allowed message through", async () => {
    const { channel } = await start();
    const builder = new EmbedBuilder().setTitle("t".repeat(256)).setDescription("d".repeat(4096));
    for (let index = 0; index < 25; index++) builder.addFields({ name: "n", value: "v".repeat(60) });
    const rows = Array.from({ length: 5 }, (_, r) =>
      new ActionRowBuilder<ButtonBuilder>().addComponents(
        Array.from({ length: 5 }, (_, b) =>
          new ButtonBuilder().setCustomId(`${r}-${b}`).setLabel("l".repeat(80)).setStyle(ButtonStyle.Primary),
        ),
      ),
    );
    const sent = await channel.send({ content: "ü".repeat(2000), embeds: [builder], components: rows });
    expect(sent.components).toHaveLength(5);
  });
});
