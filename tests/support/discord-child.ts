// A whole bot process on a stand-in for Discord, to be killed. Says on stdout what it is at, a JSON object a line.
//
//   node discord-child.ts API_URL TOKEN DATA_DIR EMBEDDINGS_URL LATER_MS GUILD_ID [no-commands]
//
// LATER_MS moves its clock on, so that the lease of a process killed just before has run out.

import { setTimeout as sleep } from "node:timers/promises";
import { Client, Events, GatewayIntentBits } from "discord.js";
import { attachBackscroll } from "../../src/attach.ts";
import { createSkippableClock } from "./engine.ts";

const [api, token, dataDir, baseUrl, laterMs, guildId, commands] = process.argv.slice(2);
if (!api || !token || !dataDir || !baseUrl || !guildId) throw new Error("discord-child.ts API_URL TOKEN …");

const INTENTS = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent];
const say = (facts: object) => console.log(JSON.stringify(facts));
const clock = createSkippableClock();
clock.skip(Number(laterMs));
const client = new Client({ intents: INTENTS, rest: { api, globalRequestsPerSecond: 1_000 } });
const backscroll = await attachBackscroll(client, {
  dataDir,
  embeddings: { baseUrl, model: "test-embed" },
  thresholds: { diskLowBytes: 50e6 },
  registerCommands: commands !== "no-commands",
  log: "silent",
  clock,
});
let isStopping = false;
process.on("SIGTERM", () => {
  isStopping = true;
  void backscroll.stop().then(() => process.exit(0));
});
say({ event: "attached" });
client.once(Events.ClientReady, () => say({ event: "connected" }));
await client.login(token);
try {
  await backscroll.ready;
  say({ event: "ready" });
  for (;;) {
    const { run, livePending, rechecking, gaps } = await backscroll.status(guildId);
    say({ event: "status", status: run?.status, pending: livePending, rechecking: rechecking !== undefined, gaps });
    await sleep(200);
  }
} catch (thrown) {
  // Whoever is stopped has no status any more; the process ends when all is stored.
  if (!isStopping) throw thrown;
}
