// The stand-alone bot: configuration, a discord.js client, Backscroll attached to it, log in, and a graceful stop. Or, if the
// configuration asks for several processes, one such bot for each of Discord's shards.

import "./app/check-platform.ts";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Client, DiscordjsErrorCodes, GatewayIntentBits } from "discord.js";
import { startShardProcesses } from "./adapters/discord/shard-processes.ts";
import { createLogger } from "./adapters/pino.ts";
import { systemClock } from "./adapters/system.ts";
import { callOf, runProgram } from "./app/command-line.ts";
import { type Config, readConfig } from "./app/config.ts";
import { tryStores } from "./app/stores.ts";
import { attachBackscroll } from "./attach.ts";
import { toError, UserError } from "./errors.ts";

/** The requests in flight at an embedding server may take this long; then the process ends all the same. Milliseconds. */
const STOP_WITHIN_MS = 10_000;
/** What Node calls a server that nothing comes back from. */
const UNREACHABLE = ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT"];

const usage = (call: string) => {
  const tool = (name: string) => callOf(name).padEnd(call.length);
  return `Usage: ${call.replace(/ --$/, "")}   starts the bot; settings come from the environment and from .env
       ${tool("import")} FILES        loads exported histories into the archive
       ${tool("restore")} --guild ID  sets a search index back to how it was before a backfill
       ${tool("move")} --to-kv URL …  copies archive and index to remote engines, or back

--help      says this; after import, restore, move or policy, what these take
--version   says which version this is`;
};

function versionHere(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version?: unknown }).version);
}

/** For whoever watches, beside the log; not on its standard output, which programs read. */
const tell = (sentence: string) => console.error(sentence);

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
    logger: createLogger(config.log, () => [config.discordToken]),
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

async function runBot({ discordToken, discordApi, shardProcesses: _, shard, ...options }: Config): Promise<void> {
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
    // One of several processes is told its shard by discord.js.
    ...(shard === undefined && { shards: "auto" }),
    ...(discordApi !== undefined && { rest: { api: discordApi } }),
  });
  // All commands of its application are its own, also those of a program that had the token before.
  const backscroll = await attachBackscroll(client, { ...options, replaceCommands: true });

  const processName = shard === undefined ? "" : ` (the process of shard ${shard})`;
  let isStopping = false;

  async function stop(exitCode: number): Promise<never> {
    isStopping = true;
    setTimeout(() => process.exit(exitCode), STOP_WITHIN_MS).unref();
    await backscroll.stop();
    // discord.js tells the process that started this one, and breaks when that is gone.
    if (process.connected !== false) await client.destroy();
    if (exitCode === 0) tell(`Backscroll has stopped${processName}. Everything it was told is stored.`);
    process.exit(exitCode);
  }
  onceAsked(() => stop(0));

  try {
    await client.login(discordToken);
    await backscroll.ready;
    if (!isStopping) tell(readySentence(client, processName, options.commandPrefix));
  } catch (thrown) {
    console.error(explain(thrown));
    await stop(1);
  }
}

function readySentence({ user, guilds }: Client, processName: string, prefix: string): string {
  const servers = guilds.cache.size === 1 ? "one server" : `${guilds.cache.size} servers`;
  const next =
    guilds.cache.size === 0
      ? "It is in no server yet: invite it with the link in the README."
      : `Next, on Discord: /${prefix}backfill analyze.`;
  return `Backscroll ${versionHere()} is ready${processName}, as ${user?.tag ?? "a bot"} in ${servers}. ${next} Ctrl-C stops it.`;
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

await runProgram({
  name: "start",
  usage,
  flags: { version: { type: "boolean", default: false } },
  async run({ version }) {
    if (version) console.log(versionHere());
    else await main();
    return undefined;
  },
  explain,
});
// What had been opened before it failed keeps nobody waiting.
if (process.exitCode) process.exit();
