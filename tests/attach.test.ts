// Backscroll added to a bot that exists already: the host's commands, listeners and messages stay the host's.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Client, Events, GatewayIntentBits, MessageFlags, Options, Routes } from "discord.js";
import { describe, expect, test } from "vitest";
import { attachBackscroll } from "../src/attach.ts";
import {
  closeAfterTest,
  PATIENCE_MS,
  quick,
  startBackscroll,
  temporaryFolder,
  textOf,
  until,
} from "./support/backscroll.ts";
import { startDiscord, type TestDiscord } from "./support/discord.ts";

const OPTIONS = { log: "silent", thresholds: { diskLowBytes: 50e6 } } as const;

/** Commands of a host bot, one named like ours; its answers, its listeners and its buttons. */
async function hostOn(client: Client): Promise<{ readonly heard: string[] }> {
  const heard: string[] = [];
  client.on(Events.InteractionCreate, async (interaction) => {
    heard.push(
      interaction.isCommand() ? interaction.commandName : interaction.isButton() ? interaction.customId : "other",
    );
    if (interaction.isChatInputCommand() && interaction.commandName === "search") {
      await interaction.reply({ content: "The catalogue says no.", flags: MessageFlags.Ephemeral });
    }
    if (interaction.isChatInputCommand() && interaction.commandName === "shop") {
      const buy = { type: 2, style: 1, label: "Buy", custom_id: "shop:buy" } as const;
      await interaction.reply({ content: "The shop is open.", components: [{ type: 1, components: [buy] }] });
    }
    if (interaction.isButton() && interaction.customId === "shop:buy") await interaction.reply("Sold!");
  });
  client.on(Events.MessageCreate, async (message) => {
    if (message.content === "!ping") await message.reply("pong");
  });
  return { heard };
}

const hostCommands = ["search", "shop"].map((name) => ({ name, description: `The host's ${name}` }));

async function registerHost(client: Client<true>): Promise<void> {
  await client.rest.put(Routes.applicationCommands(client.application.id), { body: hostCommands });
}

const commandNames = ({ world }: TestDiscord) =>
  [...world.state.commands.values()].map(({ definition }) => definition.name).sort();

/** How many listeners each event has, of the client and of its raw gateway dispatches. */
function listeners(client: Client): Record<string, number> {
  const of = (prefix: string, emitter: { eventNames(): (string | symbol)[]; listenerCount(event: never): number }) =>
    emitter.eventNames().map((event) => [`${prefix} ${String(event)}`, emitter.listenerCount(event as never)] as const);
  return Object.fromEntries([...of("client", client), ...of("ws", client.ws), ...of("rest", client.rest as never)]);
}

async function attached(client: Client, options: Partial<Parameters<typeof attachBackscroll>[1]> = {}) {
  const backscroll = await attachBackscroll(client, { ...OPTIONS, dataDir: await temporaryFolder(), ...options });
  closeAfterTest(() => backscroll.stop());
  return backscroll;
}

