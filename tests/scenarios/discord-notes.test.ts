// /note and "Save as note" as members use them: kept, listed, removed, and found by /search by whom they are for.

import { MessageFlags, PermissionFlagsBits } from "discord.js";
import { expect, test } from "vitest";
import type { Snowflake } from "../../src/snowflake.ts";
import { PATIENCE_MS, startBackscroll, type TestBackscroll, textOf, until } from "../support/backscroll.ts";

/** What a member's search says, in one text. */
const findings = async (bot: TestBackscroll, who: Snowflake, query: string, options = {}) =>
  (await bot.search(who, query, options)).map(({ title, text }) => `${title}\n${text}`).join("\n");

const untilFindings = (bot: TestBackscroll, who: Snowflake, query: string, words: string) =>
  until(`a search for ${query} says ${words}`, async () => (await findings(bot, who, query)).includes(words));

test("a private note is found by its owner only, also by admins not", async () => {
  const bot = await startBackscroll();
  const { ada, ben, admin } = bot;
  const saved = await bot.type(ada.id, "note add", { text: "the surprise for Ben is in the attic" });
  expect((saved.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
  expect(textOf(saved)).toContain("Only you can find it");
  await untilFindings(bot, ada.id, "“in the attic”", "private note of");
  expect(await findings(bot, ada.id, "“in the attic”", { kind: "note" })).toContain("attic");
  for (const { id } of [ben, admin]) {
    expect(await findings(bot, id, "“in the attic”")).toBe("");
    expect(await findings(bot, id, "“in the attic”", { kind: "note" })).toBe("");
    expect(await findings(bot, id, "“in the attic”", { author: ada.id })).toBe("");
  }
  expect(await findings(bot, ada.id, "“in the attic”", { share: true })).toBe("");
});

test("a note for a channel is found by who reads that channel", async () => {
  const bot = await startBackscroll();
  const { ada, ben, secret } = bot;
  const options = { text: "the plan for the heist", visibility: "channel" };
  expect(textOf(await bot.type(ada.id, "note add", options, secret.id))).toContain(`<#${secret.id}>`);
  await untilFindings(bot, ada.id, "“plan for the heist”", "heist");
  expect(await findings(bot, ben.id, "“plan for the heist”")).toBe("");
  bot.world.updateMember(bot.guild.id, ben.id, { roleIds: [bot.insiders.id] });
  expect(await findings(bot, ben.id, "“plan for the heist”")).toContain("note of");
});

test("whoever may not write in a channel or its threads makes no note for it, only one of their own", async () => {
  const bot = await startBackscroll();
  const { world, guild, ada, general } = bot;
  const thread = world.addThread({ parentId: general.id, name: "replies" });
  const options = { text: "read this, everybody", visibility: "channel" };
  world.updateChannel(general.id, { overwrites: [{ id: guild.id, deny: PermissionFlagsBits.SendMessages }] });
  expect(textOf(await bot.type(ada.id, "note add", options))).toContain("You cannot write in this channel");
  expect(textOf(await bot.type(ada.id, "note add", options, thread.id))).toContain(`<#${thread.id}>`);
  expect(textOf(await bot.type(ada.id, "note add", { text: "read this, me" }))).toContain("Only you can find it");
  world.updateChannel(general.id, { overwrites: [{ id: guild.id, deny: PermissionFlagsBits.SendMessagesInThreads }] });
  expect(textOf(await bot.type(ada.id, "note add", options, thread.id))).toContain("You cannot write in this channel");
});

test("notes are listed newest first to their owner, and removed by command, by button and by nobody else", async () => {
  const bot = await startBackscroll();
  const { world, ada, ben, general } = bot;
  const first = await bot.type(ada.id, "note add", { text: "first thought about tulips" });
  await bot.type(ada.id, "note add", { text: "second thought about tulips" });
  await untilFindings(bot, ada.id, "tulips", "first");
  await untilFindings(bot, ada.id, "tulips", "second");
  const list = textOf(await bot.type(ada.id, "note list"));
  expect(list.indexOf("second thought")).toBeGreaterThan(-1);
  expect(list.indexOf("second thought")).toBeLessThan(list.indexOf("first thought"));
  expect(textOf(await bot.type(ben.id, "note list"))).toContain("You have no notes here yet");

  const typing = { userId: ada.id, channelId: general.id, name: "note", subcommand: "remove" };
  const choices = await world
    .autocomplete({ ...typing, options: { note: "second" }, focused: "note" })
    .choices(PATIENCE_MS);
  expect(choices.map(({ name }) => name)).toEqual([expect.stringContaining("second thought")]);
  const secondId = String(choices[0]?.value);
  const others = { ...typing, userId: ben.id, options: { note: "" }, focused: "note" };
  expect(await world.autocomplete(others).choices(PATIENCE_MS)).toEqual([]);
  expect(textOf(await bot.type(ben.id, "note remove", { note: secondId }))).not.toContain("is removed");
  expect(textOf(await bot.type(ada.id, "note remove", { note: secondId }))).toContain("The note is removed");
  expect(textOf(await bot.type(ada.id, "note remove", { note: secondId }))).not.toContain("is removed");
  expect(textOf(await bot.type(ada.id, "note remove", { note: "no such thing" }))).toContain("Nothing was removed");

  const removal = world.pressButton({
    userId: ada.id,
    messageId: first.id,
    customId: /backscroll:note:remove:\d+/.exec(JSON.stringify(first.components))?.[0] ?? "",
  });
  await removal.until((reply) => reply && textOf(reply).includes("The note is removed"), PATIENCE_MS);
  expect(textOf(await bot.type(ada.id, "note list"))).toContain("You have no notes here yet");
  await until("they are found no more", async () => (await findings(bot, ada.id, "“thought about tulips”")) === "");
  await bot.backscroll.idle();
  await bot.backscroll.stop();
  expect(await bot.stored()).toEqual({ archived: [], indexed: [], pending: 0 });
});

test("a message is saved as a note from its menu, with a link back, and outlives the message", async () => {
  const bot = await startBackscroll();
  const { world, ada, ben } = bot;
  const messageId = bot.say(ben.id, "the recipe for plum dumplings");
  const saved = await world
    .runMessageCommand({ userId: ada.id, messageId, name: "Save as note" })
    .response(PATIENCE_MS);
  expect(textOf(saved)).toContain("plum dumplings");
  expect(textOf(saved)).toContain(messageId);
  expect((saved.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
  await until("the note is found", async () =>
    (await findings(bot, ada.id, "“plum dumplings”", { kind: "note" })).includes("private note of"),
  );
  await bot.untilFound(ben.id, "“plum dumplings”", messageId);
  // Together with the message it says the same as, or apart from it; with the way to where it came from.
  const together = await bot.search(ada.id, "“plum dumplings”");
  expect(together.map(({ title }) => title.includes("private note of")).sort()).toEqual([false, true]);
  expect(together.every((result) => result.messageId === messageId)).toBe(true);
  expect(await bot.search(ada.id, "“plum dumplings”", { kind: "note" })).toHaveLength(1);
  expect(await bot.search(ada.id, "“plum dumplings”", { kind: "message" })).toHaveLength(1);
  expect(await findings(bot, ben.id, "“plum dumplings”")).not.toContain("note of");

  world.deleteMessage(messageId);
  await bot.untilGone(ben.id, "“plum dumplings”", messageId);
  expect(await findings(bot, ada.id, "“plum dumplings”", { kind: "note" })).toContain("plum");
  expect(await findings(bot, ben.id, "“plum dumplings”")).toBe("");
});

test("notes survive a restart and are part of a backfill", async () => {
  const bot = await startBackscroll();
  const { ada, admin, adminChannel, guild } = bot;
  await bot.type(ada.id, "note add", { text: "remember the umbrella" });
  await bot.whileAway(() => undefined);
  await untilFindings(bot, ada.id, "“the umbrella”", "umbrella");
  const options = { source: "discord", "report-to": adminChannel.id };
  await bot.type(admin.id, "backfill start", options, adminChannel.id);
  await until("done", async () => (await bot.backscroll.status(guild.id)).run?.status === "succeeded");
  expect(await findings(bot, ada.id, "“the umbrella”")).toContain("umbrella");
  expect(await bot.search(ada.id, "“the umbrella”")).toHaveLength(1);
});
