// Our commands beside a host's, over the life of a bot: whose a name is, who answers, what becomes of them when the host registers
// its own in one go, and how they go away.

import { type Client, Events, type Interaction, Routes, SlashCommandBuilder } from "discord.js";
import { expect, test } from "vitest";
import { offerCommands } from "../../../src/adapters/discord/offer-commands.ts";
import { systemClock } from "../../../src/adapters/system.ts";
import type { HostProblem } from "../../../src/ports/discord.ts";
import { closeAfterTest, temporaryFolder, until } from "../../support/backscroll.ts";
import { startDiscord, type TestDiscord } from "../../support/discord.ts";

const ours = ["search", "note"].map((name) =>
  new SlashCommandBuilder().setName(name).setDescription(`Backscroll's ${name}`).toJSON(),
);
const theirs = (...names: string[]) => names.map((name) => ({ name, description: `The host's ${name}` }));
const taken = (command: string): HostProblem => ({ kind: "command-taken", command });

/** A minute passes in twenty milliseconds. */
const clock = { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 3_000, signal) };

async function setUp() {
  const discord = await startDiscord({ rateLimits: false });
  const client = await discord.login({ rest: { globalRequestsPerSecond: 1_000 } });
  const dataDir = await temporaryFolder();
  const told: HostProblem[] = [];
  const logged: string[] = [];
  const log = (event: string) => void logged.push(event);
  const logger = { debug() {}, info: log, warn: log, error: log };

  function offer(more: { replace?: boolean; register?: boolean; heard?: boolean } = {}) {
    const { replace = false, register = true, heard = true } = more;
    const stopped = new AbortController();
    const offered = offerCommands(client, ours, {
      replace,
      register,
      dataDir,
      clock,
      logger,
      signal: stopped.signal,
      tell: async (problems) => {
        if (heard) told.push(...problems);
        return heard;
      },
    });
    const stop = async () => {
      stopped.abort();
      await offered.ended;
    };
    closeAfterTest(stop);
    return { ...offered, stop };
  }
  const register = (...body: object[]) => client.rest.put(Routes.applicationCommands(client.application.id), { body });
  return { discord, client, offer, register, told, logged };
}

const descriptions = ({ world }: TestDiscord) =>
  [...world.state.commands.values()]
    .map(({ definition }) => ("description" in definition ? definition.description : definition.name))
    .sort();

/** The next command that somebody uses. */
function nextUsed(client: Client): Promise<Interaction> {
  return new Promise((resolve) => client.once(Events.InteractionCreate, resolve));
}

async function use({ discord, client }: { discord: TestDiscord; client: Client }, name: string): Promise<Interaction> {
  const used = nextUsed(client);
  discord.world.runCommand({ userId: discord.ada.id, channelId: discord.general.id, name });
  return await used;
}

test("a host's command of the same name stays, the others are added, and only the host answers it", async () => {
  const bot = await setUp();
  await bot.register(...theirs("search", "shop"));
  const offered = bot.offer();
  await offered.registered;
  expect(descriptions(bot.discord)).toEqual(["Backscroll's note", "The host's search", "The host's shop"]);
  expect(offered.problems()).toEqual([taken("/search")]);
  expect(await offered.isOurs(await use(bot, "search"))).toBe(false);
  expect(await offered.isOurs(await use(bot, "note"))).toBe(true);
  await until("it is told", () => bot.told.length > 0);
  expect(bot.logged).toContain("command:name-taken");
});

test("what the admins have been told once they are not told again after a restart, until it was over in between", async () => {
  const bot = await setUp();
  const host = await bot.client.application?.commands.create({ name: "search", description: "The host's search" });
  const first = bot.offer();
  await until("it is told", () => bot.told.length === 1);
  await first.stop();
  const second = bot.offer();
  await until("it is logged again", () => bot.logged.filter((event) => event === "command:name-taken").length === 2);
  await host?.delete();
  await until("it is ours", () => second.problems().length === 0);
  expect(bot.told).toEqual([taken("/search")]);
  await until("ours is there", () => descriptions(bot.discord).includes("Backscroll's search"));
  await bot.register(...theirs("search"));
  await until("it is told again", () => bot.told.filter(({ kind }) => kind === "command-taken").length === 2);
});

