// /privacy as members use it: what is stored of them is told, handed out, deleted, not stored any more, and stored again.

import { MessageFlags } from "discord.js";
import type { APIMessage } from "discord-api-types/v10";
import { expect, test } from "vitest";
import type { Snowflake } from "../../src/snowflake.ts";
import {
  buttonId,
  buttons,
  PATIENCE_MS,
  startBackscroll,
  type TestBackscroll,
  textOf,
  until,
} from "../support/backscroll.ts";

const isEphemeral = (message: APIMessage) => ((message.flags ?? 0) & MessageFlags.Ephemeral) !== 0;

/** Presses the button that begins a removal, and waits for its end. */
async function confirm(bot: TestBackscroll, who: Snowflake, asked: APIMessage, label: string): Promise<APIMessage> {
  const click = bot.world.pressButton({ userId: who, messageId: asked.id, customId: buttonId(asked, label) });
  return await click.until(
    (reply) => reply && textOf(reply).includes("Everything of yours is deleted") && reply,
    PATIENCE_MS,
  );
}

async function fileOf(message: APIMessage): Promise<{ records: Record<string, unknown>[] }> {
  const [file] = message.attachments;
  expect(file?.filename).toBe("my-words-1.json");
  const answer = await fetch(file?.url ?? "");
  return (await answer.json()) as { records: Record<string, unknown>[] };
}

/** Ada and Ben talk; Ada has a note, and Ben has one with words of hers. */
async function startTalk() {
  const bot = await startBackscroll();
  const { ada, ben, world, secret } = bot;
  const spoken = bot.say(ada.id, "the password is swordfish");
  const answered = bot.say(ben.id, "thank you, I shall tell nobody");
  const hidden = bot.say(ada.id, "a marlin in the secret channel", { channelId: secret.id });
  await bot.type(ada.id, "note add", { text: "remember the barracuda" });
  await world.runMessageCommand({ userId: ben.id, messageId: spoken, name: "Save as note" }).response(PATIENCE_MS);
  await bot.untilFound(ben.id, "“thank you”", answered);
  await bot.backscroll.idle();
  return { ...bot, bot, spoken, answered, hidden };
}

test("a member is told what is stored of them, where, for how long, and about backups; nobody else sees it", async () => {
  const { bot, ada } = await startTalk();
  const told = await bot.type(ada.id, "privacy stored");
  expect(isEphemeral(told)).toBe(true);
  const text = textOf(told);
  for (const words of [
    "2 messages",
    "2 in text channels",
    "1 note",
    "1 note that others have saved from your messages",
    "no text is sent anywhere else",
    "within 24 hours",
    "Backups",
  ]) {
    expect(text).toContain(words);
  }
});

test("a member gets all their messages and notes as a file, and nothing of others", async () => {
  const { bot, ada, ben, spoken, guild, general } = await startTalk();
  const reply = await bot.type(ada.id, "privacy export");
  expect(isEphemeral(reply)).toBe(true);
  expect(textOf(reply)).toContain("2 messages and 1 note");
  const { records } = await fileOf(reply);
  expect(records.map(({ content }) => content).sort()).toEqual([
    "a marlin in the secret channel",
    "remember the barracuda",
    "the password is swordfish",
  ]);
  expect(records.find(({ id }) => id === spoken)).toMatchObject({
    kind: "message",
    channel: general.name,
    link: `https://discord.com/channels/${guild.id}/${general.id}/${spoken}`,
  });
  const others = await bot.type(ben.id, "privacy export");
  expect(textOf(others)).toContain("1 message and 1 note");
  expect(textOf(await bot.type(bot.admin.id, "privacy export"))).toContain("Nothing is stored of you");
});

