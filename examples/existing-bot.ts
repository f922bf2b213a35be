// A bot that exists already, with commands of its own, and Backscroll added to it. Run it with DISCORD_TOKEN set:
//   node examples/existing-bot.ts

import { Client, Events, GatewayIntentBits, MessageFlags, SlashCommandBuilder } from "discord.js";
import { readConfig } from "../src/app/config.ts";
import { attachBackscroll } from "../src/attach.ts"; // in your project: from "backscroll"

const { discordToken, dataDir } = await readConfig();
const client = new Client({
  // Backscroll needs these three; add whatever your bot needs.
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
});

// Your bot, as it was. Its /search stays yours.
client.once(Events.ClientReady, async (ready) => {
  await ready.application.commands.create(
    new SlashCommandBuilder().setName("search").setDescription("Searches the shop's catalogue"),
  );
});
client.on(Events.InteractionCreate, async (interaction) => {
  if (!interaction.isChatInputCommand() || interaction.commandName !== "search") return;
  await interaction.reply({ content: "Nothing in stock today.", flags: MessageFlags.Ephemeral });
});

// Backscroll, with a prefix because the name is taken: /bs-search, /bs-backfill, /bs-note.
const backscroll = await attachBackscroll(client, { dataDir, commandPrefix: "bs-" });

await client.login(discordToken);
await backscroll.ready;

process.once("SIGINT", async () => {
  await backscroll.stop();
  await client.destroy();
});
