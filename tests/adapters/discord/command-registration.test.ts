import {
  ApplicationCommandType,
  ApplicationIntegrationType,
  ContextMenuCommandBuilder,
  InteractionContextType,
  PermissionFlagsBits,
  SlashCommandBuilder,
} from "discord.js";
import { expect, test } from "vitest";
import { registerCommands } from "../../../src/adapters/discord/command-registration.ts";
import { startDiscord } from "../../support/discord.ts";

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
  return { client, writes, registered };
}

test("our commands are added beside the host's own, which keep their ids", async () => {
  const { client, registered } = await setUp();
  const host = await client.application.commands.set([
    { name: "ping", description: "Pong" },
    { name: "Report", type: ApplicationCommandType.Message },
  ]);
  await registerCommands(client, [search(), backfill, save], { logger });
  expect(registered()).toEqual(["Report", "Save as note", "backfill", "ping", "search"]);
  const after = await client.application.commands.fetch();
  for (const [id, command] of host) expect(after.get(id)?.equals(command)).toBe(true);
});

test("nothing is sent for what Discord has already, and only the changed one when one changed", async () => {
  const { client, writes } = await setUp();
  const ids = await registerCommands(client, [search(), backfill, save], { logger });
  expect(writes()).toEqual(["POST", "POST", "POST"]);
  expect(await registerCommands(client, [search(), backfill, save], { logger })).toEqual(ids);
  expect(writes()).toHaveLength(3);
  expect(await registerCommands(client, [search("Finds anything"), backfill, save], { logger })).toEqual(ids);
  expect(writes()).toHaveLength(4);
  const registered = await client.application.commands.fetch(ids[0] ?? "");
  expect(registered.description).toBe("Finds anything");
});

test("an option or a permission that a definition no longer has is noticed", async () => {
  const { client, writes } = await setUp();
  await registerCommands(client, [search(), backfill], { logger });
  const { default_member_permissions: _permissions, ...open } = backfill;
  await registerCommands(client, [{ ...search(), options: [] }, open], { logger });
  expect(writes()).toHaveLength(4);
});

test("a command of ours that got another name goes away by its id, and only that", async () => {
  const { client, registered } = await setUp();
  await client.application.commands.create({ name: "ping", description: "Pong" });
  const formerIds = await registerCommands(client, [search(), backfill], { logger });
  const renamed = [{ ...search(), name: "bs-search" }, backfill];
  await registerCommands(client, renamed, { logger, formerIds: [...formerIds, "123456789012345678"] });
  expect(registered()).toEqual(["backfill", "bs-search", "ping"]);
});

test("a message command and a slash command of the same name are different commands", async () => {
  const { client, registered } = await setUp();
  await client.application.commands.create({ name: "search", type: ApplicationCommandType.Message });
  await registerCommands(client, [search()], { logger });
  expect(registered()).toEqual(["search", "search"]);
});
