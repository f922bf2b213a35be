// The stand-alone bot as a self-hoster runs it: a real process, settings from the environment, a stand-in instead of Discord.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { OptionValues } from "../sandbox/command-shapes.ts";
import { closeAfterTest, PATIENCE_MS, temporaryFolder, textOf, until } from "./support/backscroll.ts";
import { startDiscord, type TestDiscord } from "./support/discord.ts";
import { startEmbeddingServer } from "./support/embedding-server.ts";

const BOT = join(import.meta.dirname, "../src/bot.ts");
/** It must end in 10 s; the rest is for the machine. */
const STOP_MS = 15_000;
const PROCESS_MS = 60_000;

interface BotProcess {
  readonly child: ChildProcess;
  /** All it has printed. */
  output(): string;
  /** What it printed on stderr. */
  errors(): string;
  ended(): Promise<number | null>;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts the bot in a folder without `.env`, with these settings and no others. */
async function startBot(settings: Record<string, string>, folder?: string): Promise<BotProcess> {
  const child = spawn(process.execPath, [BOT], {
    cwd: folder ?? (await temporaryFolder()),
    env: settings,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  return {
    child,
    output: () => stdout + stderr,
    errors: () => stderr,
    ended: async () => (await closed)[0],
  };
}

const settingsFor = async (discord: TestDiscord, more: Record<string, string> = {}) => ({
  DISCORD_API: discord.apiUrl,
  DISCORD_TOKEN: discord.token,
  DATA_DIR: await temporaryFolder(),
  ALERT_DISK_LOW_GB: "0.05",
  ...more,
});

async function untilReady({ child, output }: BotProcess): Promise<void> {
  const isReady = () => {
    if (child.exitCode !== null) throw new Error(`the bot ended with ${child.exitCode}: ${output()}`);
    return output().includes("backscroll:ready");
  };
  await until("the bot is ready", isReady, PROCESS_MS);
}

async function search(discord: TestDiscord, query: string): Promise<string> {
  const { world, ada, general } = discord;
  const handle = world.runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query } });
  return textOf(await handle.response(PATIENCE_MS));
}

async function expectToEnd(bot: BotProcess, signal: NodeJS.Signals): Promise<void> {
  const askedAt = performance.now();
  bot.child.kill(signal);
  expect(await bot.ended()).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(STOP_MS);
}

describe("the bot", () => {
  test("registers its commands, answers, ends on SIGTERM with 0, knows everything when it is started again, and ends on SIGINT", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const { world, ada, general } = discord;
    const settings = await settingsFor(discord);
    const bot = await startBot(settings);
    await untilReady(bot);
    expect([...world.state.commands.values()].map(({ definition }) => definition.name).sort()).toEqual([
      "Find similar",
      "Save as note",
      "backfill",
      "note",
      "privacy",
      "search",
    ]);
    const { id } = world.postMessage({
      channelId: general.id,
      authorId: ada.id,
      content: "a message for a real process",
    });
    await until("found", async () => (await search(discord, "“for a real process”")).includes(id));
    await expectToEnd(bot, "SIGTERM");
    // For whoever watches, beside the log.
    expect(bot.errors()).toMatch(
      /^Backscroll \d+\.\d+\.\d+ is ready, as .* in one server\. Next, on Discord: \/backfill analyze\./m,
    );
    expect(bot.errors()).toMatch(/^Backscroll has stopped\./m);
    // Nothing of what members write, and no token, is in the log.
    expect(bot.output()).not.toContain("for a real process");
    expect(bot.output()).not.toContain(discord.token);

    const meanwhile = world.postMessage({
      channelId: general.id,
      authorId: ada.id,
      content: "written in its absence",
    }).id;
    const again = await startBot(settings);
    await untilReady(again);
    expect(await search(discord, "“for a real process”")).toContain(id);
    await until("caught up", async () => (await search(discord, "“in its absence”")).includes(meanwhile));
    await expectToEnd(again, "SIGINT");
  }, 150_000);

  test("reads .env of the folder it is started in", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const { DATA_DIR, ...settings } = await settingsFor(discord);
    const folder = await temporaryFolder();
    const lines = Object.entries({ ...settings, COMMAND_PREFIX: "bs-" }).map(([name, value]) => `${name}=${value}`);
    await writeFile(join(folder, ".env"), `${lines.join("\n")}\n`);
    const bot = await startBot({ DATA_DIR }, folder);
    await untilReady(bot);
    expect([...discord.world.state.commands.values()].map(({ definition }) => definition.name)).toContain("bs-search");
    await expectToEnd(bot, "SIGTERM");
  }, 90_000);

  test("waits for an embedding server that is not there, and can be ended meanwhile", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const bot = await startBot(await settingsFor(discord, { EMBEDDINGS_URL: "http://127.0.0.1:9/v1" }));
    await until("it waits", () => bot.output().includes("embedder:waiting"), PROCESS_MS);
    await until("the commands are there", () => discord.world.state.commands.size === 6, PROCESS_MS);
    // Where the server is, and what to do about it, is for admins.
    const told = await search(discord, "anything");
    expect(told).toContain("it waits for the search model.");
    expect(told).not.toContain("127.0.0.1");
    await expectToEnd(bot, "SIGTERM");
  }, 90_000);
});

