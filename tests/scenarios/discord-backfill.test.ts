// /backfill as an admin uses it, for a server whose history is only on Discord.

import { PermissionFlagsBits } from "discord.js";
import type { APIMessage } from "discord-api-types/v10";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/adapters/system.ts";
import { type Run, totals } from "../../src/backfill/run/run.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import {
  buttonId,
  buttons,
  PATIENCE_MS,
  startBackscroll,
  type TestBackscroll,
  type TestBackscrollOptions,
  textOf,
  until,
} from "../support/backscroll.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";

const DAY_MS = 86_400_000;
/** So many messages take the slow server about three seconds. */
const LONG = 160;
const PROGRESS = /Backfill (running|paus|waiting|interrupted|finished)/;

/** Answers slowly enough to press a button in the middle. */
let slow: EmbeddingServer;
beforeAll(async () => {
  slow = await startEmbeddingServer({ latencyMs: 100, parallelLimit: 1 });
});
afterAll(() => slow.close());

const slowly = (): TestBackscrollOptions => ({
  embeddings: { baseUrl: slow.url, model: "test-embed", textsPerRequest: 8, parallelRequests: 1 },
});

/** Some batches have been embedded since now, and many have not. */
const underWay = () => slow.received(slow.requests.length + 4);

/** A server with a year of history in four places, which the bot has not seen. */
async function withHistory(count: number, options: TestBackscrollOptions = {}) {
  const bot = await startBackscroll(options);
  const { world, ada, ben, general, secret, publicThread, privateThread } = bot;
  const places = [general, secret, publicThread, privateThread].map(({ id }) => id);
  const oldest = Date.now() - 360 * DAY_MS;
  const messages = Array.from({ length: count }, (_, at) => ({
    id: world.state.idAt(oldest + Math.floor((at / count) * 360 * DAY_MS)),
    channelId: places[at % places.length] ?? general.id,
    authorId: at % 3 === 0 ? ada.id : ben.id,
    content: `entry ${at} of the logbook, about ${["sails", "ropes", "anchors", "charts", "storms"][at % 5]}`,
  }));
  world.loadMessages(messages);
  const ids = messages.map(({ id }) => id);
  return { ...bot, bot, ids };
}

const runOf = async ({ backscroll, guild }: TestBackscroll): Promise<Run | undefined> =>
  (await backscroll.status(guild.id)).run;

const untilStatus = (bot: TestBackscroll, ...wanted: Run["status"][]) =>
  until(`the run is ${wanted.join(" or ")}`, async () => {
    const status = (await runOf(bot))?.status;
    return status !== undefined && wanted.includes(status);
  });

const start = (bot: TestBackscroll, options = {}) =>
  bot.type(
    bot.admin.id,
    "backfill start",
    { source: "discord", "report-to": bot.adminChannel.id, ...options },
    bot.adminChannel.id,
  );

/** The messages of the bot in the admin channel that say this, oldest first, as they are now. */
function reports({ world, adminChannel }: TestBackscroll, says: RegExp): APIMessage[] {
  const all = world.getChannel(adminChannel.id).channel.messages.page(undefined, 100);
  return all
    .map(world.render)
    .filter(
      (message) => message.author.id === world.bot.id && !message.interaction_metadata && says.test(textOf(message)),
    )
    .reverse();
}

