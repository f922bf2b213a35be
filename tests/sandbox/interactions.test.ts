import {
  ActionRowBuilder,
  ApplicationCommandType,
  ButtonBuilder,
  ButtonStyle,
  type ChatInputCommandInteraction,
  type Client,
  ContextMenuCommandBuilder,
  Events,
  type Interaction,
  MessageFlags,
  ModalBuilder,
  PermissionFlagsBits,
  SlashCommandBuilder,
  TextInputBuilder,
  TextInputStyle,
} from "discord.js";
import { describe, expect, it } from "vitest";
import { startDiscord, type TestDiscord } from "../support/discord.ts";

const searchCommand = new SlashCommandBuilder()
  .setName("search")
  .setDescription("Finds messages")
  .addStringOption((option) =>
    option.setName("query").setDescription("What to find").setRequired(true).setMaxLength(50),
  )
  .addChannelOption((option) => option.setName("channel").setDescription("Where"))
  .addUserOption((option) => option.setName("author").setDescription("Who"))
  .addStringOption((option) => option.setName("topic").setDescription("Topic").setAutocomplete(true));
const backfillCommand = new SlashCommandBuilder()
  .setName("backfill")
  .setDescription("Runs a backfill")
  .setDefaultMemberPermissions(PermissionFlagsBits.ManageGuild)
  .addSubcommand((subcommand) =>
    subcommand
      .setName("start")
      .setDescription("Starts")
      .addStringOption((option) =>
        option
          .setName("pace")
          .setDescription("How fast")
          .addChoices({ name: "Gentle", value: "gentle" }, { name: "Full", value: "full" }),
      ),
  )
  .addSubcommand((subcommand) => subcommand.setName("status").setDescription("Tells"));
const saveCommand = new ContextMenuCommandBuilder().setName("Save as note").setType(ApplicationCommandType.Message);

/** A discord.js bot with those three commands, answering by `answer`. */
async function startBot(answer: (interaction: Interaction) => Promise<unknown>) {
  const discord = await startDiscord();
  const client = await discord.login();
  await client.application.commands.set([searchCommand, backfillCommand, saveCommand]);
  const failures: unknown[] = [];
  client.on(Events.InteractionCreate, (interaction) => {
    answer(interaction).catch((thrown: unknown) => failures.push(thrown));
  });
  return { discord, client, failures };
}

function search(discord: TestDiscord, options: Record<string, string> = { query: "cats" }) {
  return discord.world.runCommand({ userId: discord.ada.id, channelId: discord.general.id, name: "search", options });
}

function row(...buttons: ButtonBuilder[]) {
  return new ActionRowBuilder<ButtonBuilder>().addComponents(buttons);
}

const nextButton = new ButtonBuilder().setCustomId("next").setLabel("Next").setStyle(ButtonStyle.Primary);
const goneButton = new ButtonBuilder()
  .setCustomId("gone")
  .setLabel("Gone")
  .setStyle(ButtonStyle.Secondary)
  .setDisabled(true);

