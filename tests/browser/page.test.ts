// The page's parts one by one, in a real Chromium, with a small bot of the tests' own: everything that Discord's client does for a
// bot and its members, and what a hostile message must not do.

import {
  ActionRowBuilder,
  ApplicationCommandType,
  ButtonBuilder,
  ButtonStyle,
  type Client,
  Events,
  type Interaction,
  MessageFlags,
  type ModalActionRowComponentBuilder,
  ModalBuilder,
  ApplicationCommandOptionType as OptionType,
  StringSelectMenuBuilder,
  TextInputBuilder,
  TextInputStyle,
} from "discord.js";
import type { Locator, Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { type PageServer, servePage } from "../../sandbox/web/server.ts";
import { startDiscord, type TestDiscord } from "../support/discord.ts";
import { type Chromium, describeInChromium } from "./chromium.ts";

interface Setting {
  readonly discord: TestDiscord;
  readonly address: string;
  readonly client: Client<true>;
}

const servers: PageServer[] = [];
const windows: Page[] = [];
afterEach(async () => {
  await Promise.all(windows.splice(0).map((page) => page.context().close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A stand-in, a bot with a few commands, and the page. */
async function start(handle: (interaction: Interaction) => Promise<unknown> = async () => {}): Promise<Setting> {
  const discord = await startDiscord({ rateLimits: false });
  const client = await discord.login();
  client.on(Events.InteractionCreate, (interaction) => {
    handle(interaction).catch((thrown: unknown) => client.emit(Events.Error, thrown as Error));
  });
  await client.application.commands.set([
    { name: "form", description: "Opens a form" },
    {
      name: "pick",
      description: "Picks",
      options: [
        { type: OptionType.String, name: "fruit", description: "Which", autocomplete: true, required: true },
        { type: OptionType.Boolean, name: "ripe", description: "Is it" },
      ],
    },
    { name: "mark", type: ApplicationCommandType.Message },
  ]);
  const { guild, admin, ada, ben, general, world } = discord;
  const memberIds = [ada.id, ben.id, admin.id];
  const server = await servePage(world, { guildId: guild.id, memberIds, channelIds: [general.id], port: 0 });
  servers.push(server);
  return { discord, address: server.url, client };
}

describeInChromium("the page", (chromium: Chromium) => {
  const open = async (...args: Parameters<Chromium["open"]>) => {
    const page = await chromium.open(...args);
    windows.push(page);
    return page;
  };
  const box = (page: Page) => page.locator("message-box textarea");
  const message = (page: Page, text: string | RegExp) => page.locator("discord-message", { hasText: text }).last();
  async function run(page: Page, line: string): Promise<void> {
    await box(page).fill("/");
    await page.getByRole("option").first().waitFor();
    await box(page).fill(line);
    await box(page).press("Enter");
  }

  test("messages written, edited and deleted show at once, in every window", async () => {
    const { discord, address } = await start();
    const [here, there] = [await open(address), await open(address)];
    await box(here).fill("hello @Ben, **see** #general");
    await box(here).press("Enter");
    await message(there, /hello.*Ben.*see.*general/s).waitFor();
    const [written] = discord.general.messages.all();
    expect(written?.content).toBe(`hello <@${discord.ben.id}>, **see** <#${discord.general.id}>`);
    expect(written?.authorId).toBe(discord.ada.id);
    discord.world.editMessage(written?.id ?? "", { content: "goodbye" });
    await message(there, "goodbye").getByText("(edited)").waitFor();
    discord.world.deleteMessage(written?.id ?? "");
    await expect.poll(() => there.locator("discord-message").count()).toBe(0);
    chromium.expectNoComplaints();
  });

  test("markup in any text of a message stays text", async () => {
    const { discord, address } = await start();
    const { world, general, guild } = discord;
    const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    const author = world.addMember(guild.id, { username: evil.slice(0, 80) });
    world.addThread({ parentId: general.id, name: evil.slice(0, 90), memberIds: [discord.ada.id] });
    const original = world.postMessage({
      channelId: general.id,
      authorId: author.userId,
      content: `**${evil}** ||${evil}|| [${evil}](javascript:document.title='owned') \`${evil}\` > ${evil}`,
      attachments: [
        { filename: `${evil.slice(0, 40)}.txt`, data: "x" },
        { filename: "a.png", description: evil },
      ],
      embeds: [
        {
          title: evil,
          url: "javascript:document.title='owned'",
          description: evil,
          author: { name: evil, url: "javascript:document.title='owned'" },
          footer: { text: evil },
          fields: [{ name: evil, value: evil, inline: true }],
        },
      ],
      poll: { question: evil, answers: [evil] },
    });
    world.postMessage({ channelId: general.id, authorId: discord.ben.id, content: "what?", replyTo: original.id });
    const page = await open(address);
    await message(page, "what?").waitFor();
    await message(page, "document.title").first().click();
    for (const text of ["onerror", "<script>"]) expect(await page.getByText(text).count()).toBeGreaterThan(5);
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(await page.locator("a[href^=javascript]").count()).toBe(0);
    expect(await page.title()).not.toBe("owned");
    chromium.expectNoComplaints();
  });

  test("markdown shows as Discord shows it, and a spoiler opens by key", async () => {
    const { discord, address } = await start();
    const { world, general, ben, secret } = discord;
    const hourAgo = Math.floor(Date.now() / 1000) - 3_700;
    world.postMessage({
      channelId: general.id,
      authorId: ben.id,
      content: `# Title\n> quote\n\`code\` **bold** <t:${hourAgo}:R> <#${general.id}> <#${secret.id}> ||hidden||\n\`\`\`\nblock\n\`\`\``,
    });
    const page = await open(address);
    const shown = message(page, "Title");
    await shown.getByRole("heading", { name: "Title" }).waitFor();
    await shown.locator("blockquote", { hasText: "quote" }).waitFor();
    await shown.locator("discord-time", { hasText: "1 hour ago" }).waitFor();
    await shown.locator("discord-code[multiline]", { hasText: "block" }).waitFor();
    await shown.getByRole("link", { name: "general" }).waitFor();
    const spoiler = shown.getByRole("button", { name: "Spoiler" });
    await spoiler.focus();
    await spoiler.press("Enter");
    expect(await shown.locator("discord-spoiler").getAttribute("activated")).not.toBeNull();
    chromium.expectNoComplaints();
  });

  test("pictures of a message and of an embed load from the page's own server, with their alt texts", async () => {
    const { discord, address, client } = await start();
    const channel = await client.channels.fetch(discord.general.id);
    if (!channel?.isSendable()) throw new Error("the bot cannot write");
    const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>');
    const file = (name: string, description: string) => ({ attachment: drawing, name, description });
    await channel.send({ content: "a file", files: [file("plan.svg", "The plan")] });
    await channel.send({
      embeds: [{ title: "a chart", image: { url: "attachment://chart.svg" } }],
      files: [file("chart.svg", "Bars per month")],
    });
    const page = await open(address);
    for (const alt of ["The plan", "Bars per month"]) {
      const image = page.getByRole("img", { name: alt });
      await expect.poll(() => image.evaluate((element: { naturalWidth?: number }) => element.naturalWidth)).toBe(40);
    }
    chromium.expectNoComplaints();
  });

  test("a form that the bot opens is filled in and sent; Esc closes it", async () => {
    const { address } = await start(async (interaction) => {
      if (interaction.isModalSubmit()) {
        const text = interaction.fields.getTextInputValue("text");
        await interaction.reply({ content: `noted: ${text}`, flags: MessageFlags.Ephemeral });
      }
      if (!interaction.isChatInputCommand()) return;
      const input = new TextInputBuilder()
        .setCustomId("text")
        .setLabel("What to keep")
        .setStyle(TextInputStyle.Paragraph);
      const row = new ActionRowBuilder<ModalActionRowComponentBuilder>().addComponents(input.setMinLength(3));
      await interaction.showModal(new ModalBuilder().setCustomId("keep").setTitle("A note").addComponents(row));
    });
    const page = await open(address);
    await run(page, "/form");
    const form = page.getByRole("dialog", { name: "A note" });
    await form.waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => form.count()).toBe(0);

    await run(page, "/form");
    await form.getByLabel("What to keep").fill("the <b>kettle</b>");
    await form.getByRole("button", { name: "Submit" }).click();
    const reply = message(page, "noted: the <b>kettle</b>");
    await reply.getByText("Only you can see this").waitFor();
    await expect.poll(() => form.count()).toBe(0);
    await reply.getByText("Dismiss message").click();
    await expect.poll(() => reply.count()).toBe(0);
    chromium.expectNoComplaints();
  });

  test("buttons and menus work by mouse and by key; a disabled button cannot be reached", async () => {
    const { discord, address, client } = await start(async (interaction) => {
      if (interaction.isButton()) await interaction.update({ content: `pressed ${interaction.customId}` });
      if (interaction.isStringSelectMenu())
        await interaction.update({ content: `chose ${interaction.values.join(", ")}` });
    });
    const buttons = new ActionRowBuilder<ButtonBuilder>().addComponents(
      new ButtonBuilder().setCustomId("yes").setLabel("Yes").setStyle(ButtonStyle.Primary),
      new ButtonBuilder().setCustomId("no").setLabel("No").setStyle(ButtonStyle.Secondary).setDisabled(true),
    );
    const menu = new ActionRowBuilder<StringSelectMenuBuilder>().addComponents(
      new StringSelectMenuBuilder()
        .setCustomId("menu")
        .setPlaceholder("Which one?")
        .addOptions({ label: "One", value: "1" }, { label: "Two", value: "2", description: "the second" }),
    );
    const channel = await client.channels.fetch(discord.general.id);
    if (!channel?.isSendable()) throw new Error("the bot cannot write");
    await channel.send({ content: "ask", components: [buttons, menu] });
    const page = await open(address);
    await page.getByRole("button", { name: "Yes" }).focus();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.localName")).toBe("discord-string-select-menu");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await message(page, "pressed yes").waitFor();
    await page.getByRole("listbox", { name: "Which one?" }).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await message(page, "chose 2").waitFor();
    await page.getByRole("listbox", { name: "Which one?" }).click();
    await page.getByRole("option", { name: "One" }).click();
    await message(page, "chose 1").waitFor();
    chromium.expectNoComplaints();
  });

  test("the bot's suggestions are offered while one types, and their values are sent", async () => {
    const { address } = await start(async (interaction) => {
      if (interaction.isAutocomplete()) {
        const typed = interaction.options.getFocused();
        const fruits = ["Apple", "Apricot", "Pear"].filter((name) => name.toLowerCase().includes(typed));
        await interaction.respond(fruits.map((name) => ({ name: `${name} tree`, value: `id-${name.length}!` })));
      }
      if (!interaction.isChatInputCommand()) return;
      await interaction.deferReply();
      const { options } = interaction;
      await interaction.editReply(`${options.getString("fruit")} ${options.getBoolean("ripe")}`);
    });
    const page = await open(address);
    await box(page).focus();
    await page.keyboard.type("/pi");
    await page.getByRole("option", { name: "/pick" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type("ap");
    await page.getByRole("option", { name: "Apricot tree" }).waitFor();
    await expect.poll(() => page.getByRole("option").count()).toBe(2);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await box(page).inputValue()).toBe("/pick fruit: Apricot tree ");
    await page.keyboard.type("ripe: tr");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await message(page, "id-7! true").waitFor();
    chromium.expectNoComplaints();
  });

  test("a message's menu opens by key, and gives the focus back", async () => {
    const { discord, address } = await start(async (interaction) => {
      if (interaction.isMessageContextMenuCommand()) {
        await interaction.reply({ content: `marked ${interaction.targetId}`, flags: MessageFlags.Ephemeral });
      }
    });
    const { world, general, ben } = discord;
    const [first, last] = ["first", "last"].map((content, index) =>
      world.postMessage({ channelId: general.id, authorId: ben.id, content, timestamp: Date.now() - 60_000 + index }),
    );
    const page = await open(address);
    await message(page, "last").focus();
    await page.keyboard.press("ArrowUp");
    const focusedId = () => page.evaluate("document.activeElement.dataset.id");
    expect(await focusedId()).toBe(first?.id);
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Reply" }).waitFor();
    await page.keyboard.press("Escape");
    expect(await focusedId()).toBe(first?.id);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Shift+F10");
    await page.getByRole("menuitem", { name: "mark" }).waitFor();
    await page.keyboard.press("m");
    await page.keyboard.press("Enter");
    await message(page, `marked ${last?.id}`).waitFor();
    const other = await open(address);
    await other.getByRole("button", { name: /Switch member/ }).click();
    await other.getByRole("menuitemradio", { name: "Ben" }).click();
    await message(other, "last").waitFor();
    expect(await other.getByText("marked").count()).toBe(0);
    chromium.expectNoComplaints();
  });

  test("light or dark is the system's choice at first, then one's own", async () => {
    const { address } = await start();
    const page = await open(address, { colorScheme: "light" });
    const theme = () => page.locator("html").getAttribute("data-theme");
    expect(await theme()).toBe("light");
    await page.getByRole("button", { name: "Light theme" }).click();
    expect(await theme()).toBe("dark");
    await page.reload();
    await box(page).waitFor();
    expect(await theme()).toBe("dark");
    chromium.expectNoComplaints();
  });

  test("nothing scrolls sideways on a telephone, and the channel one is in stands in the list", async () => {
    const { discord, address } = await start();
    const { guild, ada, world } = discord;
    for (let n = 0; n < 30; n += 1) world.addChannel({ guildId: guild.id, name: `another-${n}` });
    const topic = "What this channel is for, in a sentence that goes on for much longer than a telephone is wide";
    const last = world.addChannel({ guildId: guild.id, name: "the-last-of-all-the-channels-there-are", topic });
    const { id } = world.postMessage({
      channelId: last.id,
      authorId: ada.id,
      content: `https://example.org/${"x".repeat(300)}`,
    });
    const code = "const answer = everything.that.is.on.one.line.of.code(andSoOn, andSoForth, untilTheEnd);";
    world.postMessage({ channelId: last.id, authorId: ada.id, content: `\`\`\`js\n${code}\n\`\`\`` });
    world.postMessage({ channelId: last.id, authorId: ada.id, content: "an answer to that", replyTo: id });
    const page = await open(`${address}#${last.id}`, { viewport: { width: 390, height: 844 } });
    await message(page, "an answer to that").waitFor();
    const whole = page.locator("html");
    expect(await whole.evaluate((root) => root.scrollWidth - root.clientWidth)).toBe(0);
    const scroller = page.locator(".scroller");
    expect(await scroller.evaluate((log) => log.scrollWidth - log.clientWidth)).toBe(0);
    await expect.poll(() => isInView(page.locator("a.channel[aria-current]"))).toBe(true);
  });

  test("what only looks like a command is sent as it is written", async () => {
    const { address } = await start();
    const page = await open(address);
    for (const line of ["before:2026-07-01 laser", "/usr/bin/env node", "ripe: yes, pick: no"]) {
      await box(page).fill(line);
      await page.keyboard.press("Enter");
      await message(page, line).waitFor();
    }
  });

  test("a bot that does not answer, and a command that does not exist, are said under the box", async () => {
    const { address } = await start();
    const page = await open(address);
    await run(page, "/nothing here");
    await page.getByRole("alert").getByText("There is no command /nothing").waitFor();
    await run(page, "/form");
    await page.getByRole("alert").getByText("The application did not respond").waitFor();
    chromium.expectNoComplaints();
  });
});

function isInView(element: Locator): Promise<boolean> {
  return element.evaluate((one) => {
    const list = one.closest(".channels")?.getBoundingClientRect();
    const { top, bottom } = one.getBoundingClientRect();
    return list !== undefined && top >= list.top - 1 && bottom <= list.bottom + 1;
  });
}
