// The same for a bot in CommonJS. With DISCORD_TOKEN set: node commonjs-bot.cjs

const { attachBackscroll } = require("backscroll");
const { Client, Events, GatewayIntentBits } = require("discord.js");

const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
});
client.on(Events.MessageCreate, async (message) => {
  if (message.content === "!ping") await message.reply("pong");
});

async function main() {
  const backscroll = await attachBackscroll(client, { dataDir: "./data" });
  await client.login(process.env["DISCORD_TOKEN"]);
  await backscroll.ready;
  process.once("SIGINT", async () => {
    await backscroll.stop();
    await client.destroy();
  });
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
