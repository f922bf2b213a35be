// Attempts to see through search what one cannot read on Discord. Each is made by a member, with what Discord lets a member do.

import { ChannelType, MessageFlags, PermissionFlagsBits } from "discord.js";
import type { APIMessage } from "discord-api-types/v10";
import { describe, expect, onTestFinished, test } from "vitest";
import { DEFAULT_PERMISSIONS } from "../../sandbox/guilds.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import {
  buttonId,
  buttons,
  FORGOTTEN_MS,
  PATIENCE_MS,
  resultsOf,
  skippingClock,
  startBackscroll,
  type TestBackscroll,
  textOf,
} from "../support/backscroll.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";

const { ViewChannel, ReadMessageHistory, ManageMessages } = PermissionFlagsBits;
const REFUSED = "⚠️ That message is gone, or you cannot read it.";

/** Hours apart, so that each message is a conversation of its own, and not folded into the one before. */
const on = (at: number) => ({ timestamp: Date.UTC(2024, 4, 1, at) });

const idsIn = (page: APIMessage) => resultsOf(page).map(({ messageId }) => messageId);

async function turn(bot: TestBackscroll, who: Snowflake, page: APIMessage, label: string): Promise<APIMessage> {
  const before = JSON.stringify(page.embeds);
  const handle = bot.world.pressButton({ userId: who, messageId: page.id, customId: buttonId(page, label) });
  return await handle.until((reply) => reply && JSON.stringify(reply.embeds) !== before && reply, PATIENCE_MS);
}

/** A message that carries a button which the bot never put there. */
function forge(bot: TestBackscroll, page: APIMessage, customId: string): void {
  const [row] = JSON.parse(JSON.stringify(page.components));
  bot.world.getMessage(page.id).components = [
    { ...row, components: [{ type: 2, id: 2, style: 1, label: "forged", custom_id: customId }] },
  ];
}

/** All that there is was embedded by another model than the present one. */
async function changeModel(bot: TestBackscroll): Promise<void> {
  const server = await startEmbeddingServer({ dimensions: 12 });
  onTestFinished(() => server.close());
  await bot.backscroll.stop();
  await bot.attach({ embeddings: { baseUrl: server.url, model: "test-embed" } });
}

/**
 * Ada writes in a secret channel, in a private thread and to herself; Ben tries to get at it.
 * @param isChanging the model has been changed since, and the former index answers
 */
async function secrets(isChanging = false) {
  const clock = skippingClock();
  const bot = await startBackscroll({ clock });
  const { world, ada, ben, general, secret, privateThread } = bot;
  const open = bot.say(ben.id, "the gardeners meet at the pond on sunday");
  const poll = { question: "Who brings the poison to the pond?", answers: ["Ada", "Admin"] };
  // Not in one conversation with what comes next in its channel, and yet of today.
  const earlier = { timestamp: Date.now() - 20 * 60_000 };
  const secretPoll = bot.say(ada.id, "vote", { channelId: secret.id, poll, ...earlier });
  const ids = {
    secret: bot.say(ada.id, "the conspirators meet at the pond on monday", { channelId: secret.id }),
    thread: bot.say(ada.id, "the plotters meet at the pond on tuesday", { channelId: privateThread.id }),
  };
  await bot.type(ada.id, "note add", { text: "my own plan for the pond" });
  await bot.untilFound(ben.id, "pond", open);
  for (const id of [...Object.values(ids), secretPoll]) await bot.untilFound(ada.id, `${id}`, id);
  clock.skip(FORGOTTEN_MS);
  const [note] = (await bot.search(ada.id, "pond", { kind: "note" })).map(({ text }) => text);
  expect(note).toContain("my own plan");
  const listed = textOf(await bot.type(ada.id, "note list"));
  const noteId = /id (\d+)/.exec(listed)?.[1] ?? "";
  if (isChanging) {
    await changeModel(bot);
    for (const [words, id] of [
      ["conspirators", ids.secret],
      ["plotters", ids.thread],
      ["poison", secretPoll],
    ] as const) {
      expect(await bot.found(ada.id, words)).toContain(id);
    }
  }
  return { ...bot, bot, clock, open, ids: { ...ids, secretPoll, noteId }, generalId: general.id, world };
}