test("what is deleted is asked about once, gone everywhere, and does not come back when Discord is read again", async () => {
  const { bot, ada, ben, answered } = await startTalk();
  const asked = await bot.type(ada.id, "privacy delete");
  expect(textOf(asked)).toContain("2 messages and 1 note");
  expect(textOf(asked)).toContain("Backups");
  expect(buttons(asked)).toEqual(["Delete everything", "Keep it"]);
  expect(await bot.found(ben.id, "swordfish")).not.toEqual([]);

  const done = await confirm(bot, ada.id, asked, "Delete everything");
  expect(textOf(done)).toContain("Backups");
  expect(buttons(done)).toEqual([]);
  for (const who of [ada, ben]) {
    for (const word of ["swordfish", "marlin", "barracuda"]) expect(await bot.found(who.id, `“${word}”`)).toEqual([]);
  }
  expect(textOf(await bot.type(ben.id, "note list"))).toContain("You have no notes here yet");
  await bot.whileAway(() => undefined);
  const later = bot.say(ada.id, "a new beginning with herrings");
  await bot.untilFound(ben.id, "“new beginning”", later);
  await bot.backscroll.idle();
  await bot.backscroll.stop();
  expect(await bot.stored()).toEqual({ archived: [answered, later], indexed: [answered, later], pending: 0 });
});

test("what is not confirmed is kept", async () => {
  const { bot, ada, spoken } = await startTalk();
  const asked = await bot.type(ada.id, "privacy delete");
  const click = bot.world.pressButton({ userId: ada.id, messageId: asked.id, customId: buttonId(asked, "Keep it") });
  await click.until((reply) => reply && textOf(reply).includes("Nothing was changed"), PATIENCE_MS);
  expect(await bot.found(ada.id, "“swordfish”")).toEqual([spoken]);
});

test("of who has opted out nothing is stored, live, from history or as a note, until they opt in: then Discord is read again", async () => {
  const { bot, ada, ben, admin, adminChannel, guild, world, spoken, answered, hidden } = await startTalk();
  const asked = await bot.type(ada.id, "privacy opt-out");
  expect(textOf(asked)).toContain("only your id is kept");
  await confirm(bot, ada.id, asked, "Opt out");
  expect(textOf(await bot.type(ada.id, "privacy stored"))).toContain("You have opted out");

  const unheard = bot.say(ada.id, "nobody hears this halibut");
  const heard = bot.say(ben.id, "what did she say?");
  await bot.untilFound(ben.id, "“did she say”", heard);
  world.editMessage(unheard, { content: "nobody hears this turbot" });
  expect(textOf(await bot.type(ada.id, "note add", { text: "a flounder" }))).toContain("Nothing was saved");
  const saving = world.runMessageCommand({ userId: ben.id, messageId: unheard, name: "Save as note" });
  expect(textOf(await saving.response(PATIENCE_MS))).toContain("does not want their words to be stored");
  await bot.whileAway(() => bot.say(ada.id, "written while the bot was away: plaice"));
  const run = { source: "discord", "report-to": adminChannel.id };
  await bot.type(admin.id, "backfill start", run, adminChannel.id);
  await until("done", async () => (await bot.backscroll.status(guild.id)).run?.status === "succeeded");
  for (const word of ["halibut", "turbot", "flounder", "plaice", "swordfish"]) {
    expect(await bot.found(ben.id, `“${word}”`)).toEqual([]);
  }
  expect(textOf(await bot.type(ada.id, "privacy stored"))).toContain("0 messages");

  const back = textOf(await bot.type(ada.id, "privacy opt-in"));
  expect(back).toContain("comes back");
  await bot.untilFound(ben.id, "“turbot”", unheard);
  await bot.untilFound(ben.id, "“swordfish”", spoken);
  await bot.untilFound(ada.id, "“marlin”", hidden);
  const now = bot.say(ada.id, "heard again: mackerel");
  await bot.untilFound(ben.id, "“mackerel”", now);
  expect(textOf(await bot.type(ada.id, "privacy opt-in"))).toContain("You have not opted out");
  await bot.backscroll.idle();
  await bot.backscroll.stop();
  const { archived } = await bot.stored();
  for (const id of [spoken, answered, hidden, unheard, heard, now]) expect(archived).toContain(id);
}, 90_000);
