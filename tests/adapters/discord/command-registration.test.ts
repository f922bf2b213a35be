import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ApplicationCommandType,
  ApplicationIntegrationType,
  ContextMenuCommandBuilder,
  type RESTPostAPIApplicationCommandsJSONBody as Definition,
  InteractionContextType,
  PermissionFlagsBits,
  SlashCommandBuilder,
} from "discord.js";
import { expect, test } from "vitest";
import { registerCommands } from "../../../src/adapters/discord/command-registration.ts";
import { temporaryFolder } from "../../support/backscroll.ts";
import { startDiscord } from "../../support/discord.ts";

const never = new AbortController().signal;
const logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Everything a definition can hold that Discord gives back in another form. */
const search = (description = "Finds messages") =>
  new SlashCommandBuilder()
    .setName("search")
    .setDescription(description)
    .setContexts(InteractionContextType.Guild)
    .setIntegrationTypes(ApplicationIntegrationType.GuildInstall)
    .addStringOption((option) => option.setName("query").setDescription("What to find").setRequired(true))
    .addIntegerOption((option) => option.setName("page").setDescription("Which page").setMinValue(0).setMaxValue(9))
    .addStringOption((option) =>
      option.setName("kind").setDescription("Of what kind").addChoices({ name: "Notes", value: "note" }),
    )
    .toJSON();
const backfill = new SlashCommandBuilder()
  .setName("backfill")
  .setDescription("Fills the index")
  .setDefaultMemberPermissions(PermissionFlagsBits.ManageGuild)
  .addSubcommand((sub) =>
    sub
      .setName("start")
      .setDescription("Starts")
      .addBooleanOption((option) => option.setName("full").setDescription("All")),
  )
  .toJSON();
const save = new ContextMenuCommandBuilder().setName("Save as note").setType(ApplicationCommandType.Message).toJSON();

async function setUp() {
  const discord = await startDiscord();
  const client = await discord.login();
  const writes = () => discord.requests.filter(({ method }) => method !== "GET").map(({ method }) => method);
  const registered = () => [...discord.world.state.commands.values()].map(({ definition }) => definition.name).sort();
  const memoryFile = join(await temporaryFolder(), "registered-commands.json");
  const register = (...definitions: Definition[]) =>
    registerCommands(client, definitions, { logger, memoryFile, signal: never });
  const ids = async () => new Map((await client.application.commands.fetch()).map(({ id, name }) => [name, id]));
  return { ...discord, client, writes, registered, register, ids, memoryFile };
}

test("our commands are added beside the host's own, which keep their ids", async () => {
  const { client, registered, register } = await setUp();
  const host = await client.application.commands.set([
    { name: "ping", description: "Pong" },
    { name: "Report", type: ApplicationCommandType.Message },
  ]);
  await register(search(), backfill, save);
  expect(registered()).toEqual(["Report", "Save as note", "backfill", "ping", "search"]);
  const after = await client.application.commands.fetch();
  for (const [id, command] of host) expect(after.get(id)?.equals(command)).toBe(true);
});

test("nothing is sent for what Discord has already, and only the changed one when one changed", async () => {
  const { client, writes, register, ids } = await setUp();
  await register(search(), backfill, save);
  const first = await ids();
  expect(writes()).toEqual(["POST", "POST", "POST"]);
  await register(search(), backfill, save);
  expect(writes()).toHaveLength(3);
  await register(search("Finds anything"), backfill, save);
  expect(writes()).toHaveLength(4);
  expect(await ids()).toEqual(first);
  const registered = await client.application.commands.fetch(first.get("search") ?? "");
  expect(registered.description).toBe("Finds anything");
});

test("an option or a permission that a definition no longer has is noticed", async () => {
  const { writes, register } = await setUp();
  await register(search(), backfill);
  const { default_member_permissions: _permissions, ...open } = backfill;
  await register({ ...search(), options: [] }, open);
  expect(writes()).toHaveLength(4);
});

test("with another prefix our former commands go away, and only those", async () => {
  const { client, registered, register } = await setUp();
  await client.application.commands.create({ name: "ping", description: "Pong" });
  await register(search(), backfill, save);
  const prefixed = [search(), backfill, save].map((each) => ({ ...each, name: `bs-${each.name}` }));
  await register(...prefixed);
  expect(registered()).toEqual(["bs-Save as note", "bs-backfill", "bs-search", "ping"]);
  await register(search(), backfill, save);
  expect(registered()).toEqual(["Save as note", "backfill", "ping", "search"]);
});

test("a former command that the host has made its own stays, although it has kept its id", async () => {
  const { client, registered, register, ids } = await setUp();
  await register(search(), backfill);
  const before = await ids();
  await client.application.commands.create({ name: "search", description: "Searches the shop" });
  expect((await ids()).get("search")).toBe(before.get("search"));
  await register({ ...search(), name: "bs-search" }, { ...backfill, name: "bs-backfill" });
  expect(registered()).toEqual(["bs-backfill", "bs-search", "search"]);
});

test("a former command that cannot be deleted now does not stop the start, and goes away the next time", async () => {
  const { registered, register, faults } = await setUp();
  await register(search());
  const renamed = { ...search(), name: "bs-search" };
  faults.fail({ match: /DELETE/, status: 403, count: 1 });
  await register(renamed);
  expect(registered()).toEqual(["bs-search", "search"]);
  await register(renamed);
  expect(registered()).toEqual(["bs-search"]);
});

test("without a memory, or with a damaged one, or where none can be written, nothing is deleted and nothing fails", async () => {
  const { client, registered, register, memoryFile } = await setUp();
  await register(search());
  await writeFile(memoryFile, "{ damaged");
  await register({ ...search(), name: "bs-search" });
  expect(registered()).toEqual(["bs-search", "search"]);
  await registerCommands(client, [search()], { logger, memoryFile: "/proc/nowhere/commands.json", signal: never });
  expect(registered()).toEqual(["bs-search", "search"]);
});

test("a message command and a slash command of the same name are different commands", async () => {
  const { client, registered, register } = await setUp();
  await client.application.commands.create({ name: "search", type: ApplicationCommandType.Message });
  await register(search());
  expect(registered()).toEqual(["search", "search"]);
});
