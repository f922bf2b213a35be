// What members type into /search beyond plain words, and what they are shown, through the bot.

import { describe, expect, test } from "vitest";
import { buttonId, resultsOf, startBackscroll, textOf, until } from "../support/backscroll.ts";

const on = (iso: string) => ({ timestamp: Date.parse(iso) });

describe("operators", () => {
  async function workshop() {
    const bot = await startBackscroll();
    const { ada, ben, guild, world } = bot;
    const chat = world.addChannel({ guildId: guild.id, name: "💬┃workshop-chat" });
    const irc = world.addUser({ username: "IRC: dave", bot: true });
    const cleo = world.addUser({ username: "cleo", globalName: "Cléo" });
    world.addMember(guild.id, { userId: cleo.id });
    const smiths = world.addRole(guild.id, { name: "Smiths" });
    const ids = {
      plain: bot.say(ada.id, "the lathe needs a new belt", on("2024-01-05T12:00:00Z")),
      bridge: bot.say(irc.id, "the lathe belt is in the drawer", on("2024-02-05T12:00:00Z")),
      gone: bot.say(cleo.id, "a lathe belt costs nine euros", on("2024-03-05T12:00:00Z")),
      decorated: bot.say(ben.id, "who moved the lathe belt?", { channelId: chat.id, ...on("2024-04-05T12:00:00Z") }),
      linked: bot.say(ben.id, "lathe belt: https://shop.example.com/belts", on("2024-05-05T12:00:00Z")),
      mention: bot.say(ben.id, `<@${ada.id}> still owes me a lathe belt`, on("2024-06-05T12:00:00Z")),
      file: bot.say(ada.id, "lathe belt manual", {
        attachments: [{ filename: "belts.pdf", contentType: "application/pdf" }],
        ...on("2024-07-05T12:00:00Z"),
      }),
      role: bot.say(ada.id, `<@&${smiths.id}> meet on friday`, on("2024-08-05T12:00:00Z")),
      sticker: bot.say(ben.id, "", { stickers: ["happy anvil"], ...on("2024-08-15T12:00:00Z") }),
    };
    const nameOf = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
    const finds = async (query: string) => {
      const found = await bot.search(ada.id, query);
      return found.map(({ messageId = "" }) => nameOf.get(messageId) ?? "?").sort();
    };
    await until("all are found", async () => {
      const found = [...(await finds("before:2024-05-01")), ...(await finds("after:2024-05-01"))];
      return found.length === nameOf.size;
    });
    world.removeMember(guild.id, cleo.id);
    return { ...bot, bot, finds, smiths, ids };
  }

  test("narrow as in Discord's own search, and find people and channels however they are written", async () => {
    const { finds, bot, ada, ben, smiths, ids, world } = await workshop();
    expect(await finds("from:cleo")).toEqual(["gone"]);
    expect(await finds('lathe from:"IRC: dave"')).toEqual(["bridge"]);
    expect(await finds("lathe from:cleo,ben has:link")).toEqual(["linked"]);
    expect(await finds("in:workshop-chat")).toEqual(["decorated"]);
    expect(await finds("link:example.com")).toEqual(["linked"]);
    expect(await finds("file:pdf")).toEqual(["file"]);
    expect(await finds("mentions:me")).toEqual(["mention"]);
    expect(await finds("mentions：ada belt")).toEqual(["mention"]);
    expect(await finds("authortype:bot")).toEqual(["bridge"]);
    expect(await finds('during:"Q1 2024" -from:cleo')).toEqual(["bridge", "plain"]);
    expect(await finds("lathe belt -from:ben -in:general")).toEqual([]);
    expect(await finds("lathe belt -drawer -has:link -from:ben -has:file")).toEqual(["gone", "plain", "role"]);
    expect(await finds("-drawer before:2024-03")).toEqual(["plain"]);
    for (const owing of ["Ada still owes", `<@${ada.id}> still owes`, `<@!${ada.id}> still owes me`]) {
      expect([owing, await finds(`"${owing}"`)]).toEqual([owing, ["mention"]]);
    }
    expect((await bot.found(ben.id, `what does <@${ada.id}> owe?`))[0]).toBe(ids.mention);
    expect(await finds(`belt after:2024-05-20 -<@${ada.id}>`)).toEqual(["file", "role", "sticker"]);
    expect(await finds("mentions:smiths")).toEqual(["role"]);
    expect(await finds(`mentions:<@&${smiths.id}>`)).toEqual(["role"]);
    expect(await finds(`"<@&${smiths.id}> meet"`)).toEqual(["role"]);
    expect(await finds("has:sticker")).toEqual(["sticker"]);
    expect(await finds("pinned:true")).toEqual([]);
    world.pinMessage(ids.plain);
    await until("the pin is known", async () => (await finds("pinned:true")).length > 0);
    expect(await finds("pinned:true")).toEqual(["plain"]);
    expect(await finds("has:link pinned:no")).toEqual(["linked"]);
    const told = textOf(await bot.type(ada.id, "search", { query: "lathe form:ada after:5m -drawer" }));
    expect(told).toContain("I looked for “form:ada”, “after:5m” (5 minutes or 5 months?) as words");
    expect(told).toContain("Without “drawer”");
    const offered = async (who: string, query: string) => {
      const options = { query };
      const asked = world.autocomplete({
        userId: who,
        channelId: bot.general.id,
        name: "search",
        options,
        focused: "query",
      });
      return (await asked.choices()).map(({ value }) => value);
    };
    expect(await offered(ada.id, "belt from:")).toEqual(
      expect.arrayContaining(["belt from:me", "belt from:Cléo", 'belt from:"IRC: dave"']),
    );
    expect(await offered(ada.id, "belt in:work")).toEqual(["belt in:work", "belt in:💬┃workshop-chat"]);
    const mistyped = await bot.type(ada.id, "search", { query: "from:ben lahte belt" });
    expect(textOf(mistyped)).toContain("Did you mean “from:ben lathe belt”?");
    const corrected = await world
      .pressButton({
        userId: ada.id,
        messageId: mistyped.id,
        customId: buttonId(mistyped, "Search for from:ben lathe belt"),
      })
      .until((reply) => reply && !textOf(reply).includes("lahte") && reply);
    expect(resultsOf(corrected).map(({ messageId }) => messageId)).toContain(ids.linked);
    const nothing = textOf(await bot.type(ada.id, "search", { query: '"belt lathe"' }));
    expect(nothing).toContain("Nothing that you can read says exactly “belt lathe”");
  });
});

