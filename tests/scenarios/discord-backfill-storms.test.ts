// `source: discord` in bad weather: every kind of channel, 5xx and 429 storms, dropped and resumed gateways, permissions that
// vanish, kill -9. In the end the archive and the index hold what Discord has, and Discord's rate limits were kept.

import { type ChildProcess, spawn } from "node:child_process";
import { type EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ChannelType, Events, PermissionFlagsBits } from "discord.js";
import { expect, test } from "vitest";
import type { Channel } from "../../sandbox/model.ts";
import type { Run } from "../../src/backfill/run/run.ts";
import { unreadableText } from "../../src/views/reasons.ts";
import { closeAfterTest, startBackscroll, type TestBackscroll, temporaryFolder, until } from "../support/backscroll.ts";
import { startDiscord, type TestDiscord } from "../support/discord.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";
import { expectStored, writtenIn } from "../support/mirror.ts";

const MESSAGES = /^GET \/channels\/\d+\/messages$/;
const DISCORDS_OWN_PACE = { rest: { globalRequestsPerSecond: 50 } };

/** A year of messages in a channel, which nobody heard. */
function fill(
  { world, ada, ben }: Pick<TestDiscord, "world" | "ada" | "ben">,
  channel: Channel,
  count: number,
): string[] {
  const start = Date.now() - 360 * 86_400_000;
  const messages = Array.from({ length: count }, (_, n) => ({
    id: world.state.idAt(start + n * 600_000),
    channelId: channel.id,
    authorId: n % 3 === 0 ? ada.id : ben.id,
    content: `${channel.name} entry ${n}`,
  }));
  world.loadMessages(messages);
  return messages.map(({ id }) => id);
}

const start = ({ type, admin, adminChannel }: TestBackscroll) =>
  type(admin.id, "backfill start", { source: "discord", "report-to": adminChannel.id, pace: "full" }, adminChannel.id);

const runOf = async ({ backscroll, guild }: TestBackscroll): Promise<Run | undefined> =>
  (await backscroll.status(guild.id)).run;

const finished = (bot: TestBackscroll) =>
  until("the run has succeeded", async () => (await runOf(bot))?.status === "succeeded", 60_000);

async function expectMirrored(bot: TestBackscroll, leftOut: readonly string[] = []): Promise<void> {
  await until("nothing waits", async () => (await bot.backscroll.status(bot.guild.id)).livePending === 0);
  await bot.backscroll.stop();
  await expectStored(bot.dataDir, bot.guild.id, writtenIn(bot, bot.guild.id, leftOut));
}

/** The most requests in any second, and what Discord refused because they were too many. */
function pressure(requests: TestDiscord["requests"]): { perSecond: number; refused: number } {
  let first = 0;
  let perSecond = 0;
  for (const [last, { at }] of requests.entries()) {
    while ((requests[first]?.at ?? at) <= at - 1_000) first += 1;
    perSecond = Math.max(perSecond, last - first + 1);
  }
  return { perSecond, refused: requests.filter(({ status, isFault }) => status === 429 && !isFault).length };
}

