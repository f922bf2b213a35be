// /search as different members type it: each finds what they could read on Discord at that moment, and only that.

import { MessageFlags, Options, PermissionFlagsBits } from "discord.js";
import type { APIMessage } from "discord-api-types/v10";
import { describe, expect, test } from "vitest";
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
  until,
} from "../support/backscroll.ts";

const { ViewChannel, ReadMessageHistory } = PermissionFlagsBits;

/** Turns a page with one of its buttons. @returns the page shown then */
async function turn(bot: TestBackscroll, who: Snowflake, page: APIMessage, label: string): Promise<APIMessage> {
  const before = textOf(page);
  const handle = bot.world.pressButton({ userId: who, messageId: page.id, customId: buttonId(page, label) });
  await handle.acknowledged();
  return await handle.until((reply) => reply && textOf(reply) !== before && reply, PATIENCE_MS);
}

/** Messages that say the same thing in places that different people can read. */
async function places(client = {}) {
  const clock = skippingClock();
  const bot = await startBackscroll({ clock, client });
  const { world, guild, admin, ada, ben, secret, publicThread, privateThread } = bot;
  const everyone = { id: guild.id, deny: ViewChannel };
  const forBen = world.addChannel({
    guildId: guild.id,
    name: "for-ben",
    overwrites: [everyone, { id: ben.id, allow: ViewChannel }, { id: world.bot.id, allow: ViewChannel }],
  });
  const noHistory = world.addChannel({
    guildId: guild.id,
    name: "no-history",
    overwrites: [
      { id: guild.id, deny: ReadMessageHistory },
      { id: world.bot.id, allow: ReadMessageHistory },
    ],
  });
  const secretThread = world.addThread({ parentId: secret.id, name: "thread of secret" });
  const ids = {
    general: bot.say(ada.id, "the budget of the garden party, first draft"),
    publicThread: bot.say(ada.id, "the budget of the winter party", { channelId: publicThread.id }),
    privateThread: bot.say(ada.id, "the budget of a surprise party", { channelId: privateThread.id }),
    secret: bot.say(admin.id, "the budget of the secret party", { channelId: secret.id }),
    secretThread: bot.say(admin.id, "the budget of a very secret party", { channelId: secretThread.id }),
    forBen: bot.say(ben.id, "the budget of nobody else's party", { channelId: forBen.id }),
    noHistory: bot.say(admin.id, "the budget of a forgotten party", { channelId: noHistory.id }),
  };
  const nameOf = new Map(Object.entries(ids).map(([name, id]) => [id, name]));

  /** All that a member finds, over all pages, by the names above. */
  async function finds(who: Snowflake, options: { channelId?: Snowflake; share?: boolean } = {}): Promise<string[]> {
    const values = { query: "budget party", ...(options.share && { share: true }) };
    let page = await bot.type(who, "search", values, options.channelId);
    const found = resultsOf(page);
    while (buttons(page).includes("Next") && !isDisabled(page, "Next")) {
      page = await turn(bot, who, page, "Next");
      found.push(...resultsOf(page));
    }
    return found.map(({ messageId = "", title }) => nameOf.get(messageId) ?? title).sort();
  }
  await until("all of it is indexed", async () => {
    clock.skip(FORGOTTEN_MS);
    return (await finds(admin.id)).length === nameOf.size;
  });
  return { ...bot, bot, clock, ids, finds, forBen };
}

function isDisabled(page: APIMessage, label: string): boolean {
  const rows = (page.components ?? []).flatMap((row) => ("components" in row ? [row.components] : []));
  return rows.flat().some((each) => "label" in each && each.label === label && "disabled" in each && each.disabled);
}

const GENERAL = ["general", "publicThread"];