test("what is in an age-restricted channel is found only by who asks there, or in its threads, where Discord has let them in", async () => {
  const bot = await startBackscroll();
  const { world, guild, ada } = bot;
  const cellar = world.addChannel({ guildId: guild.id, name: "cellar", ageRestricted: true });
  const thread = world.addThread({ parentId: cellar.id, name: "barrels" });
  const barred = [
    bot.say(ada.id, "the wine is behind the third barrel", { channelId: cellar.id }),
    bot.say(ada.id, "more wine behind the fourth barrel", { channelId: thread.id }),
  ];
  const open = bot.say(ada.id, "the wine glasses are in the cupboard");
  for (const id of barred) await bot.untilFound(ada.id, "wine", id, cellar.id);
  expect((await bot.found(ada.id, "wine", {}, cellar.id)).sort()).toEqual([...barred, open].sort());
  expect((await bot.found(ada.id, "wine", {}, thread.id)).sort()).toEqual([...barred, open].sort());
  expect(await bot.found(ada.id, "wine")).toEqual([open]);
  expect(await bot.found(ada.id, `wine in:${cellar.name}`)).toEqual([]);
  const told = textOf(await bot.type(ada.id, "search", { query: `wine in:${cellar.name}` }));
  expect(told).toContain("Age-restricted channels are searched only from such a channel.");
  expect(await bot.found(ada.id, barred[0] ?? "")).toEqual([]);
});

