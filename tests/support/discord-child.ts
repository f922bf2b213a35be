// A whole bot process on a stand-in for Discord, to be killed. Says on stdout what it is at, a JSON object a line.
//
//   node discord-child.ts API_URL TOKEN DATA_DIR EMBEDDINGS_URL LATER_MS GUILD_ID
//
// LATER_MS moves its clock on, so that the lease of a process killed just before has run out.

import { setTimeout as sleep } from "node:timers/promises";
import { Client, GatewayIntentBits } from "discord.js";
import { attachBackscroll } from "../../src/attach.ts";
import { createSkippableClock } from "./engine.ts";

const [api, token, dataDir, baseUrl, laterMs, guildId] = process.argv.slice(2);
if (!api || !token || !dataDir || !baseUrl || !guildId) throw new Error("discord-child.ts API_URL TOKEN …");

const INTENTS = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent];
const say = (facts: object) => console.log(JSON.stringify(facts));
const clock = createSkippableClock();
clock.skip(Number(laterMs));
const client = new Client({ intents: INTENTS, rest: { api } });
const backscroll = await attachBackscroll(client, {
  dataDir,
  embeddings: { baseUrl, model: "test-embed" },
  thresholds: { diskLowBytes: 50e6 },
  log: "silent",
  clock,
});
process.on("SIGTERM", () => void backscroll.stop().then(() => process.exit(0)));
await client.login(token);
await backscroll.ready;
say({ event: "ready" });
for (;;) {
  const { run, livePending, rereading } = await backscroll.status(guildId);
  say({ event: "status", status: run?.status, pending: livePending, rereading: rereading !== undefined });
  await sleep(200);
}