/** Waits until live and backfill have done all, stops, and compares the stores. */
async function expectAllIndexed(bot: TestBackscroll, ids: readonly Snowflake[]): Promise<void> {
  await bot.backscroll.idle();
  await bot.backscroll.stop();
  const { archived, indexed, pending } = await bot.stored();
  expect(archived).toEqual([...ids].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
  expect(indexed).toEqual(archived);
  expect(pending).toBe(0);
}

describe("a backfill of history that is only on Discord", () => {
  test("is looked at first, started, followed in one progress message, finished, reported and verified", async () => {
    const { bot, world, admin, ada, adminChannel, ids } = await withHistory(600);
    const empty = await bot.type(admin.id, "backfill analyze", {}, adminChannel.id);
    expect(textOf(empty)).toContain("Nothing of this server is stored yet");
    expect(buttons(empty)).toContain("Fetch the history and start");
    expect(await bot.found(ada.id, "“entry 7 of the logbook”")).toEqual([]);

    const edits: number[] = [];
    const stopCounting = world.subscribe((event) => {
      if (event.type === "message:updated" && event.channel.id === adminChannel.id) edits.push(Date.now());
    });
    expect(textOf(await start(bot))).toMatch(/backfill has started/);
    await untilStatus(bot, "succeeded");
    await until("the progress message says so", () => reports(bot, /Backfill finished/).length > 0);
    stopCounting();
    // One progress message, edited in place.
    expect(reports(bot, PROGRESS).filter((message) => /Phases, newest first/.test(textOf(message)))).toHaveLength(1);
    expect(edits.length).toBeGreaterThan(0);
    const report = await world.waitForMessage(
      adminChannel.id,
      (message) => /Found by search/.test(textOf(message)),
      PATIENCE_MS,
    );
    expect(textOf(report)).toContain("✅");

    const verified = await bot.type(admin.id, "backfill verify", {}, adminChannel.id);
    expect(textOf(verified)).toContain("✅");
    expect(textOf(verified)).not.toContain("❌");
    const analyzed = await bot.type(admin.id, "backfill analyze", {}, adminChannel.id);
    expect(textOf(analyzed)).toContain("600");
    const again = await start(bot, { source: "archive" });
    expect(textOf(again)).toMatch(/nothing to do|Everything|already/i);

    expect(await bot.found(admin.id, "“entry 7 of the logbook”")).toEqual([ids[7]]);
    expect(await bot.found(ada.id, "“entry 0 of the logbook”")).toEqual([ids[0]]);
    await expectAllIndexed(bot, ids);
  }, 90_000);

  test("is started by the button of the analysis", async () => {
    const { bot, admin, adminChannel, ids } = await withHistory(40);
    const empty = await bot.type(admin.id, "backfill analyze", {}, adminChannel.id);
    const started = await bot.press(admin.id, empty, "Fetch the history and start");
    expect(textOf(started)).toMatch(/backfill has started/);
    await untilStatus(bot, "succeeded");
    await expectAllIndexed(bot, ids);
  });

  test("does not lose what is written, edited and deleted while it runs", async () => {
    const { bot, world, ada, ids } = await withHistory(LONG, slowly());
    await start(bot);
    await underWay();
    const fresh = bot.say(ada.id, "the logbook is being written");
    const [edited = "", deleted = ""] = ids;
    world.editMessage(edited, { content: "an entry that was corrected" });
    world.deleteMessage(deleted);
    await bot.untilFound(ada.id, "“is being written”", fresh);
    expect((await runOf(bot))?.status).toBe("running");
    await untilStatus(bot, "succeeded");
    await bot.untilFound(ada.id, "“that was corrected”", edited);
    await expectAllIndexed(bot, [...ids.filter((id) => id !== deleted), fresh]);
  });

  test("reads on although Discord fails, limits and drops requests in between", async () => {
    const { bot, faults, ids } = await withHistory(450);
    faults.fail({ match: /GET .*\/messages/, status: 503, count: 2 });
    faults.rateLimit({ match: /GET .*\/messages/, retryAfterMs: 300, count: 2 });
    faults.reset({ match: /GET .*\/messages/, count: 2 });
    await start(bot);
    await untilStatus(bot, "succeeded");
    await expectAllIndexed(bot, ids);
  });
});

describe("pausing", () => {
  test("by the button stops it in the middle, and the button Resume takes it up where it was", async () => {
    const { bot, world, admin, adminChannel, ids } = await withHistory(LONG, slowly());
    await start(bot);
    const shown = await world.waitForMessage(
      adminChannel.id,
      (message) => /Backfill running/.test(textOf(message)) && buttons(message).includes("Pause"),
      PATIENCE_MS,
    );
    await underWay();
    expect(textOf(await bot.press(admin.id, shown, "Pause"))).toMatch(/Pausing|paused/);
    await untilStatus(bot, "paused");
    const run = await runOf(bot);
    expect(run && totals(run).embedded).toBeGreaterThan(0);
    expect(run && totals(run).embedded).toBeLessThan(LONG);
    const requests = slow.requests.length;
    const paused = await world.waitForMessage(
      adminChannel.id,
      (message) => buttons(message).includes("Resume"),
      PATIENCE_MS,
    );
    expect(textOf(paused)).toContain("Backfill paused");
    expect(slow.requests.length).toBe(requests);

    expect(textOf(await bot.press(admin.id, paused, "Resume"))).toMatch(/goes on where it stopped/);
    await untilStatus(bot, "succeeded");
    await expectAllIndexed(bot, ids);
  });

  test("by the command does the same, says so when there is nothing to pause, and start goes on", async () => {
    const { bot, admin, adminChannel, ids } = await withHistory(LONG, slowly());
    const none = await bot.type(admin.id, "backfill pause", {}, adminChannel.id);
    expect(textOf(none)).toContain("No backfill is running");
    await start(bot);
    await underWay();
    expect(textOf(await bot.type(admin.id, "backfill pause", {}, adminChannel.id))).toMatch(/Pausing/);
    await untilStatus(bot, "paused");
    expect(textOf(await bot.type(admin.id, "backfill pause", {}, adminChannel.id))).toMatch(/paused already/);
    const status = await bot.type(admin.id, "backfill status", {}, adminChannel.id);
    expect(textOf(status)).toContain("Backfill paused");
    expect(textOf(await start(bot))).toMatch(/goes on where it stopped \(it was paused\)/);
    await untilStatus(bot, "succeeded");
    await expectAllIndexed(bot, ids);
  });
});

describe("a member without Manage Server", () => {
  test("can neither run the commands nor press the buttons", async () => {
    const { bot, world, guild, admin, ada, ben, general } = await withHistory(LONG, slowly());
    for (const command of ["analyze", "start", "status", "pause", "verify", "failures", "retry", "rollback"]) {
      await expect(bot.type(ada.id, `backfill ${command}`)).rejects.toThrow("may not use");
    }
    // Reports in a channel that everybody reads: everybody sees its buttons.
    await start(bot, { "report-to": general.id });
    const shown = await world.waitForMessage(general.id, (message) => buttons(message).includes("Pause"), PATIENCE_MS);
    const handle = world.pressButton({ userId: ada.id, messageId: shown.id, customId: buttonId(shown, "Pause") });
    const refusal = await handle.response(PATIENCE_MS);
    expect(textOf(refusal)).toContain("needs the Manage Server permission");
    expect((refusal.flags ?? 0) & 64).toBeTruthy();
    expect((await runOf(bot))?.status).toBe("running");

    // With the permission, though not the owner.
    const moderators = world.addRole(guild.id, { name: "moderators", permissions: PermissionFlagsBits.ManageGuild });
    world.updateMember(guild.id, ben.id, { roleIds: [moderators.id] });
    expect(textOf(await bot.press(ben.id, shown, "Pause"))).toMatch(/Pausing|paused/);
    await untilStatus(bot, "paused");
    expect((await bot.type(admin.id, "backfill status")).embeds[0]?.title).toContain("paused");
  });

  test("is refused by the bot as well when the server lets them see the command", async () => {
    const bot = await startBackscroll();
    const backfill = [...bot.world.state.commands.values()].find(({ definition }) => definition.name === "backfill");
    if (backfill === undefined) throw new Error("/backfill is not registered");
    // What a server's own settings of the integration do.
    backfill.definition = { ...backfill.definition, default_member_permissions: null } as typeof backfill.definition;
    for (const command of ["analyze", "start", "status", "pause", "verify", "failures", "retry", "rollback"]) {
      const reply = await bot.type(bot.ada.id, `backfill ${command}`);
      expect(textOf(reply)).toContain("needs the Manage Server permission");
    }
    expect(await runOf(bot)).toBeUndefined();
  });
});

describe("on a machine whose clock is wrong", () => {
  for (const [how, aheadMs] of [
    ["hours slow", -5 * 3_600_000],
    ["hours fast", 5 * 3_600_000],
  ] as const) {
    test(`${how}, it ends with everything up to now, and the status shows the clock`, async () => {
      const clock = { ...systemClock, now: () => Date.now() + aheadMs };
      const { bot, world, ada, general, ids } = await withHistory(60, { clock });
      const late = Array.from({ length: 120 }, (_, at) => world.state.idAt(Date.now() - 2 * 3_600_000 + at * 30_000));
      world.loadMessages(
        late.map((id, at) => ({ id, channelId: general.id, authorId: ada.id, content: `late entry ${at}` })),
      );
      await start(bot);
      await untilStatus(bot, "succeeded");
      const status = await bot.type(bot.admin.id, "backfill status");
      expect(textOf(status)).toMatch(new RegExp(`Clock: 300 minutes ${aheadMs < 0 ? "behind" : "ahead of"} Discord's`));
      expect(bot.logged.filter(({ event }) => event === "clock:wrong")).toHaveLength(1);
      await expectAllIndexed(bot, [...ids, ...late]);
    });
  }
});

describe("when the bot is stopped in the middle", () => {
  test("a running backfill goes on by itself when it is back, and ends with everything", async () => {
    const { bot, ids } = await withHistory(LONG, slowly());
    await start(bot);
    await underWay();
    await bot.whileAway(() => undefined);
    await until("it is at work", () => bot.logged.some(({ event }) => event === "run:resumed"));
    await untilStatus(bot, "succeeded");
    await expectAllIndexed(bot, ids);
  });

  test("while it collects from Discord, it goes on collecting when it is back", async () => {
    const { bot, faults, ids } = await withHistory(900);
    faults.slow({ match: /GET .*\/messages/, delayMs: 400, count: 8 });
    await start(bot);
    await until("it collects", async () => (await runOf(bot))?.collection?.finished === false);
    await bot.whileAway(() => undefined);
    await untilStatus(bot, "succeeded");
    await expectAllIndexed(bot, ids);
  });

  test("a paused one stays paused until somebody resumes it", async () => {
    const { bot, admin, adminChannel, ids } = await withHistory(LONG, slowly());
    await start(bot);
    await underWay();
    await bot.type(admin.id, "backfill pause", {}, adminChannel.id);
    await untilStatus(bot, "paused");
    const requests = slow.requests.length;
    await bot.whileAway(() => undefined);
    const status = await bot.type(admin.id, "backfill status", {}, adminChannel.id);
    expect(textOf(status)).toContain("Backfill paused");
    await bot.backscroll.idle();
    expect(slow.requests.length).toBeLessThanOrEqual(requests + 1);
    await bot.press(admin.id, status, "Resume");
    await untilStatus(bot, "succeeded");
    await expectAllIndexed(bot, ids);
  });
});