describe("an interaction", () => {
  it("goes from command to deferred reply, edit, follow-up, button and update", async () => {
    const { discord, failures } = await startBot(async (interaction) => {
      if (interaction.isChatInputCommand()) {
        await interaction.deferReply();
        await interaction.editReply({
          content: `results for ${interaction.options.getString("query")} in ${interaction.options.getChannel("channel")?.name}`,
          components: [row(nextButton, goneButton)],
        });
        await interaction.followUp("and one more");
      }
      if (interaction.isButton()) await interaction.update({ content: "page 2", components: [] });
    });
    const handle = search(discord, { query: "cats", channel: discord.general.id, author: discord.ben.id });
    expect(await handle.acknowledged()).toMatchObject({ kind: "deferred-reply", ephemeral: false });
    const reply = await handle.response();
    expect(reply.content).toBe("results for cats in general");
    expect((await handle.followup()).content).toBe("and one more");
    const press = (customId: string) =>
      discord.world.pressButton({ userId: discord.ben.id, messageId: reply.id, customId });
    expect(() => press("gone")).toThrow("disabled");
    expect(() => press("missing")).toThrow("no component");
    const pressed = press("next");
    expect(await pressed.acknowledged()).toMatchObject({ kind: "update" });
    expect((await pressed.response()).content).toBe("page 2");
    expect(handle.reply()?.content).toBe("page 2");
    expect(failures).toEqual([]);
  });

  it("shows an ephemeral reply to its user alone and to no channel route", async () => {
    const { discord, client } = await startBot(async (interaction) => {
      if (interaction.isChatInputCommand()) {
        await interaction.reply({ content: "only you", flags: MessageFlags.Ephemeral, components: [row(nextButton)] });
      }
      if (interaction.isButton()) await interaction.deferUpdate().then(() => interaction.editReply("still only you"));
    });
    const handle = search(discord);
    const reply = await handle.response();
    expect(reply.flags).toBe(MessageFlags.Ephemeral);
    const contents = (userId: string) =>
      discord.world.visibleMessages(userId, discord.general.id).map(({ content }) => content);
    expect(contents(discord.ada.id)).toEqual(["only you"]);
    expect(contents(discord.ben.id)).toEqual([]);
    await expect(fetchMessage(client, discord.general.id, reply.id)).rejects.toMatchObject({ code: 10008 });
    expect(() =>
      discord.world.pressButton({ userId: discord.ben.id, messageId: reply.id, customId: "next" }),
    ).toThrow();
    const pressed = discord.world.pressButton({ userId: discord.ada.id, messageId: reply.id, customId: "next" });
    expect(await pressed.until((message) => message?.content === "still only you" && message)).toBeTruthy();
  });

  it("carries a modal there and back", async () => {
    const { discord } = await startBot(async (interaction) => {
      if (interaction.isMessageContextMenuCommand()) {
        const text = new TextInputBuilder()
          .setCustomId("text")
          .setLabel("Text")
          .setStyle(TextInputStyle.Paragraph)
          .setMaxLength(20);
        const modal = new ModalBuilder()
          .setCustomId("note")
          .setTitle(`Note on ${interaction.targetMessage.content}`)
          .addComponents(new ActionRowBuilder<TextInputBuilder>().addComponents(text));
        await interaction.showModal(modal);
      }
      if (interaction.isModalSubmit()) {
        await interaction.reply({
          content: `saved ${interaction.fields.getTextInputValue("text")}`,
          flags: MessageFlags.Ephemeral,
        });
      }
    });
    const { world, general, ada, ben } = discord;
    const message = world.postMessage({ channelId: general.id, authorId: ben.id, content: "worth keeping" });
    const opener = world.runMessageCommand({ userId: ada.id, messageId: message.id, name: "Save as note" });
    expect((await opener.modal()).title).toBe("Note on worth keeping");
    expect(() => world.submitModal({ opener, values: {} })).toThrow("required");
    expect(() => world.submitModal({ opener, values: { text: "x".repeat(21) } })).toThrow("too long");
    const submitted = world.submitModal({ opener, values: { text: "kept" } });
    expect((await submitted.response()).content).toBe("saved kept");
  });

  it("suggests choices while an option is typed", async () => {
    const { discord } = await startBot(async (interaction) => {
      if (interaction.isAutocomplete())
        await interaction.respond([{ name: interaction.options.getFocused(), value: "x" }]);
    });
    const handle = discord.world.autocomplete({
      userId: discord.ada.id,
      channelId: discord.general.id,
      name: "search",
      options: { topic: "ca" },
      focused: "topic",
    });
    expect(await handle.choices()).toEqual([{ name: "ca", value: "x" }]);
  });

  it("is refused on the member's side when Discord's client would refuse it", async () => {
    const { discord } = await startBot(async () => undefined);
    const { world, ada, ben, admin, general, secret } = discord;
    const run = (userId: string, name: string, more: object = {}) =>
      world.runCommand({ userId, channelId: general.id, name, ...more });
    expect(() => run(ada.id, "nothing")).toThrow('no command "nothing"');
    expect(() => run(ada.id, "search")).toThrow('"query" is required');
    expect(() => run(ada.id, "search", { options: { query: "x".repeat(51) } })).toThrow("at most 50");
    expect(() => run(ada.id, "search", { options: { query: "a", colour: "red" } })).toThrow('no option "colour"');
    expect(() => run(ada.id, "backfill", { subcommand: "status" })).toThrow("may not use");
    expect(() => run(admin.id, "backfill")).toThrow("choose one of start, status");
    expect(() => run(admin.id, "backfill", { subcommand: "start", options: { pace: "warp" } })).toThrow(
      "one of gentle, full",
    );
    expect(() => run(admin.id, "backfill", { subcommand: "start", options: { pace: "full" } })).not.toThrow();
    expect(() =>
      world.runCommand({ userId: ben.id, channelId: secret.id, name: "search", options: { query: "a" } }),
    ).toThrow("cannot see");
    expect(world.availableCommands(ada.id, general.id).map(({ definition }) => definition.name)).toEqual([
      "search",
      "Save as note",
    ]);
  });

  it("is unknown when acknowledged after three seconds", async () => {
    const late = deferred();
    const { discord } = await startBot(async (interaction) => {
      discord.clock.advance(3001);
      await (interaction as ChatInputCommandInteraction).reply("late").catch(late.resolve);
    });
    search(discord);
    expect(await late.promise).toMatchObject({ code: 10062, status: 404 });
  });

  it("can be acknowledged once", async () => {
    const second = deferred();
    const { discord, client } = await startBot(async (interaction) => {
      await (interaction as ChatInputCommandInteraction).reply("first");
      await client.rest
        .post(`/interactions/${interaction.id}/${interaction.token}/callback`, {
          body: { type: 4, data: { content: "second" } },
          auth: false,
        })
        .catch(second.resolve);
    });
    const handle = search(discord);
    expect(await second.promise).toMatchObject({ code: 40060 });
    expect(handle.reply()?.content).toBe("first");
  });

  it("cannot be answered with its token after fifteen minutes", async () => {
    const expired = deferred();
    const { discord } = await startBot(async (interaction) => {
      const command = interaction as ChatInputCommandInteraction;
      await command.deferReply();
      discord.clock.advance(15 * 60_000 + 1);
      await command.editReply("too late").catch(expired.resolve);
    });
    search(discord);
    expect(await expired.promise).toMatchObject({ code: 50027, status: 401 });
  });

  it("tells the member when the application does not respond", async () => {
    const { discord } = await startBot(async () => undefined);
    await expect(search(discord).acknowledged()).rejects.toThrow("did not respond");
  });

  it("gets its reply with the callback, and can fetch and delete it", async () => {
    const deleted = deferred();
    const { discord } = await startBot(async (interaction) => {
      const command = interaction as ChatInputCommandInteraction;
      const { resource } = await command.reply({ content: "soon gone", withResponse: true });
      const fetched = await command.fetchReply();
      await command.deleteReply();
      deleted.resolve([
        resource?.message?.id === fetched.id,
        await command.fetchReply().catch((error: unknown) => error),
      ]);
    });
    const handle = search(discord);
    expect(await deleted.promise).toMatchObject([true, { code: 10008 }]);
    expect(handle.reply()).toBeUndefined();
  });
});

async function fetchMessage(client: Client, channelId: string, messageId: string) {
  const channel = await client.channels.fetch(channelId);
  if (!channel?.isTextBased()) throw new Error("not a text channel");
  return channel.messages.fetch(messageId);
}

function deferred() {
  let resolve: (value: unknown) => void = () => undefined;
  const promise = new Promise<unknown>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