describe("a conversation", () => {
  test("is one result that tells how much more there is, and opens five messages to each side with a way to go on", async () => {
    const bot = await startBackscroll();
    const { ada, ben, world } = bot;
    const minute = (at: number) => ({ timestamp: Date.UTC(2024, 4, 1, 12, at) });
    const lines = Array.from({ length: 13 }, (_, at) =>
      bot.say(at % 2 === 0 ? ada.id : ben.id, at % 4 === 0 ? `kiln glaze number ${at}` : `line ${at}`, minute(at)),
    );
    const apart = bot.say(ben.id, "kiln glaze, months later", { timestamp: Date.UTC(2024, 9, 1) });
    await until("both are found", async () => {
      const found = await bot.found(ada.id, "kiln glaze");
      return found.includes(apart) && found.length === 2;
    });
    await until("all of it is found", async () => {
      return textOf(await bot.type(ada.id, "search", { query: "kiln glaze" })).match(/and [3-9] more here/);
    });
    const page = await bot.type(ada.id, "search", { query: '"kiln glaze number 8"' });
    expect(resultsOf(page).map(({ messageId }) => messageId)).toEqual([lines[8]]);
    const around = await bot.press(ada.id, page, "🔍 1");
    const shown = (text: string) => [...text.matchAll(/(?:line|number) (\d+)/g)].map(([, at]) => Number(at));
    expect(shown(textOf(around))).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(textOf(around)).toContain("▶ Ada");
    // Going on changes the answer itself, and the message it was opened for keeps its sign.
    const goOn = async (label: string, first: number) =>
      await world
        .pressButton({ userId: ada.id, messageId: around.id, customId: buttonId(around, label) })
        .until((reply) => reply && shown(textOf(reply))[0] === first && reply);
    const earlier = await goOn("Earlier", 0);
    expect(earlier.id).toBe(around.id);
    expect(shown(textOf(earlier))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(textOf(earlier)).toContain("Nothing before these");
    expect(textOf(earlier)).toContain("▶ Ada");
  });
});
