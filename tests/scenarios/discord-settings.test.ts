// /backfill settings and /backfill record as admins use them: what is left out is found no more and not fetched back, what is taken in
// again comes back, what is too old leaves, and who did what is told.

import { MessageFlags, PermissionFlagsBits } from "discord.js";
import { ChannelType } from "discord-api-types/v10";
import { expect, test } from "vitest";
import { systemClock } from "../../src/adapters/system.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import { buttons, PATIENCE_MS, startBackscroll, type TestBackscroll, textOf, until } from "../support/backscroll.ts";

const DAY_MS = 86_400_000;

/** Whoever may read everything here. */
const settings = (bot: TestBackscroll, what: string, options = {}) =>
  bot.type(bot.admin.id, `backfill settings ${what}`, options, bot.adminChannel.id);

/** Messages of so many days, all in the bot's absence, collected by a backfill. */
async function withHistory(options: Parameters<typeof startBackscroll>[0] = {}) {
  const bot = await startBackscroll(options);
  const { world, guild, ada, general } = bot;
  const category = world.addChannel({ guildId: guild.id, name: "club", type: ChannelType.GuildCategory });
  const inClub = world.addChannel({ guildId: guild.id, name: "club-talk", parentId: category.id });
  const clubThread = world.addThread({ parentId: inClub.id, name: "club thread" });
  const robot = world.addUser({ username: "robot", bot: true });
  world.addMember(guild.id, { userId: robot.id });
  const at = (days: number) => world.state.idAt(Date.now() - days * DAY_MS);
  const ids = { general: at(100), club: at(99), thread: at(98), robot: at(97), young: at(2) };
  world.loadMessages([
    { id: ids.general, channelId: general.id, authorId: ada.id, content: "the lighthouse keeper sings at dawn" },
    { id: ids.club, channelId: inClub.id, authorId: ada.id, content: "the club meets in the cellar" },
    { id: ids.thread, channelId: clubThread.id, authorId: ada.id, content: "bring your own lantern to the cellar" },
    { id: ids.robot, channelId: general.id, authorId: robot.id, content: "beep boop the robot counts turnips" },
    { id: ids.young, channelId: general.id, authorId: ada.id, content: "yesterday's bread is still warm" },
  ]);
  await collect(bot);
  return { bot, category, inClub, clubThread, robot, ids };
}

async function collect(bot: TestBackscroll): Promise<void> {
  await bot.type(
    bot.admin.id,
    "backfill start",
    { source: "discord", "report-to": bot.adminChannel.id },
    bot.adminChannel.id,
  );
  await until("the run is over", async () => {
    const status = (await bot.backscroll.status(bot.guild.id)).run?.status;
    return status === undefined || status === "succeeded";
  });
  await bot.backscroll.idle();
}

const analyzed = async (bot: TestBackscroll) =>
  textOf(await bot.type(bot.admin.id, "backfill analyze", {}, bot.adminChannel.id));

