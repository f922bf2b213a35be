import { type Client, type RESTPostAPIApplicationCommandsJSONBody, Routes } from "discord.js";
import { describe, expect, it } from "vitest";
import { startDiscord } from "../support/discord.ts";

const search = { name: "search", description: "Finds messages" };
const note = { name: "note", description: "Keeps a note", name_localizations: { de: "notiz" } };
const other = { name: "other", description: "Something else" };

async function start() {
  const discord = await startDiscord();
  const client = await discord.login();
  const namesIn = async (guildId?: string) => {
    const commands = await client.application.commands.fetch(guildId ? { guildId } : {});
    return commands.map(({ name }) => name).sort();
  };
  return { discord, client, namesIn };
}

function create(client: Client<true>, body: object) {
  return client.rest.post(Routes.applicationCommands(client.application.id), { body });
}

describe("application commands", () => {
  it("are all replaced by a bulk overwrite, and kept by single additions", async () => {
    const { client, namesIn } = await start();
    await client.application.commands.set([search, note]);
    await client.application.commands.create(other);
    await client.application.commands.create({ ...other, description: "Changed" });
    expect(await namesIn()).toEqual(["note", "other", "search"]);
    await client.application.commands.set([search]);
    expect(await namesIn()).toEqual(["search"]);
  });

  it("of a guild live beside the global ones", async () => {
    const { discord, client, namesIn } = await start();
    await client.application.commands.set([search]);
    await client.application.commands.set([note], discord.guild.id);
    expect([await namesIn(), await namesIn(discord.guild.id)]).toEqual([["search"], ["note"]]);
    const available = discord.world.availableCommands(discord.ada.id, discord.general.id);
    expect(available.map(({ definition }) => definition.name)).toEqual(["search", "note"]);
  });

  it("are edited and deleted one by one", async () => {
    const { client, namesIn } = await start();
    const command = await client.application.commands.create(search);
    const { version } = command;
    const edited = await command.edit({ description: "Finds more" });
    expect([edited.id, edited.description, edited.version === version]).toEqual([command.id, "Finds more", false]);
    await command.delete();
    expect(await namesIn()).toEqual([]);
    await expect(command.delete()).rejects.toMatchObject({ code: 10063 });
  });

  it("come with their localizations only when asked", async () => {
    const { client } = await start();
    await create(client, note);
    const list = async (query?: URLSearchParams) =>
      (await client.rest.get(Routes.applicationCommands(client.application.id), query ? { query } : {})) as object[];
    expect((await list())[0]).not.toHaveProperty("name_localizations");
    expect((await list(new URLSearchParams({ with_localizations: "true" })))[0]).toMatchObject({
      name_localizations: { de: "notiz" },
    });
  });

  const option = (name: string, required: boolean) => ({ type: 3, name, description: "x", required });
  const subcommand = { type: 1, name: "sub", description: "x" };
  const many = Array.from({ length: 26 }, (_, index) => index);
  const refused: [string, object][] = [
    ["an upper-case name", { name: "Search" }],
    ["a name with a space", { name: "to search" }],
    ["a name of 33 characters", { name: "x".repeat(33) }],
    ["an empty description", { description: "" }],
    ["a description over 100", { description: "x".repeat(101) }],
    ["a required option after an optional one", { options: [option("a", false), option("b", true)] }],
    ["two options of one name", { options: [option("a", false), option("a", false)] }],
    ["26 options", { options: many.map((index) => option(`o${index}`, false)) }],
    [
      "26 choices",
      { options: [{ ...option("a", true), choices: many.map((index) => ({ name: `${index}`, value: `${index}` })) }] },
    ],
    ["subcommands beside options", { options: [subcommand, option("a", false)] }],
  ];

  it.each(refused)("are refused with %s", async (_what, change) => {
    // Some of these break the official description too, on purpose.
    const discord = await startDiscord({ mayViolate: true });
    const client = await discord.login();
    const body: RESTPostAPIApplicationCommandsJSONBody = { ...search, ...change };
    await expect(create(client, body)).rejects.toMatchObject({ code: 50035, status: 400 });
  });
});