describe("a host bot with a search of its own", () => {
  test("answers its commands, buttons and messages itself, and Backscroll answers only its own", async () => {
    const bot = await startBackscroll({ commandPrefix: "bs-", registerCommands: false });
    const { world, client, ada, general } = bot;
    await bot.backscroll.stop();
    await registerHost(client);
    const host = await hostOn(client);
    await bot.attach({ registerCommands: true });
    expect(commandNames(bot)).toEqual(
      ["Find similar", "Save as note"]
        .map((name) => `bs-${name}`)
        .concat(["bs-backfill", "bs-note", "bs-privacy", "bs-search", "search", "shop"]),
    );

    const id = bot.say(ada.id, "a bench made of oak");
    await bot.untilFound(ada.id, "“bench made of oak”", id);
    const ours = await bot.type(ada.id, "bs-search", { query: "oak" });
    expect(textOf(ours)).toContain("bench made of **oak**");

    const theirs = world.runCommand({ userId: ada.id, channelId: general.id, name: "search" });
    expect(textOf(await theirs.response())).toBe("The catalogue says no.");
    const shop = await bot.type(ada.id, "shop");
    expect(textOf(shop)).toBe("The shop is open.");
    expect(textOf(await bot.press(ada.id, shop, "Buy"))).toBe("Sold!");
    bot.say(ada.id, "!ping");
    const pong = await world.waitForMessage(general.id, ({ content }) => content === "pong", PATIENCE_MS);
    expect(pong.author.id).toBe(world.bot.id);
    expect(host.heard).toContain("shop:buy");
    // Whoever answers an interaction twice is told so by Discord; the log would have it.
    expect(bot.logged.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  });

  test("keeps Backscroll out of commands it does not register: registerCommands: false sends nothing", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const client = await discord.login(quick());
    await registerHost(client);
    const before = discord.requests.length;
    const backscroll = await attached(client, { registerCommands: false, commandPrefix: "bs-" });
    await backscroll.ready;
    expect(commandNames(discord)).toEqual(["search", "shop"]);
    expect(discord.requests.slice(before).filter(({ path }) => path.includes("/commands"))).toEqual([]);
    // The host registers them itself, with its own, in one go.
    const body = [...hostCommands, ...backscroll.commandDefinitions];
    await client.rest.put(Routes.applicationCommands(client.application.id), { body });
    const { world, ada, general } = discord;
    const handle = world.runCommand({
      userId: ada.id,
      channelId: general.id,
      name: "bs-search",
      options: { query: "x" },
    });
    expect(textOf(await handle.response(PATIENCE_MS))).toContain("Nothing that can be read here is searchable yet");
  });

  test("is asked for no command writes by a second start, unless a definition changed", async () => {
    const bot = await startBackscroll();
    const writes = () => bot.requests.filter(({ method, path }) => method !== "GET" && /\/commands/.test(path)).length;
    const first = writes();
    expect(first).toBe(bot.backscroll.commandDefinitions.length);
    await bot.whileAway(() => undefined);
    expect(writes()).toBe(first);

    // An older version said something else, and remembers that it did.
    const memoryFile = join(bot.dataDir, "registered-commands.json");
    const older = (await readFile(memoryFile, "utf8")).replace("Keep notes that the search", "What an older version");
    await writeFile(memoryFile, older);
    const note = [...bot.world.state.commands.values()].find(({ definition }) => definition.name === "note");
    if (note === undefined) throw new Error("/note is not registered");
    note.definition = {
      ...note.definition,
      description: "What an older version finds like messages",
    } as typeof note.definition;
    await bot.whileAway(() => undefined);
    expect(writes()).toBe(first + 1);
    const again = [...bot.world.state.commands.values()].find(({ definition }) => definition.name === "note");
    expect(again?.definition).toMatchObject({ description: "Keep notes that the search finds like messages" });
  });
});

describe("a host bot with a search of its own, and no prefix", () => {
  test("keeps its search; status, the admin channel and the log say what to do, and the prefix is the way out", {
    timeout: 90_000,
  }, async () => {
    const bot = await startBackscroll({ registerCommands: false });
    const { world, client, ada, admin, general, adminChannel } = bot;
    const host = await hostOn(client);
    await registerHost(client);
    await bot.backscroll.stop();
    await bot.attach({ registerCommands: true });
    expect(commandNames(bot)).toEqual([
      "Find similar",
      "Save as note",
      "backfill",
      "note",
      "privacy",
      "search",
      "shop",
    ]);
    const search = world.runCommand({ userId: ada.id, channelId: general.id, name: "search" });
    expect(textOf(await search.response())).toBe("The catalogue says no.");
    expect(host.heard).toEqual(["search"]);

    const said = "**/search** is another command of this bot";
    const status = textOf(await bot.type(admin.id, "backfill status"));
    expect(status).toContain(said);
    expect(status).toContain("`commandPrefix`");
    expect((await bot.backscroll.status(bot.guild.id)).hostProblems).toEqual([
      { kind: "command-taken", command: "/search" },
    ]);
    expect(bot.logged).toContainEqual({
      level: "warn",
      event: "command:name-taken",
      fields: expect.objectContaining({ command: "/search", remedy: expect.stringContaining("commandPrefix") }),
    });
    // Whoever answers an interaction twice is told so by Discord; the log would have it.
    expect(bot.logged.filter(({ event }) => event.startsWith("interaction:"))).toEqual([]);

    // The admins chose where to be told, and the bot was started again.
    await bot.type(admin.id, "backfill start", { "report-to": adminChannel.id });
    await bot.whileAway(() => undefined);
    await bot.backscroll.stop();
    await bot.attach({ registerCommands: true });
    await world.waitForMessage(adminChannel.id, (message) => textOf(message).includes(said), PATIENCE_MS);

    await bot.backscroll.stop();
    await bot.attach({ registerCommands: true, commandPrefix: "bs-" });
    expect(commandNames(bot)).toContain("bs-search");
    expect((await bot.backscroll.status(bot.guild.id)).hostProblems).toEqual([]);
  });
});

