// The report after a backfill offers old messages to search for: each reader is shown what they can read, and no more.

import { MessageFlags, PermissionFlagsBits } from "discord.js";
import type { APIMessage } from "discord-api-types/v10";
import { expect, test } from "vitest";
import type { Snowflake } from "../../src/snowflake.ts";
import {
  buttons,
  PATIENCE_MS,
  resultsOf,
  startBackscroll,
  type TestBackscroll,
  textOf,
  until,
} from "../support/backscroll.ts";

const DAY_MS = 86_400_000;

/** History that is only on Discord; the texts are long enough to be looked for by their own words. */
function loadHistory({ world, ada }: TestBackscroll, channelId: Snowflake, about: string): Snowflake[] {
  const messages = Array.from({ length: 8 }, (_, at) => ({
    id: world.state.idAt(Date.now() - (400 - 40 * at) * DAY_MS),
    channelId,
    authorId: ada.id,
    content: `${about} report number ${at}, with all the details about ${["sails", "ropes", "anchors", "charts"][at % 4]}`,
  }));
  world.loadMessages(messages);
  return messages.map(({ id }) => id);
}

async function reportOf(bot: TestBackscroll): Promise<APIMessage> {
  const { world, admin, adminChannel, backscroll, guild } = bot;
  const options = { source: "discord", "report-to": adminChannel.id };
  await bot.type(admin.id, "backfill start", options, adminChannel.id);
  await until("the run is done", async () => (await backscroll.status(guild.id)).run?.status === "succeeded");
  const isReport = (message: APIMessage) => /Checked: search finds|The check found/.test(textOf(message));
  return await world.waitForMessage(adminChannel.id, isReport, PATIENCE_MS);
}

/** What a member is shown on pressing the n-th button, counted from 1. */
const press = (bot: TestBackscroll, who: Snowflake, message: APIMessage, position: number) =>
  bot.press(who, message, `🔎 Search for this (${position})`);

test("shows messages that everybody who reads the admin channel can read, and finds them for whoever asks", async () => {
  const bot = await startBackscroll();
  const open = loadHistory(bot, bot.general.id, "open");
  loadHistory(bot, bot.secret.id, "secret");
  const report = await reportOf(bot);
  const shown = open.filter((id) => textOf(report).includes(`/${id}`));
  expect(shown).toHaveLength(3);
  expect(shown[0]).toBe(open[0]);
  expect(textOf(report)).toContain("open report number 0, with all the details");
  expect(textOf(report)).not.toContain("secret report");
  expect(buttons(report)).toEqual(["🔎 Search for this (1)", "🔎 Search for this (2)", "🔎 Search for this (3)"]);

  const found = await press(bot, bot.admin.id, report, 1);
  expect((found.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
  expect(textOf(found)).toContain("An old message: “open report number 0");
  const [star] = resultsOf(found).filter(({ title }) => title.startsWith("⭐"));
  expect(star?.messageId).toBe(open[0]);
  expect(textOf(found)).toContain("⭐ is the message itself");
});

test("tells of messages that not everybody there can read only their age, also after a restart, and finds them for who can read them", async () => {
  const bot = await startBackscroll();
  const { world, admin, ada, ben, adminChannel, secret, guild } = bot;
  const ids = loadHistory(bot, secret.id, "secret");
  // Whoever helps the admins reads the reports, but not the secret channel.
  world.updateChannel(adminChannel.id, {
    overwrites: [
      { id: guild.id, deny: PermissionFlagsBits.ViewChannel },
      { id: world.bot.id, allow: PermissionFlagsBits.ViewChannel },
      { id: ben.id, allow: PermissionFlagsBits.ViewChannel },
      { id: ada.id, allow: PermissionFlagsBits.ViewChannel },
    ],
  });
  const report = await reportOf(bot);
  expect(textOf(report)).toContain("where not everybody who reads this can read");
  expect(textOf(report)).not.toMatch(/secret report/);
  for (const id of [...ids, secret.id]) expect(textOf(report)).not.toContain(id);
  expect(textOf(await press(bot, ben.id, report, 1))).toBe("⚠️ That message is gone, or you cannot read it.");

  await bot.whileAway(() => undefined);
  for (const who of [admin.id, ada.id]) {
    expect(textOf(await press(bot, who, report, 1))).toContain("An old message: “secret report number 0");
  }
  world.updateMember(guild.id, ada.id, { roleIds: [] });
  expect(textOf(await press(bot, ada.id, report, 1))).toBe("⚠️ That message is gone, or you cannot read it.");

  const verified = await bot.type(admin.id, "backfill verify", {}, adminChannel.id);
  expect(buttons(verified)).toContain("🔎 Search for this (1)");
  expect(textOf(verified)).not.toMatch(/secret report/);
});