test("where nobody could be told, it is tried again", async () => {
  const bot = await setUp();
  await bot.register(...theirs("search"));
  const first = bot.offer({ heard: false });
  await until("it is logged", () => bot.logged.includes("command:name-taken"));
  await first.stop();
  bot.offer();
  await until("it is told", () => bot.told.length === 1);
});

test("a stand-alone bot takes the names for itself", async () => {
  const bot = await setUp();
  await bot.register(...theirs("search", "shop"));
  const offered = bot.offer({ replace: true });
  await offered.registered;
  expect(descriptions(bot.discord)).toEqual(["Backscroll's note", "Backscroll's search", "The host's shop"]);
  expect(offered.problems()).toEqual([]);
});

test("a host that registers its commands in one go takes ours away for less than a minute", async () => {
  const bot = await setUp();
  const offered = bot.offer();
  await offered.registered;
  await bot.register(...theirs("shop"));
  expect(descriptions(bot.discord)).toEqual(["The host's shop"]);
  await until("they are back", () => descriptions(bot.discord).length === 3);
  expect(descriptions(bot.discord)).toEqual(["Backscroll's note", "Backscroll's search", "The host's shop"]);
  await until("it is logged", () => bot.logged.filter((event) => event === "command:put-back").length === 2);
  expect(offered.problems()).toEqual([]);
});

test("a host that takes a name over while we run has it from then on", async () => {
  const bot = await setUp();
  const offered = bot.offer();
  await offered.registered;
  // Discord lets it keep the id that ours had.
  await bot.register(...theirs("search"), ...ours.slice(1));
  await until("it is noticed", () => offered.problems().length > 0);
  expect(offered.problems()).toEqual([taken("/search")]);
  expect(await offered.isOurs(await use(bot, "search"))).toBe(false);
  expect(descriptions(bot.discord)).toEqual(["Backscroll's note", "The host's search"]);
});

test("a host that takes them away again and again is told of instead, before Discord allows no more of them", async () => {
  const bot = await setUp();
  const offered = bot.offer();
  await offered.registered;
  for (let round = 0; round < 5; round += 1) {
    await bot.register(...ours.slice(1));
    await until("it is back", () => descriptions(bot.discord).length === 2);
  }
  await bot.register(...ours.slice(1));
  await until("it is told", () => bot.told.length > 0);
  expect(bot.told).toEqual([{ kind: "command-removed", command: "/search" }]);
  expect(descriptions(bot.discord)).toEqual(["Backscroll's note"]);
});

test("a command that the host has for one server alone is the host's, unless it is ours", async () => {
  const bot = await setUp();
  const { client, discord } = bot;
  const offered = bot.offer();
  await offered.registered;
  const inGuild = async (...body: object[]) => {
    for (const [id, { guildId }] of discord.world.state.commands) {
      if (guildId === undefined) discord.world.state.commands.delete(id);
    }
    await client.rest.put(Routes.applicationGuildCommands(client.application.id, discord.guild.id), { body });
    return await offered.isOurs(await use(bot, "search"));
  };
  expect(await inGuild(...theirs("search"))).toBe(false);
  expect(await inGuild(...ours)).toBe(true);
});

test("taken off, they are gone from Discord, and the host's stay", async () => {
  const bot = await setUp();
  await bot.register(...theirs("note"));
  const offered = bot.offer();
  await offered.registered;
  await offered.stop();
  expect(descriptions(bot.discord)).toEqual(["Backscroll's search", "The host's note"]);
  await offered.unregister();
  expect(descriptions(bot.discord)).toEqual(["The host's note"]);
  // Twice is no harm.
  await offered.unregister();
});

test("one that cannot be taken off is named", async () => {
  const bot = await setUp();
  const offered = bot.offer();
  await offered.registered;
  await offered.stop();
  bot.discord.faults.fail({ match: /DELETE/, status: 403, count: 1 });
  await expect(offered.unregister()).rejects.toThrow("could not be taken off Discord: search");
  await offered.unregister();
  expect(descriptions(bot.discord)).toEqual([]);
});