test("every kind of channel and thread is collected; what may not be read is listed", async () => {
  const bot = await startBackscroll();
  const { world, guild, general, ada } = bot;
  const addChannel = (name: string, type: ChannelType) => world.addChannel({ guildId: guild.id, name, type });
  const news = addChannel("news", ChannelType.GuildAnnouncement);
  const voice = addChannel("voice", ChannelType.GuildVoice);
  const forum = addChannel("forum", ChannelType.GuildForum);
  const hidden = { id: world.bot.id, deny: PermissionFlagsBits.ViewChannel };
  const unheard = { id: world.bot.id, deny: PermissionFlagsBits.ReadMessageHistory };
  const closed = world.addChannel({ guildId: guild.id, name: "closed", overwrites: [hidden] });
  const noHistory = world.addChannel({ guildId: guild.id, name: "no-history", overwrites: [unheard] });
  const thread = (parentId: string, name: string, more: object = {}) => world.addThread({ parentId, name, ...more });
  const places = [
    general,
    news,
    voice,
    thread(general.id, "active"),
    thread(general.id, "archived", { archived: true }),
    thread(general.id, "private", { private: true, memberIds: [world.bot.id] }),
    // The bot has Manage Threads.
    thread(general.id, "private-archived", { private: true, archived: true, memberIds: [ada.id] }),
    thread(news.id, "news-thread"),
    thread(news.id, "news-thread-archived", { archived: true }),
    thread(forum.id, "post"),
    thread(forum.id, "post-archived", { archived: true }),
  ];
  for (const place of places) fill(bot, place, 12);
  const unreadable = [closed, noHistory, thread(closed.id, "in-closed")];
  for (const place of unreadable) fill(bot, place, 5);
  await start(bot);
  await finished(bot);
  const { collection } = (await runOf(bot)) ?? {};
  expect(collection?.unreadable.map(unreadableText).sort()).toEqual([
    expect.stringMatching(/^#closed: .*View Channel/),
    expect.stringMatching(/^#no-history: .*Read Message History/),
  ]);
  expect(collection?.collected).toBe(places.length * 12);
  await expectMirrored(
    bot,
    unreadable.map(({ id }) => id),
  );
});

test("of private archived threads only its own are collected by a bot that may not manage threads", async () => {
  const bot = await startBackscroll({ discord: { botPermissions: 0n } });
  const { world, general, ada, privateThread } = bot;
  const own = world.addThread({
    parentId: general.id,
    name: "own",
    private: true,
    memberIds: [world.bot.id],
    archived: true,
  });
  const foreign = world.addThread({
    parentId: general.id,
    name: "foreign",
    private: true,
    memberIds: [ada.id],
    archived: true,
  });
  for (const place of [general, own, foreign, privateThread]) fill(bot, place, 8);
  await start(bot);
  await finished(bot);
  await expectMirrored(bot, [foreign.id]);
});

test("storms of 502, 429 and cut connections, dropped and resumed gateways: nothing is lost, nothing twice, limits are kept", async () => {
  const bot = await startBackscroll({ discord: { rateLimits: {} }, client: DISCORDS_OWN_PACE });
  const { world, guild, faults, general, ada } = bot;
  const channels = [general];
  for (let n = 0; n < 9; n += 1) channels.push(world.addChannel({ guildId: guild.id, name: `channel-${n}` }));
  const ids = channels.flatMap((channel) => fill(bot, channel, 320));
  await until("the client has heard of them", () => bot.client.channels.cache.has(channels.at(-1)?.id ?? ""));
  const asked = () => bot.requests.filter(({ method, path }) => MESSAGES.test(`${method} ${path}`)).length;
  const from = bot.requests.length;
  await start(bot);
  for (const [at, resumable] of [true, false, true].entries()) {
    await until("it goes on", () => asked() > 8 * (at + 1));
    faults.fail({ match: MESSAGES, status: 502, count: 6 });
    faults.rateLimit({ match: MESSAGES, retryAfterMs: 150, count: 3 });
    faults.rateLimit({ match: MESSAGES, retryAfterMs: 200, global: true, count: 1 });
    faults.reset({ match: MESSAGES, count: 4 });
    const back = once(bot.client as unknown as EventEmitter, resumable ? Events.ShardResume : Events.ShardReady);
    faults.dropGateway({ resumable });
    // In the dark: old and new, collected already or not.
    world.editMessage(ids[at * 1_000 + 5] ?? "", { content: `edited in storm ${at}` });
    world.deleteMessage(ids[at * 1_000 + 6] ?? "");
    world.deleteMessage(ids[at * 1_000 + 319] ?? "");
    bot.say(ada.id, `written in storm ${at}`);
    await back;
    world.editMessage(ids[at * 1_000 + 300] ?? "", { content: `edited after storm ${at}` });
    world.deleteMessage(ids[at * 1_000 + 301] ?? "");
  }
  await finished(bot);
  await until(
    "what was missed is made up for",
    async () => {
      // Only the second storm loses the session. While Discord fails, making up for it waits, and nothing in the status says so.
      const isRead = bot.logged.some(({ event }) => event === "recheck:done");
      return isRead && (await bot.backscroll.status(guild.id)).livePending === 0;
    },
    60_000,
  );
  const { perSecond, refused } = pressure(bot.requests.slice(from));
  console.log(`      at most ${perSecond} requests in a second, ${refused} refused as too many`);
  // The collection itself keeps to 40 a second (history.test); what discord.js tries again after an error comes on top of that.
  expect(refused).toBeLessThan(5);
  await expectMirrored(bot);
}, 120_000);

test("a channel that becomes unreadable in the middle is listed, and keeps what was collected of it", async () => {
  const bot = await startBackscroll();
  const { world, faults, general, secret } = bot;
  fill(bot, general, 350);
  fill(bot, secret, 450);
  faults.slow({ match: new RegExp(`^GET /channels/${secret.id}/messages$`), delayMs: 150, count: Infinity });
  await start(bot);
  const asked = () => bot.requests.filter(({ path }) => path === `/channels/${secret.id}/messages`).length;
  await until("it is being read", () => asked() === 2);
  // Discord answers whoever may not read history with no messages at all.
  world.updateChannel(secret.id, { overwrites: [{ id: world.bot.id, deny: PermissionFlagsBits.ReadMessageHistory }] });
  await finished(bot);
  expect((await runOf(bot))?.collection?.unreadable.map(unreadableText)).toEqual([
    expect.stringMatching(/^#secret: .*not allowed/),
  ]);
  await bot.backscroll.stop();
  const { archived, indexed } = await bot.stored();
  expect(archived.length).toBeGreaterThanOrEqual(350 + 200);
  expect(archived.length).toBeLessThan(350 + 450);
  expect(indexed).toEqual(archived);
});

test("an outage of Discord's REST, however long, only holds the collection up", async () => {
  const bot = await startBackscroll();
  const { faults, general } = bot;
  fill(bot, general, 320);
  faults.fail({ match: /^GET \/(channels\/\d+\/messages|(channels|guilds)\/\d+\/threads)/, status: 503, count: 30 });
  await start(bot);
  await finished(bot);
  expect(bot.logged.filter(({ event }) => event === "history:retry").length).toBeGreaterThan(1);
  await expectMirrored(bot);
}, 120_000);

const childFile = fileURLToPath(new URL("../support/discord-child.ts", import.meta.url));

/** A bot process of its own, on the stand-in; its clock is so far ahead that the lease of the one before has run out. */
function startChild(discord: TestDiscord, dataDir: string, embeddingsUrl: string, life: number) {
  const args = [childFile, discord.apiUrl, discord.token, dataDir, embeddingsUrl, String(life * 20_000)];
  const child: ChildProcess = spawn(process.execPath, [...args, discord.guild.id], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  closeAfterTest(async () => child.kill("SIGKILL"));
  const said: { event: string; status?: string; pending?: number; rechecking?: boolean }[] = [];
  if (child.stdout) createInterface(child.stdout).on("line", (line) => said.push(JSON.parse(line)));
  const ended = once(child, "exit");
  return {
    said,
    async end(signal: "SIGKILL" | "SIGTERM") {
      child.kill(signal);
      await ended;
    },
  };
}

test("killed with -9 at any point of the collection and started again, it ends with what Discord has", async () => {
  const server = await startEmbeddingServer({ dimensions: 16 });
  closeAfterTest(() => server.close());
  const discord = await startDiscord({ rateLimits: {} });
  const { world, guild, general, secret, publicThread, admin, adminChannel, faults, requests } = discord;
  const dataDir = await temporaryFolder();
  const ids = [general, secret, publicThread].flatMap((channel) => fill(discord, channel, 430));
  faults.slow({ match: MESSAGES, delayMs: 60, count: Infinity });
  const asked = () => requests.filter(({ method, path }) => MESSAGES.test(`${method} ${path}`)).length;

  let child = startChild(discord, dataDir, server.url, 0);
  await until("it is ready", () => child.said.some(({ event }) => event === "ready"), 60_000);
  const options = { source: "discord", "report-to": adminChannel.id, pace: "full" };
  await world
    .runCommand({ userId: admin.id, channelId: adminChannel.id, name: "backfill", subcommand: "start", options })
    .acknowledged();
  for (const [life, more] of [3, 5, 7].entries()) {
    const goal = asked() + more;
    await until("it reads on", () => asked() >= goal);
    await child.end("SIGKILL");
    // While nobody listens:
    world.editMessage(ids[life * 200 + 3] ?? "", { content: `edited after life ${life}` });
    world.editMessage(ids[life * 400 + 425] ?? "", { content: `edited too after life ${life}` });
    world.deleteMessage(ids[life * 200 + 4] ?? "");
    world.deleteMessage(ids[life * 400 + 426] ?? "");
    world.postMessage({ channelId: general.id, authorId: admin.id, content: `written after life ${life}` });
    child = startChild(discord, dataDir, server.url, life + 1);
    await until("it is ready", () => child.said.some(({ event }) => event === "ready"), 60_000);
  }
  faults.clear();
  await until(
    "all is done",
    () => {
      const last = child.said.at(-1);
      return last?.status === "succeeded" && last.pending === 0 && last.rechecking === false;
    },
    90_000,
  );
  await child.end("SIGTERM");
  await expectStored(dataDir, guild.id, writtenIn(discord, guild.id));
}, 300_000);
