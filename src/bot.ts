// The stand-alone bot: configuration, a discord.js client, Backscroll attached to it, log in, and a graceful stop. Or, if the
// configuration asks for several processes, one such bot for each of Discord's shards.

import { fileURLToPath } from "node:url";
import { Client, DiscordjsErrorCodes, GatewayIntentBits } from "discord.js";
import { startShardProcesses } from "./adapters/discord/shard-processes.ts";
import { createLogger } from "./adapters/pino.ts";
import { systemClock } from "./adapters/system.ts";
import { type Config, readConfig } from "./app/config.ts";
import { tryStores } from "./app/stores.ts";
import { attachBackscroll } from "./attach.ts";
import { toError, UserError } from "./errors.ts";

/** The requests in flight at an embedding server may take this long; then the process ends all the same. Milliseconds. */
const STOP_WITHIN_MS = 10_000;
/** What Node calls a server that nothing comes back from. */
const UNREACHABLE = ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT"];

async function main(): Promise<void> {
  const config = await readConfig(tryStores);
  if (config.shardProcesses === undefined || config.shard !== undefined) await runBot(config);
  else await runProcesses(config, config.shardProcesses);
}

async function runProcesses(config: Config, count: number | "auto"): Promise<void> {
  const processes = await startShardProcesses({
    token: config.discordToken,
    api: config.discordApi,
    count,
    file: fileURLToPath(import.meta.url),
    clock: systemClock,
    logger: createLogger(config.logLevel, () => [config.discordToken]),
  });
  onceAsked(() => processes.stop().then(() => process.exit(0)));
}

/** Ctrl-C reaches every process of a group by itself. */
function onceAsked(stop: () => Promise<never>): void {
  process.once("SIGINT", () => void stop());
  process.once("SIGTERM", () => void stop());
  // The process that started this one is gone.
  process.once("disconnect", () => void stop());
}

async function runBot(config: Config): Promise<void> {
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
    // One of several processes is told its shard by discord.js.
    ...(config.shard === undefined ? { shards: "auto" } : {}),
    ...(config.discordApi === undefined ? {} : { rest: { api: config.discordApi } }),
  });
  const backscroll = await attachBackscroll(client, {
    dataDir: config.dataDir,
    archive: config.archive,
    index: config.index,
    ...(config.embeddings === undefined ? {} : { embeddings: config.embeddings }),
    commandPrefix: config.commandPrefix,
    // All commands of its application are its own, also those of a program that had the token before.
    replaceCommands: true,
    forgetOnLeave: config.forgetOnLeave,
    keepDeletedHours: config.keepDeletedHours,
    keepOldIndexDays: config.keepOldIndexDays,
    reindexByItself: config.reindexByItself,
    thresholds: config.thresholds,
    ...(config.healthPort === undefined ? {} : { healthPort: config.healthPort }),
    log: config.logLevel,
  });

  async function stop(exitCode: number): Promise<never> {
    setTimeout(() => process.exit(exitCode), STOP_WITHIN_MS).unref();
    await backscroll.stop();
    // discord.js tells the process that started this one, and breaks when that is gone.
    if (process.connected !== false) await client.destroy();
    process.exit(exitCode);
  }
  onceAsked(() => stop(0));

  try {
    await client.login(config.discordToken);
    await backscroll.ready;
  } catch (thrown) {
    console.error(explain(thrown));
    await stop(1);
  }
}

/** What went wrong at the start, in words a self-hoster can act on. */
function explain(thrown: unknown): string {
  const error = toError(thrown);
  if (error instanceof UserError) return error.message;
  const code = "code" in error ? String(error.code) : "";
  const isUnauthorized = "status" in error && error.status === 401;
  if (code === DiscordjsErrorCodes.TokenInvalid || code === "401" || isUnauthorized) {
    return "Discord does not accept DISCORD_TOKEN. Copy it again from discord.com/developers (Bot, Reset Token).";
  }
  if (code === DiscordjsErrorCodes.DisallowedIntents || /disallowed intents/i.test(error.message)) {
    return "Discord refuses the connection: turn on “Message Content Intent” at discord.com/developers (Bot, Privileged Gateway Intents).";
  }
  if (UNREACHABLE.includes(code)) {
    return `Discord cannot be reached (${error.message}). Check the network, and DISCORD_API if it is set.`;
  }
  return `Backscroll could not start: ${error.message}`;
}

main().catch((thrown) => {
  console.error(explain(thrown));
  process.exit(1);
});