test("no secret and nothing that members write is in the log of a whole life, faults included, at its most talkative", async () => {
  const apiKey = "sk-secret-0123456789";
  const server = await startEmbeddingServer({ apiKey });
  closeAfterTest(() => server.close());
  const discord = await startDiscord({ rateLimits: false });
  const { world, ada, admin, general, adminChannel, guild } = discord;
  const say = (content: string) => world.postMessage({ channelId: general.id, authorId: ada.id, content }).id;
  // A server that quotes what it refuses, as some do.
  const refused = "Zwiebelkuchen recipe that is refused";
  server.misbehave(
    { status: 400, says: { error: { message: `bad input: ${refused}` } } },
    { when: (texts) => texts.some((text) => text.includes("Zwiebelkuchen")) },
  );
  world.loadMessages(
    Array.from({ length: 30 }, (_, at) => ({
      id: world.state.idAt(Date.now() - 86_400_000 + at),
      channelId: general.id,
      authorId: ada.id,
      content: at === 7 ? refused : `Kartoffelsalat of old ${at}`,
    })),
  );
  const bot = await startBot(
    await settingsFor(discord, {
      LOG_LEVEL: "trace",
      EMBEDDINGS_URL: server.url,
      EMBEDDINGS_MODEL: "test-embed",
      EMBEDDINGS_API_KEY: apiKey,
      HEALTH_PORT: "0",
    }),
  );
  await untilReady(bot);
  await until("the commands are there", () => world.state.commands.size === 6, PROCESS_MS);
  const type = async (
    who: string,
    name: string,
    options: OptionValues,
    subcommand?: string,
    channelId = general.id,
  ) => {
    const handle = world.runCommand({ userId: who, channelId, name, options, ...(subcommand && { subcommand }) });
    return await handle.response(PATIENCE_MS);
  };
  const live = say("Sauerkraut, freshly written");
  world.editMessage(live, { content: "Sauerkraut, edited" });
  world.deleteMessage(say("Leberwurst, soon deleted"));
  await type(ada.id, "note", { text: "Maultaschen for myself" }, "add");
  await type(ada.id, "search", { query: "Spaetzle in the query" });
  discord.faults.fail({ match: /PATCH .*webhooks/, status: 500, count: 3 });
  await type(ada.id, "search", { query: "Spaetzle once more" }).catch(() => undefined);
  discord.faults.clear();
  await type(admin.id, "backfill", { source: "discord", "report-to": adminChannel.id }, "start", adminChannel.id);
  const [, port] = /"port":(\d+)/.exec(bot.output()) ?? [];
  const readMetrics = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  // What is refused is heard again minutes later, and the run waits for that: its end is not waited for here.
  const isSetAside = async () => (await readMetrics()).includes(`backscroll_set_aside_messages{guild="${guild.id}"} 1`);
  for (let looks = 0; !(await isSetAside()); looks += 1) {
    if (looks > 300) throw new Error("nothing was set aside");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const recover = server.misbehave({
    status: 500,
    says: { error: { message: "it broke on: Kartoffelsalat while it is down" } },
  });
  say("Kartoffelsalat while it is down");
  await until("it notices", () => bot.output().includes("embedder:down"));
  recover();
  const metrics = await readMetrics();
  expect(metrics).toContain(`backscroll_backfill_status{guild="${guild.id}",status="running"}`);
  await expectToEnd(bot, "SIGTERM");

  // What was refused has been met, and the log was as talkative as it can be.
  expect(metrics).toContain(`backscroll_set_aside_messages{guild="${guild.id}"} 1`);
  expect(bot.output()).toContain('"level":20');
  for (const shown of [bot.output(), metrics]) {
    expect(shown).not.toMatch(/Zwiebel|Kartoffel|Sauerkraut|Leberwurst|Maultaschen|Spaetzle/);
    expect(shown).not.toContain(discord.token);
    expect(shown).not.toContain(apiKey);
    for (const member of [ada, admin]) expect(shown).not.toContain(member.username);
  }
  expect(metrics).not.toContain(ada.id);
  expect(metrics).not.toContain(general.id);
}, 150_000);

describe("what is set up wrong is explained, and the bot ends with 1:", () => {
  test("settings, every problem in one message", async () => {
    const bot = await startBot({
      DISCORD_TOKEN: "not-a-token",
      EMBEDDINGS_URL: "localhost:1234",
      EMBEDDINGS_PARALLEL: "many",
      LOG_LEVEL: "loud",
      FORGET_ON_LEAVE: "perhaps",
      COMMAND_PREFIX: "Big Prefix",
      SHARD_PROCESSES: "0",
      EMBEDDINGS_TIMEOUT_SECONDS: "0",
    });
    expect(await bot.ended()).toBe(1);
    expect(bot.errors()).toContain("The configuration has 8 problems:");
    for (const name of [
      "DISCORD_TOKEN",
      "EMBEDDINGS_URL",
      "EMBEDDINGS_PARALLEL",
      "LOG_LEVEL",
      "FORGET_ON_LEAVE",
      "COMMAND_PREFIX",
      "SHARD_PROCESSES",
      "EMBEDDINGS_TIMEOUT_SECONDS",
    ]) {
      expect(bot.errors()).toContain(`  - ${name} `);
    }
    expect(bot.errors()).not.toMatch(/\n {4}at /);
    const none = await startBot({ EMBEDDINGS_MODEL: "text-embedding-3-small" });
    expect(await none.ended()).toBe(1);
    expect(none.errors()).toContain("DISCORD_TOKEN is missing: copy the bot's token");
    expect(none.errors()).toContain("EMBEDDINGS_URL is missing: EMBEDDINGS_MODEL needs it");
    const folder = await temporaryFolder();
    await mkdir(join(folder, ".env"));
    const unreadable = await startBot({}, folder);
    expect(await unreadable.ended()).toBe(1);
    expect(unreadable.errors()).toContain(`${join(folder, ".env")} cannot be read`);
    const aged = `--import=data:text/javascript,Object.defineProperty(process,"version",{value:"v18.20.8"})`;
    const old = await startBot({ NODE_OPTIONS: aged.replaceAll('"', "'") });
    expect(await old.ended()).toBe(1);
    expect(old.errors()).toContain("needs Node 24 or newer, or 22 from 22.18 on. This is v18.20.8");
  }, 60_000);

  test("remote stores that are not there or not set up, with everything else, and no secret", async () => {
    const bot = await startBot({
      DISCORD_TOKEN: "not-a-token",
      KV_URL: "http://127.0.0.1:49151",
      KV_ACCESS_TOKEN: "a secret of twelve characters",
      INDEX_URI: "s3://bucket/index",
      INDEX_S3_ENDPOINT: "http://127.0.0.1:49150",
      INDEX_S3_ACCESS_KEY: "someone",
      INDEX_S3_SECRET_KEY: "another secret",
    });
    expect(await bot.ended()).toBe(1);
    expect(bot.errors()).toContain("The configuration has 3 problems:");
    expect(bot.errors()).toMatch(/ {2}- DISCORD_TOKEN does not look like a bot token/);
    expect(bot.errors()).toMatch(/ {2}- .*archive http:\/\/127.0.0.1:49151 cannot be reached/);
    expect(bot.errors()).toMatch(/ {2}- .*object store at http:\/\/127.0.0.1:49150 cannot be reached/);
    expect(bot.output()).not.toMatch(/secret/);
    const half = await startBot({ KV_URL: "http://127.0.0.1:49151", INDEX_S3_SECRET_KEY: "another secret" });
    expect(await half.ended()).toBe(1);
    expect(half.errors()).toContain("KV_ACCESS_TOKEN is missing: KV_URL needs it");
    expect(half.errors()).toContain("INDEX_URI is missing: INDEX_S3_SECRET_KEY needs it");
  }, 60_000);

  test("a token that Discord does not accept", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const bot = await startBot(await settingsFor(discord, { DISCORD_TOKEN: "MTIzNDU2.not.mine" }));
    expect(await bot.ended()).toBe(1);
    expect(bot.errors()).toContain("Discord does not accept DISCORD_TOKEN");
    expect(bot.output()).not.toContain("not.mine");
    const several = { DISCORD_TOKEN: "MTIzNDU2.not.mine", SHARD_PROCESSES: "2" };
    const parent = await startBot(await settingsFor(discord, several));
    expect(await parent.ended()).toBe(1);
    expect(parent.errors()).toContain("Discord does not accept DISCORD_TOKEN");
    expect(parent.output()).not.toContain("shard:started");
  }, 90_000);

  test("a privileged intent that is not turned on", async () => {
    const discord = await startDiscord({ rateLimits: false, privilegedIntents: { messageContent: false } });
    const bot = await startBot(await settingsFor(discord));
    expect(await bot.ended()).toBe(1);
    expect(bot.errors()).toContain("turn on “Message Content Intent”");
  }, 60_000);

  test("a data folder that cannot be made or written, and an archive that is something else", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const folder = await temporaryFolder();
    await writeFile(join(folder, "a-file"), "not a folder");
    await mkdir(join(folder, "other"));
    await writeFile(join(folder, "other", "archive.sqlite"), "this is a shopping list, not a database\n".repeat(10));
    const indexIsFile = join(folder, "index-is-a-file");
    await mkdir(indexIsFile);
    await writeFile(join(indexIsFile, "index"), "not a folder");
    const wrong = [join(folder, "a-file", "data"), "/proc/backscroll", join(folder, "other"), indexIsFile];
    await Promise.all(
      wrong.map(async (path) => {
        const bot = await startBot(await settingsFor(discord, { DATA_DIR: path }));
        expect(await bot.ended(), path).toBe(1);
        expect(bot.errors(), path).toContain(path);
        expect(bot.errors(), path).not.toContain("could not start: ");
        expect(bot.errors(), path).not.toMatch(/\n {4}at /);
      }),
    );
  }, 90_000);

  test("a Discord that is not there", async () => {
    const discord = await startDiscord({ rateLimits: false });
    const settings = await settingsFor(discord, { DISCORD_API: "http://127.0.0.1:9/api" });
    const bot = await startBot(settings);
    expect(await bot.ended()).toBe(1);
    expect(bot.errors()).toContain("Discord cannot be reached (connect ECONNREFUSED 127.0.0.1:9)");
  }, 60_000);
});
