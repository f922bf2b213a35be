// A bot that exists already, with commands of its own, and Backscroll added to it. With DISCORD_TOKEN set:
//   npx tsx existing-bot.ts                          or, where Node reads TypeScript (22.18, 24): node existing-bot.ts

import { attachBackscroll } from "backscroll";
import { Client, Events, GatewayIntentBits, MessageFlags, SlashCommandBuilder } from "discord.js";

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
const backscroll = await attachBackscroll(client, { dataDir: "./data", commandPrefix: "bs-" });

await client.login(process.env["DISCORD_TOKEN"]);
await backscroll.ready;

process.once("SIGINT", async () => {
  await backscroll.stop();
  await client.destroy();
});