describe("a client that does not ask for what is needed", () => {
  test.each([
    ["Guilds", GatewayIntentBits.GuildMessages | GatewayIntentBits.MessageContent, "it knows neither its servers"],
    ["GuildMessages", GatewayIntentBits.Guilds | GatewayIntentBits.MessageContent, "it does not hear what is written"],
    ["MessageContent", GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages, "every message reads as empty"],
  ])("%s: the reply to a command, status and analyze name it", async (intent, intents, because) => {
    const bot = await startBackscroll({ client: { intents } });
    const { admin } = bot;
    const reply = textOf(await bot.type(admin.id, "search", { query: "anything" }));
    expect(reply).toContain(`the intent **${intent}**: ${because}`);
    expect(reply).not.toContain(`Backscroll is not ready`);
    if (intent === "Guilds") return;
    expect(textOf(await bot.type(admin.id, "backfill status"))).toContain(`the intent **${intent}**`);
    const analysis = textOf(await bot.type(admin.id, "backfill analyze"));
    expect(analysis).toContain(`${intent} is not asked for`);
    // That the application may read messages is another matter.
    expect(analysis.includes("Discord hides from this bot")).toBe(intent === "MessageContent");
  });
});

describe("attaching", () => {
  test("works before the client logs in, and nothing that happens meanwhile is lost", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const { world, ada, general } = discord;
    const client = discord.createClient(quick({ makeCache: Options.cacheWithLimits({ MessageManager: 0 }) }));
    const backscroll = await attached(client);
    await client.login(discord.token);
    const id = world.postMessage({ channelId: general.id, authorId: ada.id, content: "an early bird" }).id;
    await backscroll.ready;
    await until("found", async () => {
      const options = { query: "“early bird”" };
      const handle = world.runCommand({ userId: ada.id, channelId: general.id, name: "search", options });
      return textOf(await handle.response(PATIENCE_MS)).includes(id);
    });
  });

  test("to a client that never logs in can be undone", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const client = discord.createClient();
    const before = listeners(client);
    const backscroll = await attached(client);
    await backscroll.stop();
    await backscroll.ready;
    expect(listeners(client)).toEqual(before);
  });
});

describe("stopping", () => {
  test("does not wait for a Discord that does not answer while commands are being registered", async () => {
    const discord = await startDiscord({ rateLimits: false });
    // Longer than a test may take.
    discord.faults.slow({ match: /\/commands/, delayMs: 120_000, count: Number.POSITIVE_INFINITY });
    const client = await discord.login();
    const backscroll = await attached(client);
    await until("it asks", () => discord.requests.some(({ path }) => path.includes("/commands")));
    await backscroll.stop();
    await backscroll.ready;
    discord.faults.clear();
  });

  test("takes every listener off, leaves the host's on, and the client goes on working", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const { world, ada, general } = discord;
    const client = await discord.login(quick());
    await registerHost(client);
    await hostOn(client);
    const before = listeners(client);
    const dataDir = await temporaryFolder();

    for (let round = 0; round < 3; round += 1) {
      const backscroll = await attached(client, { dataDir, commandPrefix: "bs-" });
      await backscroll.ready;
      expect(listeners(client)).not.toEqual(before);
      const content = `round ${round} of the quiz`;
      const { id } = world.postMessage({ channelId: general.id, authorId: ada.id, content });
      await until("found", async () => {
        const options = { query: `“${content}”` };
        const handle = world.runCommand({ userId: ada.id, channelId: general.id, name: "bs-search", options });
        return textOf(await handle.response(PATIENCE_MS)).includes(id);
      });
      await backscroll.stop();
      expect(listeners(client)).toEqual(before);
    }

    expect(client.isReady()).toBe(true);
    const shop = world.runCommand({ userId: ada.id, channelId: general.id, name: "shop" });
    expect(textOf(await shop.response(PATIENCE_MS))).toBe("The shop is open.");
    expect(discord.gateway.connections).toBe(1);
  });

  test("takes our commands off Discord where that is asked for, and leaves the host's", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const client = await discord.login(quick());
    await registerHost(client);
    const backscroll = await attached(client, { commandPrefix: "bs-" });
    await backscroll.ready;
    expect(commandNames(discord)).toHaveLength(8);
    await backscroll.stop({ unregister: true });
    expect(commandNames(discord)).toEqual(["search", "shop"]);
    const asked = discord.requests.length;
    await backscroll.stop({ unregister: true });
    expect(discord.requests).toHaveLength(asked);
  });

  test("twice, or while it is still starting, is harmless", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const client = await discord.login(quick());
    const before = listeners(client);
    const dataDir = await temporaryFolder();
    const early = await attached(client, { dataDir });
    await Promise.all([early.stop(), early.stop()]);
    await early.stop();
    expect(listeners(client)).toEqual(before);
    const again = await attached(client, { dataDir });
    await again.ready;
    await again.stop();
    expect(listeners(client)).toEqual(before);
    await expect(again.status(discord.guild.id)).rejects.toThrow("Backscroll has been stopped");
  });
});