describe("a member finds what they can read", () => {
  test("by their roles, by exceptions for them, by threads they have joined, and not where they cannot read what was", async () => {
    const { finds, ada, ben } = await places();
    expect(await finds(ada.id)).toEqual([...GENERAL, "privateThread", "secret", "secretThread"].sort());
    expect(await finds(ben.id)).toEqual([...GENERAL, "forBen"].sort());
  });

  test("also when the bot's client caches no members", async () => {
    const makeCache = Options.cacheWithLimits({
      GuildMemberManager: 0,
      UserManager: 0,
      MessageManager: 0,
      ThreadMemberManager: 0,
    });
    const { finds, ada, ben } = await places({ makeCache });
    expect(await finds(ada.id)).toEqual([...GENERAL, "privateThread", "secret", "secretThread"].sort());
    expect(await finds(ben.id)).toEqual([...GENERAL, "forBen"].sort());
  });

  test("as of this moment: a role taken, a channel closed or opened, an exception taken back", async () => {
    const { finds, world, guild, ada, ben, general, forBen, insiders, secret } = await places();
    world.updateMember(guild.id, ada.id, { roleIds: [] });
    expect(await finds(ada.id)).toEqual([...GENERAL, "privateThread"].sort());
    world.updateMember(guild.id, ben.id, { roleIds: [insiders.id] });
    expect(await finds(ben.id)).toEqual([...GENERAL, "forBen", "secret", "secretThread"].sort());

    const closed = { id: guild.id, deny: ViewChannel };
    world.updateChannel(forBen.id, { overwrites: [closed, { id: world.bot.id, allow: ViewChannel }] });
    world.updateChannel(secret.id, {
      overwrites: [closed, { id: ada.id, allow: ViewChannel }, { id: world.bot.id, allow: ViewChannel }],
    });
    expect(await finds(ben.id)).toEqual(GENERAL);
    expect(await finds(ada.id)).toEqual([...GENERAL, "privateThread", "secret", "secretThread"].sort());

    // Made private after it was indexed. Its threads go with it, the private one too, though ada is a member of that.
    world.updateChannel(general.id, { overwrites: [closed, { id: world.bot.id, allow: ViewChannel }] });
    const stillOpen = world.addChannel({ guildId: guild.id, name: "still-open" });
    expect(await finds(ben.id, { channelId: stillOpen.id })).toEqual([]);
    expect(await finds(ada.id, { channelId: secret.id })).toEqual(["secret", "secretThread"]);
  });

  test("in a private thread from when they join until they leave it, at the latest when the look-up is 15 s old", async () => {
    const { finds, clock, world, ada, ben, privateThread } = await places();
    world.addThreadMember(privateThread.id, ben.id);
    clock.skip(FORGOTTEN_MS);
    expect(await finds(ben.id)).toContain("privateThread");
    world.removeThreadMember(privateThread.id, ben.id);
    world.removeThreadMember(privateThread.id, ada.id);
    clock.skip(FORGOTTEN_MS);
    expect(await finds(ben.id)).not.toContain("privateThread");
    expect(await finds(ada.id)).not.toContain("privateThread");
  });

  test("but not in a private thread while Discord does not say whether they are in it", async () => {
    const { finds, clock, faults, ada } = await places();
    clock.skip(FORGOTTEN_MS);
    faults.fail({ match: /GET .*\/thread-members\//, status: 500, count: 10 });
    expect(await finds(ada.id)).not.toContain("privateThread");
  });

  test("as long as they are members of the server", async () => {
    const { bot, world, guild, ada } = await places();
    world.removeMember(guild.id, ada.id);
    await expect(bot.type(ada.id, "search", { query: "budget" })).rejects.toThrow("cannot see channel");
  });
});

describe("an answer", () => {
  test("is for the asker's eyes only", async () => {
    const { bot, world, ada, ben, general } = await places();
    const reply = await bot.type(ada.id, "search", { query: "budget" });
    expect((reply.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
    const seenBy = (who: Snowflake) => world.visibleMessages(who, general.id).map(({ id }) => id);
    expect(seenBy(ada.id)).toContain(reply.id);
    expect(seenBy(ben.id)).not.toContain(reply.id);
  });

  test("that is shared has only what everybody in the channel reads, whoever asks", async () => {
    const { bot, finds, world, admin, ada, ben, general, secret, privateThread } = await places();
    await bot.type(ada.id, "note add", { text: "my own budget for the party" });
    await bot.type(ada.id, "note add", { text: "our budget for the party", visibility: "channel" });
    await until(
      "the notes are found",
      async () => (await finds(ada.id)).filter((name) => name.includes("note")).length === 2,
    );

    const note = expect.stringMatching(/note of .*Ada/);
    const inGeneral = await finds(ada.id, { share: true });
    expect(inGeneral).toHaveLength(3);
    expect(inGeneral).toEqual(expect.arrayContaining([...GENERAL, note]));
    expect(await finds(admin.id, { share: true })).toEqual(inGeneral);
    expect(await finds(ben.id, { share: true })).toEqual(inGeneral);
    expect(inGeneral.join()).not.toContain("private");
    const inSecret = await finds(ada.id, { share: true, channelId: secret.id });
    expect(inSecret).toEqual(expect.arrayContaining([...GENERAL, "secret", "secretThread", note]));
    expect(inSecret).toHaveLength(5);
    const inThread = await finds(ada.id, { share: true, channelId: privateThread.id });
    expect(inThread).toEqual(expect.arrayContaining([...GENERAL, "privateThread", note]));
    expect(inThread).toHaveLength(4);

    const shared = await bot.type(ada.id, "search", { query: "budget", share: true });
    expect((shared.flags ?? 0) & MessageFlags.Ephemeral).toBeFalsy();
    expect(world.visibleMessages(ben.id, general.id).map(({ id }) => id)).toContain(shared.id);
  });

  test("is never indexed itself, shared or not", async () => {
    const { bot, ada } = await places();
    await bot.type(ada.id, "search", { query: "zanzibar", share: true });
    const after = bot.say(ada.id, "and now for something else");
    await bot.untilFound(ada.id, "“something else”", after);
    expect(await bot.found(ada.id, "“zanzibar”")).toEqual([]);
  });

  test("has pages that only the asker can turn, and each page shows what they can read by then", async () => {
    const bot = await startBackscroll();
    const { world, guild, ada, ben, secret } = bot;
    // Hours apart, so that each is a conversation of its own.
    const on = (at: number) => ({ timestamp: Date.UTC(2024, 4, 1, at) });
    const ids = Array.from({ length: 12 }, (_, at) => bot.say(ada.id, `recipe ${at}: soup with ${at} carrots`, on(at)));
    const hidden = Array.from({ length: 6 }, (_, at) =>
      bot.say(ada.id, `secret recipe ${at}: soup with ${at} truffles`, { channelId: secret.id, ...on(at) }),
    );
    await bot.untilFound(ada.id, "“soup with 11 carrots”", ids.at(-1) ?? "");
    await bot.untilFound(ada.id, "“soup with 5 truffles”", hidden.at(-1) ?? "");

    const first = await bot.type(ada.id, "search", { query: "soup recipe" });
    expect(resultsOf(first)).toHaveLength(5);
    expect(isDisabled(first, "Previous")).toBe(true);
    const second = await turn(bot, ada.id, first, "Next");
    expect(textOf(await turn(bot, ada.id, second, "Previous"))).toBe(textOf(first));

    world.updateMember(guild.id, ada.id, { roleIds: [] });
    const pages = [await turn(bot, ada.id, first, "Next")];
    for (;;) {
      const last = pages.at(-1);
      if (!last || isDisabled(last, "Next")) break;
      pages.push(await turn(bot, ada.id, last, "Next"));
    }
    const later = pages.flatMap(resultsOf).map(({ messageId }) => messageId ?? "");
    expect(new Set(later).size).toBe(later.length);
    expect(later.filter((id) => hidden.includes(id))).toEqual([]);

    const shared = await bot.type(ada.id, "search", { query: "soup recipe", share: true });
    const refused = world.pressButton({ userId: ben.id, messageId: shared.id, customId: buttonId(shared, "Next") });
    const refusal = await refused.until(
      (reply, [followup]) => followup ?? (reply && textOf(reply).includes("Only") && reply),
      PATIENCE_MS,
    );
    expect(textOf(refusal)).toContain("Only who searched can turn the pages");
    expect(textOf(world.render(world.getMessage(shared.id)))).toBe(textOf(shared));
  });
});

describe("filters", () => {
  async function diary() {
    const bot = await startBackscroll();
    const { ada, ben, general, guild, world } = bot;
    const elsewhere = world.addChannel({ guildId: guild.id, name: "elsewhere" });
    const thread = world.addThread({ parentId: elsewhere.id, name: "side talk" });
    const on = (iso: string) => ({ timestamp: Date.parse(iso) });
    const ids = {
      old: bot.say(ada.id, "diary of a long walk", on("2023-05-10T12:00:00Z")),
      spring: bot.say(ben.id, "diary of a spring walk", on("2024-04-20T12:00:00Z")),
      elsewhere: bot.say(ada.id, "diary of a walk elsewhere", {
        channelId: elsewhere.id,
        ...on("2024-04-21T12:00:00Z"),
      }),
      thread: bot.say(ben.id, "diary of a walk aside", { channelId: thread.id, ...on("2024-06-01T12:00:00Z") }),
    };
    await bot.type(ada.id, "note add", { text: "diary: walk again tomorrow" });
    const nameOf = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
    const finds = async (options: Record<string, string>, query = "diary walk") =>
      (await bot.search(ada.id, query, options)).map(({ messageId = "" }) => nameOf.get(messageId) ?? "note").sort();
    await until("all are found", async () => (await finds({})).length === 5);
    return { ...bot, bot, finds, elsewhere, thread, general };
  }

  test("narrow by channel with its threads, by author, by date, by kind, and together", async () => {
    const { finds, elsewhere, thread, ada, ben } = await diary();
    expect(await finds({ channel: elsewhere.id })).toEqual(["elsewhere", "thread"]);
    expect(await finds({ channel: thread.id })).toEqual(["thread"]);
    expect(await finds({ author: ben.id })).toEqual(["spring", "thread"]);
    expect(await finds({ author: ada.id })).toEqual(["elsewhere", "note", "old"]);
    expect(await finds({ after: "2024-04-20" })).toEqual(["elsewhere", "note", "thread"]);
    expect(await finds({ before: "2024-04-21" })).toEqual(["old", "spring"]);
    expect(await finds({ after: "2024-03", before: "2024-05" })).toEqual(["elsewhere", "spring"]);
    expect(await finds({ kind: "note" })).toEqual(["note"]);
    expect(await finds({ kind: "message" })).toEqual(["elsewhere", "old", "spring", "thread"]);
    expect(await finds({ channel: elsewhere.id, author: ben.id, before: "2024-05-01" })).toEqual([]);
    // The same, typed into the query.
    expect(await finds({}, "diary walk from:Ben")).toEqual(["spring", "thread"]);
    expect(await finds({}, "diary walk in:elsewhere")).toEqual(["elsewhere", "thread"]);
    expect(await finds({}, "diary walk before:2024-01-01")).toEqual(["old"]);
    expect(await finds({}, "from:me walk diary kind")).toEqual(["elsewhere", "note", "old"]);
  });

  test("that make no sense are answered with what to write instead", async () => {
    const { bot, ada } = await diary();
    const wrong = await bot.type(ada.id, "search", { query: "walk", after: "the day of the comet" });
    expect(textOf(wrong)).toContain("I do not understand “the day of the comet” as a date");
    const nobody = await bot.type(ada.id, "search", { query: "walk from:nobody-by-this-name" });
    expect(textOf(nobody)).toContain("nobody-by-this-name");
    const endless = await bot.type(ada.id, "search", { query: `walk from:${"nobody".repeat(30)}` });
    expect(textOf(endless)).toContain("Nobody here is called");
    const backwards = await bot.type(ada.id, "search", { query: "walk", after: "2024-05-01", before: "2024-04-01" });
    expect(resultsOf(backwards)).toEqual([]);
  });

  test("do not open what a member cannot read", async () => {
    const { bot, ada, ben, admin, secret } = await diary();
    const id = bot.say(admin.id, "diary of a walk in the dark", { channelId: secret.id });
    await bot.untilFound(admin.id, "“walk in the dark”", id);
    expect(await bot.found(ben.id, "walk", { channel: secret.id })).toEqual([]);
    expect(await bot.found(ben.id, "walk in:secret")).toEqual([]);
    expect(await bot.found(ben.id, `https://discord.com/channels/${bot.guild.id}/${secret.id}/${id}`)).toEqual([]);
    expect(await bot.found(ada.id, "walk", { channel: secret.id })).toEqual([id]);
  });
});
