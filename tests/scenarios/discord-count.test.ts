// How much there is to fetch, by Discord's own search: before a backfill, while it fetches, and at its end.

import { expect, test } from "vitest";
import { PATIENCE_MS, startBackscroll, textOf, until } from "../support/backscroll.ts";

const DAY_MS = 86_400_000;

async function withHistory(messages: number) {
  const bot = await startBackscroll();
  const { world, ada, general, secret } = bot;
  const places = [general.id, general.id, general.id, secret.id];
  world.loadMessages(
    Array.from({ length: messages }, (_, n) => ({
      id: world.state.idAt(Date.now() - 100 * DAY_MS + n * 60_000),
      channelId: places[n % places.length] ?? general.id,
      authorId: ada.id,
      content: `entry ${n} of the logbook`,
    })),
  );
  return bot;
}

test("analyze of a new server says how many messages there are and how long they take, also when Discord makes its index first", async () => {
  const { type, admin, adminChannel, world, guild } = await withHistory(400);
  world.state.searchNotReady.set(guild.id, 1);
  const text = textOf(await type(admin.id, "backfill analyze", {}, adminChannel.id));
  expect(text).toContain("Nothing of this server is stored yet");
  // The answer itself is one of the bot's own.
  expect(text).toMatch(
    /Discord counts about \*\*40[0-2] messages\*\* in what I can read, a few seconds to fetch them and make them searchable/,
  );
  world.state.searchNotReady.set(guild.id, Number.POSITIVE_INFINITY);
  const unknown = textOf(await type(admin.id, "backfill analyze", {}, adminChannel.id));
  expect(unknown).toContain("Nothing of this server is stored yet");
  expect(unknown).not.toContain("Discord counts");
});

test("while it fetches, the progress says how far it is, by channel, too; the report compares both counts", async () => {
  const { type, admin, adminChannel, world, guild, general, secret, backscroll, faults } = await withHistory(1_200);
  const run = async () => (await backscroll.status(guild.id)).run;
  const request = { match: /GET .*\/messages$/, count: Number.POSITIVE_INFINITY, delayMs: 300 };
  faults.slow(request);
  await type(admin.id, "backfill start", { source: "discord", "report-to": adminChannel.id }, adminChannel.id);
  await until("some of it is fetched", async () => ((await run())?.collection?.byChannel?.[general.id] ?? 0) > 0);
  await until("Discord has counted", async () => (await run())?.collection?.expected !== undefined);
  const shown = textOf(await type(admin.id, "backfill status", {}, adminChannel.id));
  expect(shown).toMatch(
    /📥 Fetching the history from Discord first: \*\*[\d,]+\*\* of about \*\*1,20\d messages\*\* · .+ left/,
  );
  // Of as much, either channel may come first.
  expect(shown).toMatch(new RegExp(`Fetched so far\n(<#${secret.id}>: \\d+\n)?<#${general.id}>: \\d`));
  expect(shown).not.toMatch(/(^|\s)0 of 0/m);
  faults.clear();
  await until("it is done", async () => (await run())?.status === "succeeded");
  expect((await run())?.collection).toMatchObject({
    finished: true,
    collected: 1_200,
    byChannel: { [secret.id]: 300 },
  });
  const report = await world.waitForMessage(
    adminChannel.id,
    (message) => textOf(message).includes("Does it add up?"),
    PATIENCE_MS,
  );
  expect(textOf(report)).toMatch(/Fetched from Discord\n1,200 messages\. Discord's own search counts 1,20\d/);
});
