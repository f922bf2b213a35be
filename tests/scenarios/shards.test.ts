// The bot as several processes, one for each of Discord's shards, as discord.js starts them: real processes on one folder.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OptionValues } from "../../sandbox/command-shapes.ts";
import { readStores, temporaryFolder, textOf, until } from "../support/backscroll.ts";
import { startDiscord, type TestDiscord } from "../support/discord.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";

const BOT = join(import.meta.dirname, "../../src/bot.ts");
const SHARDS = 2;
const OLD_MESSAGES = 1_200;
/** A lease runs out, two processes start, and the machine is busy. */
const PATIENCE_MS = 90_000;

interface Line {
  readonly msg: string;
  readonly pid: number;
  /** Of "shard:started". */
  readonly shard?: number;
  readonly child?: number;
}

let discord: TestDiscord;
let server: EmbeddingServer;
let dataDir: string;
let bot: ChildProcess;
let lines: Line[];

beforeEach(async () => {
  discord = await startDiscord({ rateLimits: false, shards: SHARDS });
  server = await startEmbeddingServer({ latencyMs: 40 });
  dataDir = await temporaryFolder();
  lines = [];
});
afterEach(async () => {
  for (const pid of new Set([bot.pid, ...lines.map((line) => line.pid)])) {
    if (pid !== undefined && isAlive(pid)) process.kill(pid, "SIGKILL");
  }
  await server.close();
});

async function start(): Promise<void> {
  bot = spawn(process.execPath, [BOT], {
    cwd: await temporaryFolder(),
    env: {
      DISCORD_API: discord.apiUrl,
      DISCORD_TOKEN: discord.token,
      DATA_DIR: dataDir,
      SHARD_PROCESSES: "auto",
      EMBEDDINGS_URL: server.url,
      EMBEDDINGS_MODEL: "test-embed",
      ALERT_DISK_LOW_GB: "0.05",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (bot.stdout === null) throw new Error("a process that prints, please");
  createInterface({ input: bot.stdout }).on("line", (line) => lines.push(JSON.parse(line) as Line));
}

const said = (event: string) => lines.filter(({ msg }) => msg === event);
const processes = () => said("shard:started").flatMap(({ child }) => child ?? []);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A server whose events go to this shard. */
function guildOf(shard: number) {
  const { world, admin, ada } = discord;
  const id = String((BigInt(2_000_000 * SHARDS) + BigInt(shard)) << 22n);
  const guild = world.addGuild({ name: `of shard ${shard}`, ownerId: admin.id, id });
  world.addMember(guild.id, { userId: ada.id });
  const general = world.addChannel({ guildId: guild.id, name: "general" });
  const reports = world.addChannel({ guildId: guild.id, name: "reports" });
  const say = (content: string) => world.postMessage({ channelId: general.id, authorId: ada.id, content }).id;

  async function type(command: string, options: OptionValues = {}): Promise<string> {
    const [name = "", subcommand] = command.split(" ");
    const handle = world.runCommand({
      userId: admin.id,
      channelId: general.id,
      name,
      options,
      ...(subcommand === undefined ? {} : { subcommand }),
    });
    return textOf(await handle.response(PATIENCE_MS));
  }

  return { guild, general, reports, say, type };
}

type TestShard = ReturnType<typeof guildOf>;

async function untilFound({ type }: TestShard, query: string, id: string): Promise<void> {
  await until(`${query} is found`, async () => (await type("search", { query })).includes(id), PATIENCE_MS);
}

test("each process looks after the guilds of its shard; when one is killed, its run goes on in the one that follows it", async () => {
  const { world, ada, requests } = discord;
  const [first, second] = [guildOf(0), guildOf(1)];
  world.loadMessages(
    Array.from({ length: OLD_MESSAGES }, (_, n) => ({
      id: world.state.idAt(Date.now() - 40 * 86_400_000 + n * 1_000),
      channelId: second.general.id,
      authorId: ada.id,
      content: `old message ${n} about kettles`,
    })),
  );
  await start();
  await until("both are ready", () => said("backscroll:ready").length === SHARDS, PATIENCE_MS);
  await until("the commands are there", () => world.state.commands.size === 6, PATIENCE_MS);
  const posted = requests.filter(({ method, path }) => method === "POST" && path.endsWith("/commands"));
  expect(posted.length).toBe(6);

  for (const [n, each] of [first, second].entries()) {
    await untilFound(each, `“zwieback ${n}”`, each.say(`a zwieback ${n} for this shard`));
  }
  await second.type("backfill start", { source: "discord", pace: "gentle", "report-to": second.reports.id });
  await world.waitForMessage(second.reports.id, (message) => /Backfill running/.test(textOf(message)), PATIENCE_MS);
  await server.received(server.requests.length + 3);
  const killed = said("shard:started").find(({ shard }) => shard === 1)?.child;
  if (killed === undefined) throw new Error("no second process");
  process.kill(killed, "SIGKILL");

  // Nobody else is disturbed.
  await untilFound(first, "“unimpressed”", first.say("unimpressed by what happens elsewhere"));
  await until("the second is back", () => said("backscroll:ready").length === SHARDS + 1, PATIENCE_MS);
  expect(await second.type("backfill status")).toMatch(/Backfill (running|finished|waiting)/);
  await world.waitForMessage(second.reports.id, (message) => /Backfill finished/.test(textOf(message)), PATIENCE_MS);

  bot.kill("SIGTERM");
  const [code] = (await once(bot, "exit")) as [number | null];
  expect(code).toBe(0);
  expect(processes().filter(isAlive)).toEqual([]);
  const { archived, indexed, pending } = await readStores(dataDir, second.guild.id);
  expect(indexed).toEqual(archived);
  expect({ archived: archived.length, pending }).toEqual({ archived: OLD_MESSAGES + 1, pending: 0 });
}, 300_000);

test("processes whose parent is killed end too", async () => {
  guildOf(0);
  await start();
  await until("both are ready", () => said("backscroll:ready").length === SHARDS, PATIENCE_MS);
  const children = processes();
  bot.kill("SIGKILL");
  await until("they end", () => !children.some(isAlive), PATIENCE_MS);
}, 150_000);