describe.each([
  ["", false],
  [", while the former index answers after a change of the model,", true],
])("whoever cannot read a place%s", { timeout: 90_000 }, (_, isChanging) => {
  test("gets the same answer about it as about one that does not exist", async () => {
    const { bot, ben, secret, privateThread, guild, ids } = await secrets(isChanging);
    const answerTo = async (query: string) => textOf(await bot.type(ben.id, "search", { query }));
    const differ = async (real: string, made: string, queryOf: (name: string) => string) => {
      const [one, other] = [await answerTo(queryOf(real)), await answerTo(queryOf(made))];
      expect(one.replaceAll(real, "…")).toBe(other.replaceAll(made, "…"));
    };
    await differ("secret", "nowhere", (name) => `pond in:${name}`);
    await differ("private thread", "no such thread", (name) => `pond in:"${name}"`);
    await differ(secret.id, "1111111111111111111", (id) => `pond in:<#${id}>`);
    await differ(privateThread.id, "1111111111111111111", (id) => `pond in:${id}`);
    await differ("conspirators meet", "elephants meet", (words) => `"${words}"`);
    await differ("poll", "code", (what) => `pond has:${what}`);
    for (const id of Object.values(ids)) {
      await differ(id, "1111111111111111111", (each) => each);
      await differ(
        id,
        "1111111111111111111",
        (each) => `https://discord.com/channels/${guild.id}/${secret.id}/${each}`,
      );
    }
  });

  test("finds nothing of it by words, by likeness, by filters alone or in counts", async () => {
    const { bot, world, ada, ben, open, ids } = await secrets(isChanging);
    const hidden = /conspirators|plotters|poison|own plan/;
    for (const query of [
      "pond",
      "conspirators",
      "from:ada",
      `from:<@${ada.id}>`,
      "during:today",
      "",
      " ",
      "has:poll",
      "poison",
    ]) {
      const page = await bot.type(ben.id, "search", { query: query || " " });
      expect(JSON.stringify(resultsOf(page))).not.toMatch(hidden);
      expect(idsIn(page).every((id) => id === open)).toBe(true);
      expect(textOf(page)).toMatch(resultsOf(page).length > 0 ? /Results 1 to 1\b/ : /Nothing|not there/);
      expect(buttons(page)).not.toContain("Next");
    }
    const similar = await world
      .runMessageCommand({ userId: ben.id, messageId: open, name: "Find similar" })
      .response(PATIENCE_MS);
    expect(resultsOf(similar)).toEqual([]);
    expect(await bot.found(ada.id, "pond")).toEqual(expect.arrayContaining([ids.secret, ids.thread, open]));
  });

  test("is refused by every button, forged ones included, in the same words whatever is behind it", async () => {
    const { bot, world, ben, ids } = await secrets(isChanging);
    const page = await bot.type(ben.id, "search", { query: "gardeners" });
    for (const action of ["around", "similar", "sample"]) {
      for (const id of [...Object.values(ids), "1111111111111111111"]) {
        forge(bot, page, `backscroll:search:${action}:${id}`);
        const customId = `backscroll:search:${action}:${id}`;
        const refusal = await world
          .pressButton({ userId: ben.id, messageId: page.id, customId })
          .until((reply) => reply && textOf(reply) !== "" && reply, PATIENCE_MS);
        expect(textOf(refusal)).toBe(REFUSED);
        expect((refusal.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
      }
    }
    forge(bot, page, `backscroll:note:remove:${ids.noteId}`);
    const removal = world.pressButton({
      userId: ben.id,
      messageId: page.id,
      customId: `backscroll:note:remove:${ids.noteId}`,
    });
    const refusal = await removal.until(
      (reply, [followup]) => followup ?? (reply && textOf(reply).includes("not yours") && reply),
      PATIENCE_MS,
    );
    expect(textOf(refusal)).toContain("There is no such note, or it is not yours");
  });

  test("is suggested nothing of others while typing: only one's own notes are ever suggested", async () => {
    const { bot, world, ada, ben, generalId, secret } = await secrets(isChanging);
    const typing = { userId: ben.id, channelId: generalId, name: "note", subcommand: "remove", focused: "note" };
    for (const note of ["", "pond", "plan"]) {
      expect(await world.autocomplete({ ...typing, options: { note } }).choices(PATIENCE_MS)).toEqual([]);
    }
    const suggesting = JSON.stringify(bot.backscroll.commandDefinitions).match(
      /"name":"[\w-]+"(?:(?!"name").)*?"autocomplete":true|"autocomplete":true(?:(?!"autocomplete").)*?"name":"([\w-]+)"/g,
    );
    // A note to remove, the phases of a backfill, a query, and two dates, which the calendar alone suggests.
    expect(suggesting).toHaveLength(5);
    const suggested = (userId: Snowflake, query: string) =>
      world
        .autocomplete({ userId, channelId: generalId, name: "search", options: { query }, focused: "query" })
        .choices(PATIENCE_MS)
        .then((choices) => (choices ?? []).map(({ value }) => value).filter((value) => value !== query));
    // Ada has written only where Ben reads nothing.
    for (const [query, theirs] of [
      ["from:", "from:Ada"],
      ["pond from:ad", "pond from:Ada"],
      ["in:", `in:${secret.name}`],
      ["in:sec", `in:${secret.name}`],
    ] as const) {
      expect(await suggested(ada.id, query)).toContain(theirs);
      expect(await suggested(ben.id, query)).not.toContain(theirs);
    }
    expect(await suggested(ben.id, "in:priv")).toEqual([]);
    for (const focused of ["after", "before"]) {
      const date = { channelId: generalId, name: "search", options: { query: "pond", [focused]: "" }, focused };
      const [forBen, forAda] = await Promise.all(
        [ben, ada].map(({ id }) => world.autocomplete({ ...date, userId: id }).choices(PATIENCE_MS)),
      );
      expect(forBen?.map(({ value }) => value)).toEqual(expect.arrayContaining(["yesterday", "today"]));
      expect(forBen).toEqual(forAda);
    }
    for (const definition of bot.backscroll.commandDefinitions) expect(definition.contexts).toEqual([0]);
  });

  test("moderates no notes of a private thread they are not in", async () => {
    const { bot, world, guild, ada, ben, privateThread } = await secrets(isChanging);
    const options = { text: "for the plotters only", visibility: "channel" };
    const saved = await bot.type(ada.id, "note add", options, privateThread.id);
    const noteId = /note:remove:(\d+)/.exec(JSON.stringify(saved.components))?.[1] ?? "";
    const moderator = world.addRole(guild.id, { name: "mod", permissions: ManageMessages });
    world.updateMember(guild.id, ben.id, { roleIds: [moderator.id] });
    const refused = textOf(await bot.type(ben.id, "note remove", { note: noteId }));
    expect(refused).toBe(textOf(await bot.type(ben.id, "note remove", { note: "1111111111111111111" })));
    expect(textOf(await bot.type(ada.id, "note remove", { note: noteId }))).toContain("for the plotters only");
  });
});

describe("an answer that was opened before", () => {
  /** A dozen messages in a channel that Ada reads by her role, and a page of them. */
  async function openPage(options: { share?: boolean } = {}) {
    const clock = skippingClock();
    const bot = await startBackscroll({ clock });
    const { ada, secret } = bot;
    const ids = Array.from({ length: 12 }, (_, at) =>
      bot.say(ada.id, `chapter ${at} of the novel, with dragon number ${at}`, { channelId: secret.id, ...on(at) }),
    );
    for (const id of ids) await bot.untilFound(ada.id, id, id);
    const page = await bot.type(ada.id, "search", { query: "dragon novel", ...options }, secret.id);
    expect(resultsOf(page)).toHaveLength(5);
    const general = await bot.type(ada.id, "search", { query: "dragon novel" });
    return { ...bot, bot, clock, ids, page, general };
  }

  test("shows nothing more of a channel after a role is taken, also to one who left and came back", async () => {
    const { bot, world, guild, ada, general } = await openPage();
    const customId = buttonId(general, "🔍 1");
    world.updateMember(guild.id, ada.id, { roleIds: [] });
    const refused = await bot.press(ada.id, general, "🔍 1");
    expect(textOf(refused)).toBe(REFUSED);
    const later = await turn(bot, ada.id, general, "Next");
    expect(resultsOf(later)).toEqual([]);
    expect(textOf(later)).toContain("no more results");
    world.removeMember(guild.id, ada.id);
    expect(() => world.pressButton({ userId: ada.id, messageId: general.id, customId })).toThrow("cannot see");
    world.addMember(guild.id, { userId: ada.id });
    expect(await bot.found(ada.id, "dragon")).toEqual([]);
  });

  test("shows nothing more of a channel that was deleted or closed", async () => {
    const { bot, world, guild, ada, secret, general } = await openPage();
    const closed = [
      { id: guild.id, deny: ViewChannel },
      { id: world.bot.id, allow: ViewChannel },
    ];
    world.updateChannel(secret.id, { overwrites: closed });
    expect(textOf(await bot.press(ada.id, general, "🔍 2"))).toBe(REFUSED);
    const next = await turn(bot, ada.id, general, "Next");
    expect(resultsOf(next)).toEqual([]);
    world.deleteChannel(secret.id);
    expect(await bot.found(bot.admin.id, "dragon novel")).toEqual([]);
  });

  test("that is shared has on each page only what everybody in the channel can read by then", async () => {
    const { bot, world, guild, ada, ben, secret, page, ids } = await openPage({ share: true });
    expect(idsIn(page).every((id) => id && ids.includes(id))).toBe(true);
    const everyoneSees = [
      { id: guild.id, deny: ReadMessageHistory },
      { id: ada.id, allow: ReadMessageHistory },
      { id: world.bot.id, allow: ViewChannel | ReadMessageHistory },
    ];
    // Everybody sees the channel now, but only Ada reads its past.
    world.updateChannel(secret.id, { overwrites: everyoneSees });
    expect(await bot.found(ada.id, "dragon novel")).not.toEqual([]);
    const next = await turn(bot, ada.id, page, "Next");
    expect(resultsOf(next)).toEqual([]);
    expect(await bot.found(ben.id, "dragon novel", { share: true }, secret.id)).toEqual([]);
    const why = textOf(await bot.type(ada.id, "search", { query: "dragon novel", share: true }, secret.id));
    expect(why).toContain("search without `share` to see more");
  });

  test("says politely after a restart that its pages cannot be turned; what needs no memory still works", async () => {
    const { bot, world, ada, general, page } = await openPage({ share: true });
    await bot.whileAway(() => undefined);
    for (const each of [general, page]) {
      const customId = buttonId(each, "Next");
      const handle = world.pressButton({ userId: ada.id, messageId: each.id, customId });
      expect(textOf(await handle.followup(PATIENCE_MS))).toContain("Please search again");
      expect(() => world.pressButton({ userId: ada.id, messageId: each.id, customId })).toThrow("disabled");
      const first = resultsOf(each)[0]?.text.match(/dragon\*\* number (\d+)/)?.[0] ?? "";
      expect(textOf(await bot.press(ada.id, each, "🔍 1"))).toContain(first.replace("**", ""));
    }
  });
});

describe("who is timed out", () => {
  const HOUR_MS = 3_600_000;

  /** A dozen messages in a voice channel's text that everybody reads, and pages of them opened by Ada before her timeout. */
  async function beforeTimeout() {
    const bot = await startBackscroll();
    const { world, guild, ada, ben } = bot;
    const lounge = world.addChannel({ guildId: guild.id, name: "lounge", type: ChannelType.GuildVoice });
    const stage = world.addChannel({ guildId: guild.id, name: "stage", type: ChannelType.GuildStageVoice });
    const open = bot.say(ben.id, "the karaoke list hangs at the door");
    const ids = Array.from({ length: 12 }, (_, at) =>
      bot.say(ben.id, `karaoke song ${at} is about whale number ${at}`, {
        channelId: at % 2 ? lounge.id : stage.id,
        ...on(at),
      }),
    );
    for (const id of [...ids, open]) await bot.untilFound(ada.id, id, id);
    const page = await bot.type(ada.id, "search", { query: "karaoke whale" });
    expect(resultsOf(page)).toHaveLength(5);
    const listed = await bot.type(ada.id, "search", { query: "karaoke list" });
    const timeOut = (until: number | null) => world.updateMember(guild.id, ada.id, { timedOutUntil: until });
    return { ...bot, bot, lounge, open, ids, page, listed, timeOut };
  }

  test("reads nothing of voice and stage channels, by page, button or likeness, until it is over; the rest as before", async () => {
    const { bot, world, ada, clock, open, ids, page, listed, timeOut } = await beforeTimeout();
    timeOut(clock.now() + HOUR_MS);
    expect(textOf(await bot.press(ada.id, page, "🔍 1"))).toBe(REFUSED);
    const next = await turn(bot, ada.id, page, "Next");
    expect(idsIn(next).filter((id) => id && ids.includes(id))).toEqual([]);
    const similar = world.pressButton({
      userId: ada.id,
      messageId: listed.id,
      customId: buttonId(listed, "🔍 1"),
    });
    const surroundings = await similar.until((reply) => reply && textOf(reply) !== "" && reply, PATIENCE_MS);
    expect(textOf(surroundings)).toContain("karaoke list");
    const alike = await bot.press(ada.id, surroundings, "Find similar");
    expect(idsIn(alike).filter((id) => id && ids.includes(id))).toEqual([]);
    // What Discord leaves: slash commands are not among it, so the search itself is not even sent.
    await expect(bot.found(ada.id, "karaoke")).rejects.toThrow("may not use");
    timeOut(clock.now() - 1_000);
    expect(await bot.found(ada.id, "karaoke whale")).not.toEqual([]);
    expect(textOf(await bot.press(ada.id, listed, "🔍 1"))).toContain("karaoke");
    expect(await bot.found(ada.id, "karaoke list")).toContain(open);
  });

  test("sees nothing of them in what others share in a channel that a timeout leaves open", async () => {
    const { bot, world, guild, ben, ids, open, lounge, general } = await beforeTimeout();
    const shared = await bot.found(ben.id, "karaoke", { share: true }, general.id);
    expect(shared).toEqual([open]);
    // In a voice channel nobody who is timed out reads along.
    world.updateRole(guild.id, guild.id, { permissions: DEFAULT_PERMISSIONS });
    const there = await bot.found(ben.id, "karaoke whale", { share: true }, lounge.id);
    expect(there.some((id) => ids.includes(id))).toBe(true);
  });

  test("is not bound by it as an administrator", async () => {
    const { bot, world, guild, ada, clock, page, timeOut } = await beforeTimeout();
    const boss = world.addRole(guild.id, { name: "boss", permissions: PermissionFlagsBits.Administrator });
    world.updateMember(guild.id, ada.id, { roleIds: [boss.id] });
    timeOut(clock.now() + HOUR_MS);
    expect(textOf(await bot.press(ada.id, page, "🔍 1"))).toContain("karaoke");
    expect(await bot.found(ada.id, "karaoke whale")).not.toEqual([]);
  });
});

describe("a shared answer", () => {
  test("gives the asker nothing they cannot read themselves", async () => {
    const bot = await startBackscroll();
    const { world, admin, ada, ben, general } = bot;
    const id = bot.say(admin.id, "the minutes of the meeting about umbrellas");
    await bot.untilFound(ben.id, "umbrellas", id);
    // Ben sees the channel, and not what was written before he came.
    world.updateChannel(general.id, { overwrites: [{ id: ben.id, deny: ReadMessageHistory }] });
    expect(await bot.found(ben.id, "umbrellas")).toEqual([]);
    expect(await bot.found(ben.id, "umbrellas", { share: true })).toEqual([]);
    // He also sees what others share there.
    expect(await bot.found(ada.id, "umbrellas", { share: true })).toEqual([]);
    expect(await bot.found(ada.id, "umbrellas")).toEqual([id]);
  });

  test("pings nobody, whatever is in it", async () => {
    const bot = await startBackscroll();
    const { world, ada, ben, general } = bot;
    const id = bot.say(ben.id, `umbrellas for @everyone and <@${ada.id}> ||hidden umbrellas||`);
    await bot.untilFound(ada.id, "umbrellas", id);
    const query = `umbrellas @everyone <@${ada.id}>`;
    const shared = await bot.type(ada.id, "search", { query, share: true });
    expect(world.visibleMessages(ben.id, general.id).map((message) => message.id)).toContain(shared.id);
    expect(shared).toMatchObject({ mentions: [], mention_everyone: false, mention_roles: [] });
    expect(textOf(shared)).toMatch(/\|\|hidden \*\*umbrellas\*\*\|\|/);
  });
});