test("a category that is left out is found no more, counts as nothing, is not fetched back, and comes back when taken in", async () => {
  const { bot, category, inClub, clubThread, ids } = await withHistory();
  const { admin, ada, world } = bot;
  expect(await bot.found(admin.id, "“in the cellar”")).toEqual([ids.club]);
  const reply = await settings(bot, "exclude", { channel: category.id });
  expect((reply.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
  expect(textOf(reply)).toContain(`<#${category.id}>`);
  await bot.untilGone(admin.id, "“in the cellar”", ids.club);
  await bot.untilGone(admin.id, "“your own lantern”", ids.thread);
  const shown = textOf(await settings(bot, "show"));
  expect(shown).toContain("1 channel or category");
  expect(shown).toContain(`<#${category.id}>`);

  // Live, after an absence, and by a collection: nothing of it comes back.
  const live = bot.say(ada.id, "the club meets in the attic now", { channelId: inClub.id });
  await bot.whileAway(() => {
    world.postMessage({ channelId: clubThread.id, authorId: ada.id, content: "written in the attic while away" });
  });
  await until("nothing is missing", async () => {
    const { gaps } = await bot.backscroll.status(bot.guild.id);
    return gaps?.isKnown && gaps.channels === 0;
  });
  await collect(bot);
  expect(await analyzed(bot)).toContain("3 messages** stored");
  expect(await bot.found(admin.id, "“attic”")).toEqual([]);

  expect(textOf(await settings(bot, "include", { channel: category.id }))).toContain("stored again");
  await bot.untilFound(admin.id, "“in the cellar”", ids.club);
  await bot.untilFound(admin.id, "“your own lantern”", ids.thread);
  await bot.untilFound(admin.id, "“attic now”", live);
  expect(textOf(await settings(bot, "show"))).toContain("no channel");
});

test("bots' messages are left out, and stored again", async () => {
  const { bot, robot, ids } = await withHistory();
  expect(await bot.found(bot.admin.id, "“counts turnips”")).toEqual([ids.robot]);
  expect(textOf(await settings(bot, "bots", { store: false }))).toContain("no message of a bot");
  expect(textOf(await settings(bot, "bots", { store: false }))).toContain("already");
  await bot.untilGone(bot.admin.id, "“counts turnips”", ids.robot);
  const later = bot.say(robot.id, "beep boop turnips again");
  const heard = bot.say(bot.ada.id, "somebody cooks turnips");
  await bot.untilFound(bot.admin.id, "“cooks turnips”", heard);
  expect(await bot.found(bot.admin.id, "“turnips again”")).toEqual([]);
  await settings(bot, "bots", { store: true });
  await bot.untilFound(bot.admin.id, "“counts turnips”", ids.robot);
  await bot.untilFound(bot.admin.id, "“turnips again”", later);
});

/** A clock whose days can be skipped. */
function calendar(): Clock & { skip(ms: number): void } {
  let skipped = 0;
  const hurried = 50;
  return {
    ...systemClock,
    now: () => systemClock.now() + skipped,
    sleep: (ms, signal) => systemClock.sleep(ms >= 10_000 ? Math.min(ms, hurried) : ms, signal),
    skip(ms) {
      skipped += ms;
    },
  };
}

test("messages older than they are kept for leave at once, and then day by day; kept for longer, they come back", async () => {
  const clock = calendar();
  const { bot, ids } = await withHistory({ clock });
  expect(textOf(await settings(bot, "retention", { days: 30 }))).toContain("30 days");
  await bot.untilGone(bot.admin.id, "“lighthouse keeper”", ids.general);
  expect(await bot.found(bot.admin.id, "“still warm”")).toEqual([ids.young]);
  await collect(bot);
  expect(await analyzed(bot)).toContain("1 message** stored");
  clock.skip(29 * DAY_MS);
  bot.clock.advance(29 * DAY_MS);
  await bot.untilGone(bot.admin.id, "“still warm”", ids.young);
  await settings(bot, "retention", { days: 0 });
  await bot.untilFound(bot.admin.id, "“still warm”", ids.young);
  await bot.untilFound(bot.admin.id, "“lighthouse keeper”", ids.general);
});

test("a member's words are removed after a question, and nobody else's; they are not fetched back", async () => {
  const { bot, ids } = await withHistory();
  const { admin, ada, ben, adminChannel, world } = bot;
  const others = bot.say(ben.id, "I sing at noon, unlike the keeper");
  await bot.untilFound(admin.id, "“sing at noon”", others);
  const question = await settings(bot, "remove", { member: ada.id });
  expect(buttons(question)).toEqual(["Delete everything", "Keep it"]);
  expect(textOf(question)).toContain("in others' messages, quoted or forwarded, stay");
  expect(await bot.found(admin.id, "“lighthouse keeper”")).toEqual([ids.general]);
  const pressed = world.pressButton({ userId: admin.id, messageId: question.id, customId: removeId(ada.id) });
  await pressed.until((reply) => reply && /is being deleted/.test(textOf(reply)) && reply);
  await bot.untilGone(admin.id, "“lighthouse keeper”", ids.general);
  await collect(bot);
  expect(await bot.found(admin.id, "“lighthouse keeper”")).toEqual([]);
  expect(await bot.found(admin.id, "“sing at noon”")).toEqual([others]);
  const later = bot.say(ada.id, "the keeper is back in the lighthouse");
  await bot.untilFound(admin.id, "“back in the lighthouse”", later);
  const told = textOf(await bot.type(admin.id, "backfill record", {}, adminChannel.id));
  expect(told).toContain(`<@${admin.id}> had everything deleted that <@${ada.id}> had written`);
  expect(told).toContain(`<@${admin.id}> started a backfill`);
});

const removeId = (userId: Snowflake) => `backscroll:backfill:remove-member:${userId}`;

test("the record is paged, ephemeral, and outlives a restart; whoever may not manage the server sees and decides nothing", async () => {
  const bot = await startBackscroll();
  const { admin, ben, general, adminChannel } = bot;
  for (let days = 1; days <= 17; days += 1) await settings(bot, "retention", { days: 1_000 + days });
  await settings(bot, "exclude", { channel: general.id });
  await settings(bot, "include", { channel: general.id });
  await bot.whileAway(() => {});
  const first = await bot.type(admin.id, "backfill record", {}, adminChannel.id);
  expect((first.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
  expect(textOf(first)).toMatch(/had <#\d+> stored again[\s\S]*left out <#\d+>[\s\S]*1,017 days[\s\S]*1,005 days/);
  expect(textOf(first)).not.toContain("1,004 days");
  expect(buttons(first)).toEqual(["Older"]);
  const pressed = bot.world.pressButton({
    userId: admin.id,
    messageId: first.id,
    customId: "backscroll:backfill:record:1",
  });
  const second = await pressed.until((reply) => reply && /page 2/.test(textOf(reply)) && reply);
  expect(textOf(second)).toMatch(/1,004 days[\s\S]*1,001 days/);
  expect(buttons(second)).toEqual(["Newer"]);

  const refused = /Manage Server|may not use/;
  for (const [command, options] of [
    ["backfill record", {}],
    ["backfill settings show", {}],
    ["backfill settings exclude", { channel: general.id }],
    ["backfill settings retention", { days: 1 }],
  ] as const) {
    const answer = await bot.type(ben.id, command, options).then(textOf, String);
    expect(answer).toMatch(refused);
  }
  expect(textOf(await settings(bot, "show"))).toContain("no channel");
});

test("a channel that is taken out of the bot's sight: the admin channel is told, a week later it is removed; after a restart, too", async () => {
  const clock = calendar();
  const { bot, inClub, ids } = await withHistory({ clock });
  const { world, guild, admin, adminChannel } = bot;
  const pass = (days: number) => {
    clock.skip(days * DAY_MS);
    bot.clock.advance(days * DAY_MS);
  };
  await bot.untilFound(admin.id, "“in the cellar”", ids.club);
  world.updateChannel(inClub.id, { overwrites: [{ id: guild.id, deny: PermissionFlagsBits.ViewChannel }] });
  await bot.whileAway(() => {});
  await until("that is noticed", async () => (await bot.backscroll.status(guild.id)).gaps?.isKnown);
  pass(24);
  const told = await world.waitForMessage(
    adminChannel.id,
    (message) => /will be deleted/.test(textOf(message)),
    PATIENCE_MS,
  );
  expect(textOf(told)).toContain(`<#${inClub.id}>`);
  const soon = textOf(await settings(bot, "show"));
  expect(soon).toMatch(new RegExp(`Deleted soon.*\\n• <#${inClub.id}>: <t:\\d+:R>`));
  await bot.whileAway(() => pass(8));
  await until("it is removed", () => bot.logged.some(({ event }) => event === "channel:expired"));
  await bot.backscroll.idle();
  await until("the record says so", async () =>
    /the bot deleted what was stored of/.test(textOf(await bot.type(admin.id, "backfill record", {}, adminChannel.id))),
  );
  await bot.backscroll.stop();
  const { archived } = await bot.stored();
  expect(archived).not.toContain(ids.club);
  expect(archived).toContain(ids.general);
});
