import { MessageFlags } from "discord-api-types/v10";
import { describe, expect, it } from "vitest";
import { TransientError } from "../../src/errors.ts";
import type { Viewer } from "../../src/ports/discord.ts";
import type { SearchFilter } from "../../src/ports/vector-index.ts";
import type { Access } from "../../src/search/access.ts";
import type { Search, SearchRequest, SearchResult } from "../../src/search/search.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { exampleStatus } from "../views/examples.ts";
import { hit, noHits } from "../views/hits.ts";
import { buttonId, read, startCommands, type TestCommands } from "./support.ts";

interface SearchTest extends TestCommands {
  readonly searched: SearchRequest[];
  readonly similar: Parameters<Search["similar"]>[0][];
  readonly asked: { viewer?: Viewer; sharedIn?: string }[];
  /** Channels that can be read, as of now. */
  readonly readable: Set<string>;
}

/** Results 1 to 12, of which a page is shown: in a channel that can be read. */
const twelve = Array.from({ length: 12 }, (_, at) =>
  hit({
    id: snowflakeAt(1_700_000_000_000 + at),
    channelId: "1",
    accessChannelId: "1",
    text: `result number ${at + 1}.`,
  }),
);
const records = twelve.map(({ record }) => record);

async function startSearch(
  options: { result?: Partial<SearchResult>; unchecked?: number; backfill?: Parameters<typeof startCommands>[0] } = {},
): Promise<SearchTest> {
  const searched: SearchRequest[] = [];
  const similar: SearchTest["similar"] = [];
  const asked: SearchTest["asked"] = [];
  const readable = new Set<string>(["1"]);
  const page = ({ offset, limit }: { offset: number; limit: number }): SearchResult => ({
    ...noHits,
    hits: twelve.slice(offset, offset + limit),
    hasMore: twelve.length > offset + limit,
    ...options.result,
  });
  const search: Search = {
    async search(request) {
      searched.push(request);
      return page(request);
    },
    people: async () => ["Ada", "IRC: dave", "Cléo"],
    async similar(request) {
      similar.push(request);
      return page(request);
    },
  };
  const access: Access = {
    async filterFor(_guildId, viewer) {
      asked.push({ viewer });
      return {
        accessChannelIds: [...readable],
        viewerId: viewer.userId,
        uncheckedThreads: options.unchecked ?? 0,
        ageRestrictedChannels: 0,
      };
    },
    async filterForSharing(_guildId, channelId) {
      asked.push({ sharedIn: channelId });
      return { accessChannelIds: ["1", channelId] };
    },
  };
  const started = await startCommands({
    ...options.backfill,
    context: { search, access, ...options.backfill?.context },
  });
  await started.archive.save(started.discord.guild.id, records, { pending: false });
  return { ...started, searched, similar, asked, readable };
}

const isEphemeral = (message: { flags?: number }) => ((message.flags ?? 0) & MessageFlags.Ephemeral) !== 0;

describe("/search", () => {
  it("answers for the asker's eyes only, with what they can read at that moment", async () => {
    const { discord, searched, asked } = await startSearch();
    const { world, guild, ada, insiders, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "how to solder" } })
      .response();
    expect(isEphemeral(reply)).toBe(true);
    expect(read(reply)).toContain("result number 1.");
    expect(read(reply)).toContain("Results 1 to 5");
    expect(read(reply)).not.toContain("result number 6.");
    expect(searched).toEqual([
      {
        guildId: guild.id,
        text: "how to solder",
        askerId: ada.id,
        filter: { accessChannelIds: ["1"], viewerId: ada.id },
        limit: 5,
        offset: 0,
      },
    ]);
    expect(asked[0]?.viewer?.userId).toBe(ada.id);
    expect(asked[0]?.viewer?.roleIds).toContain(insiders.id);
  });

  it("turns pages, asking afresh each time what the asker can read", async () => {
    const { discord, searched, asked } = await startSearch();
    const { world, ada, general } = discord;
    const first = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    const press = (label: string, message: Parameters<typeof buttonId>[0]) =>
      world.pressButton({ userId: ada.id, messageId: message.id, customId: buttonId(message, label) });
    const second = await press("Next", first).until(
      (reply) => reply && read(reply).includes("Results 6 to 10") && reply,
    );
    expect(searched[1]).toMatchObject({ offset: 5 });
    expect(asked).toHaveLength(2);
    const third = await press("Next", second).until(
      (reply) => reply && read(reply).includes("Results 11 to 12") && reply,
    );
    expect(() => press("Next", third)).toThrow("disabled");
    await press("Previous", third).until((reply) => reply && read(reply).includes("Results 6 to 10"));
  });

  it("passes on every option as a limit of the search", async () => {
    const { discord, searched, archive } = await startSearch();
    const { world, guild, ada, ben, general, publicThread } = discord;
    await archive.saveChannels(guild.id, [
      {
        id: publicThread.id,
        name: "public thread",
        type: "public-thread",
        parentId: general.id,
        accessChannelId: general.id,
      },
    ]);
    const options = {
      query: "from:me solder",
      channel: general.id,
      author: ben.id,
      after: "2025-03-01",
      before: "yesterday",
      kind: "note",
    };
    await world.runCommand({ userId: ada.id, channelId: general.id, name: "search", options }).response();
    const filter: SearchFilter | undefined = searched[0]?.filter;
    expect(searched[0]).toMatchObject({ text: "from:me solder", askerId: ada.id });
    expect(new Set(filter?.channelIds)).toEqual(new Set([general.id, publicThread.id]));
    expect(filter).toMatchObject({ authorIds: [ben.id], kinds: ["note"] });
    expect(filter?.afterId).toBeDefined();
    expect(filter?.beforeId).toBeDefined();
    const senseless = { query: "x", after: "soonish", share: true };
    const refused = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: senseless })
      .response();
    expect(read(refused)).toContain("I do not understand “soonish” as a date");
    expect(isEphemeral(refused)).toBe(true);
    expect(searched).toHaveLength(1);
  });

  it("prefers newer messages on every page when asked to, and says so also under a long query", async () => {
    const { discord, searched } = await startSearch();
    const { world, ada, general } = discord;
    const ask = (options: { query: string; prefer?: string }) =>
      world.runCommand({ userId: ada.id, channelId: general.id, name: "search", options }).response();
    expect(read(await ask({ query: "solder" }))).not.toContain("newer messages preferred");
    expect(searched[0]).not.toHaveProperty("preferNewer");
    const first = await ask({ query: "solder ".repeat(100), prefer: "newer" });
    expect(read(first)).toContain("newer messages preferred");
    const next = world.pressButton({ userId: ada.id, messageId: first.id, customId: buttonId(first, "Next") });
    const second = await next.until((reply) => reply && read(reply).includes("Results 6 to 10") && reply);
    expect(read(second)).toContain("newer messages preferred");
    expect(searched.slice(1)).toMatchObject([
      { preferNewer: true, offset: 0 },
      { preferNewer: true, offset: 5 },
    ]);
  });

  it("says in plain words that the index is out of reach, to a search and to a page, which stays; the log has why", async () => {
    let isAway = false;
    const search: Search["search"] = async ({ offset, limit }) => {
      if (isAway) throw new TransientError("The object store does not answer.", { cause: new Error("ECONNREFUSED") });
      return { ...noHits, hits: twelve.slice(offset, offset + limit), hasMore: true };
    };
    const { discord, logged } = await startSearch({
      backfill: { context: { search: { search, similar: async () => noHits, people: async () => [] } } },
    });
    const { world, ada, general } = discord;
    const ask = () =>
      world.runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } });
    const page = await ask().response();
    isAway = true;
    const refused = await ask().response();
    const press = world.pressButton({ userId: ada.id, messageId: page.id, customId: buttonId(page, "Next") });
    const besideThePage = await press.followup();
    for (const answer of [refused, besideThePage]) {
      expect(read(answer)).toMatch(/cannot reach the search index.*Nothing is lost.*try again in a minute/);
      expect(read(answer)).not.toMatch(/Sorry|object store|ECONNREFUSED|error/);
      expect(isEphemeral(answer)).toBe(true);
    }
    const failures = logged.filter(({ event }) => event === "interaction:failed");
    expect(failures).toHaveLength(2);
    for (const { fields } of failures) {
      expect(fields).toMatchObject({ error: expect.stringContaining("does not answer"), cause: "ECONNREFUSED" });
    }
    isAway = false;
    const again = world.pressButton({ userId: ada.id, messageId: page.id, customId: buttonId(page, "Next") });
    await again.until((reply) => reply && read(reply).includes("Results 6 to 10"));
  });

  it("when shared, shows what everybody here can read, to everybody, and lets only the asker turn pages", async () => {
    const { discord, searched, asked } = await startSearch();
    const { world, ada, ben, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder", share: true } })
      .response();
    expect(isEphemeral(reply)).toBe(false);
    expect(asked).toEqual([{ sharedIn: general.id }]);
    expect(searched[0]?.filter).toEqual({ accessChannelIds: ["1", general.id] });
    const press = (userId: string) =>
      world.pressButton({ userId, messageId: reply.id, customId: buttonId(reply, "Next") });
    const refused = await press(ben.id).response();
    expect(read(refused)).toContain("Only who searched can turn the pages");
    expect(isEphemeral(refused)).toBe(true);
    await press(ada.id).until((turned) => turned && read(turned).includes("Results 6 to 10"));
    expect(asked.map(({ sharedIn }) => sharedIn)).toEqual([general.id, general.id]);
  });

  it("says so politely when its pages were left alone for an hour, and disables their buttons, and no others", async () => {
    let elapsedMs = 0;
    const clock = { now: () => Date.now(), elapsed: () => elapsedMs, sleep: async () => undefined };
    const { discord } = await startSearch({ backfill: { context: { clock } } });
    const { world, ada, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    const press = (label: string) =>
      world.pressButton({ userId: ada.id, messageId: reply.id, customId: buttonId(reply, label) });
    elapsedMs += 59 * 60_000;
    await press("Next").until((turned) => turned && read(turned).includes("Results 6 to 10"));
    elapsedMs += 59 * 60_000;
    const again = world.render(world.getMessage(reply.id));
    const back = world.pressButton({ userId: ada.id, messageId: reply.id, customId: buttonId(again, "Previous") });
    await back.until((turned) => turned && read(turned).includes("Results 1 to 5"));
    elapsedMs += 60 * 60_000;
    expect(read(await press("Next").followup())).toContain("Please search again");
    expect(() => press("Next")).toThrow("disabled");
    expect(read(world.render(world.getMessage(reply.id)))).toContain("result number 1.");
    expect(read(await press("🔍 1").response())).toContain("result number 1.");
  });

  it("turns no page whose search was for other eyes: another server's, or a private one under a message that all see", async () => {
    const { discord } = await startSearch();
    const { world, ada, general } = discord;
    const search = (options: object) =>
      world
        .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder", ...options } })
        .response();
    const own = await search({});
    const shared = await search({ share: true });
    world.getMessage(shared.id).components = JSON.parse(JSON.stringify(own.components));
    const customId = buttonId(own, "Next");
    const forged = world.pressButton({ userId: ada.id, messageId: shared.id, customId });
    expect(read(await forged.followup())).toContain("Please search again");
    expect(read(world.render(world.getMessage(shared.id)))).toContain("Results 1 to 5");

    const other = world.addGuild({ name: "Another", ownerId: ada.id });
    const elsewhere = world.addChannel({ guildId: other.id, name: "elsewhere" });
    const there = await world
      .runCommand({ userId: ada.id, channelId: elsewhere.id, name: "search", options: { query: "solder" } })
      .response();
    world.getMessage(there.id).components = JSON.parse(JSON.stringify(own.components));
    const abroad = world.pressButton({ userId: ada.id, messageId: there.id, customId });
    expect(read(await abroad.followup())).toContain("Please search again");
  });

  it("fills its pages with what is left when most of what matches has just been deleted", async () => {
    const { discord, archive } = await startSearch();
    const { world, guild, ada, general } = discord;
    const [left = "", last = ""] = [records[3]?.id, records[11]?.id];
    const deleted = records.map(({ id }) => id).filter((id) => id !== left && id !== last);
    await archive.remove(guild.id, "message", deleted);
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    expect(read(reply)).toContain("result number 4.");
    expect(read(reply)).toContain("result number 12.");
    expect(read(reply)).toContain("Results 1 to 2");
    expect(read(reply)).not.toMatch(/result number (1|5)\./);
  });

  it("shows a repeat in the place of the record it repeats when that has just been deleted", async () => {
    const [first, second, ...rest] = twelve;
    if (!first || !second) throw new Error("two results, please");
    const hits = [{ ...first, repeats: [second.row] }, ...rest];
    const { discord, archive } = await startSearch({ result: { hits: hits.slice(0, 5), hasMore: false } });
    const { world, guild, ada, general } = discord;
    await archive.remove(guild.id, "message", [first.row.id]);
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    expect(read(reply)).toContain("result number 2.");
    expect(read(reply)).not.toContain("result number 1.");
    expect(read(reply)).not.toContain("more that says the same");
  });

  it("shows a result as it is stored at this moment: edited, deleted and moved out of sight since it was indexed", async () => {
    const { discord, archive } = await startSearch();
    const { world, guild, ada, general } = discord;
    const [first, second, third] = records;
    if (!first || !second || !third) throw new Error("there are twelve");
    await archive.save(
      guild.id,
      [
        { ...first, content: "taken back" },
        { ...third, accessChannelId: "66" },
      ],
      { pending: false },
    );
    await archive.remove(guild.id, "message", [second.id]);
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    const text = read(reply);
    expect(text).toContain("> taken back");
    expect(text).toContain("result number 4.");
    for (const gone of ["number 1.", "number 2.", "number 3."]) expect(text).not.toContain(gone);
  });

  it("counts and links no repeat that has been deleted or moved out of sight since it was indexed", async () => {
    const [first, second, third, fourth] = twelve;
    const [, hidden, , seen] = records;
    if (!first || !second || !third || !fourth || !hidden || !seen) throw new Error("four results, please");
    const hits = [{ ...first, repeats: [second.row, third.row, fourth.row] }];
    const { discord, archive } = await startSearch({ result: { hits, hasMore: false } });
    const { world, guild, ada, general } = discord;
    await archive.save(guild.id, [{ ...hidden, accessChannelId: "66" }], { pending: false });
    await archive.remove(guild.id, "message", [third.row.id]);
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    const text = read(reply);
    expect(text).toContain("and 1 more that says the same");
    expect(text).toContain(`/${seen.id})`);
    for (const { row } of [second, third]) expect(text).not.toContain(row.id);
  });

  it("shows a result in its context to whoever presses, if they can read it at that moment", async () => {
    const { discord, readable, asked } = await startSearch();
    const { world, ada, ben, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder", share: true } })
      .response();
    const press = (userId: string) =>
      world.pressButton({ userId, messageId: reply.id, customId: buttonId(reply, "🔍 3") }).response();
    const closer = await press(ben.id);
    expect(isEphemeral(closer)).toBe(true);
    expect(read(closer)).toMatch(/number 2\..*▶.*number 3\..*number 4\./s);
    expect(asked.at(-1)?.viewer?.userId).toBe(ben.id);
    readable.clear();
    expect(read(await press(ben.id))).toBe("⚠️ That message is gone, or you cannot read it.");
  });

  it("tells a button about nothing, a foreign note and a hidden message in the same words", async () => {
    const { discord, archive } = await startSearch();
    const { world, guild, ada, ben, general } = discord;
    const shared = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder", share: true } })
      .response();
    const [note, hidden] = [snowflakeAt(1_700_000_001_000), snowflakeAt(1_700_000_002_000)];
    const said = { channelId: "1", authorId: ben.id, authorName: "Ben", content: "for nobody else" } as const;
    await archive.save(
      guild.id,
      [
        { ...said, kind: "note", id: note, accessChannelId: "1", visibility: "private" },
        { ...said, kind: "message", id: hidden, accessChannelId: "66" },
      ],
      { pending: false },
    );
    for (const action of ["around", "similar", "sample"]) {
      for (const id of [note, hidden, snowflakeAt(5), "", "x", "1' OR '1'='1", "9".repeat(25)]) {
        const customId = `backscroll:search:${action}:${id}`;
        world.getMessage(shared.id).components = JSON.parse(
          JSON.stringify(shared.components).replace(/backscroll:search:around:\d+/, customId),
        );
        const pressed = world.pressButton({ userId: ada.id, messageId: shared.id, customId });
        expect(read(await pressed.response())).toBe("⚠️ That message is gone, or you cannot read it.");
      }
    }
  });

  it("explains an empty result by how far the backfill is", async () => {
    const { discord } = await startSearch({
      result: noHits,
      backfill: { backfill: { status: async () => exampleStatus({ run: undefined }) } },
    });
    const { world, ada, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "unicorns" } })
      .response();
    expect(read(reply)).toContain("Nothing was found");
    expect(read(reply)).toContain("no backfill has been made here");
  });

  it("is not stopped by a status that cannot be had", async () => {
    const failing = async () => {
      throw new Error("broken");
    };
    const { discord, logged } = await startSearch({ result: noHits, backfill: { backfill: { status: failing } } });
    const { world, ada, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "unicorns" } })
      .response();
    expect(read(reply)).toContain("Nothing was found");
    expect(logged.map(({ event }) => event)).toContain("search:status-unknown");
  });
});

describe("Find similar", () => {
  it("searches by the message's text, for the asker's eyes only, with pages", async () => {
    const { discord, similar } = await startSearch();
    const { world, guild, ada, ben, general } = discord;
    const message = world.postMessage({ channelId: general.id, authorId: ben.id, content: "my printer is jammed" });
    const asked = world.runMessageCommand({ userId: ada.id, messageId: message.id, name: "Find similar" });
    const reply = await asked.response();
    expect(isEphemeral(reply)).toBe(true);
    expect(read(reply)).toContain("Like “my printer is jammed”");
    expect(read(reply)).toContain("result number 1.");
    expect(similar).toEqual([
      {
        guildId: guild.id,
        id: message.id,
        text: "my printer is jammed",
        filter: { accessChannelIds: ["1"], viewerId: ada.id },
        limit: 5,
        offset: 0,
      },
    ]);
    const pressed = world.pressButton({ userId: ada.id, messageId: reply.id, customId: buttonId(reply, "Next") });
    await pressed.until((turned) => turned && read(turned).includes("Results 6 to 10"));
  });

  it("refuses a message without text", async () => {
    const { discord, similar } = await startSearch();
    const { world, ada, ben, general } = discord;
    const message = world.postMessage({ channelId: general.id, authorId: ben.id, content: " " });
    const asked = world.runMessageCommand({ userId: ada.id, messageId: message.id, name: "Find similar" });
    expect(read(await asked.response())).toContain("has no text");
    expect(similar).toEqual([]);
  });
});

describe("the search for an old message that a report offers", () => {
  it("is made with the message's own words, none of them an operator, and what the presser reads", async () => {
    const { discord, archive, searched } = await startSearch();
    const { world, guild, ada, general } = discord;
    const [old] = records;
    if (!old) throw new Error("there are twelve");
    await archive.save(guild.id, [{ ...old, content: "from:nobody said ||the butler||" }], { pending: false });
    const shared = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder", share: true } })
      .response();
    const customId = `backscroll:search:sample:${old.id}`;
    world.getMessage(shared.id).components = JSON.parse(
      JSON.stringify(shared.components).replace(/backscroll:search:around:\d+/, customId),
    );
    const reply = await world.pressButton({ userId: ada.id, messageId: shared.id, customId }).response();
    expect(isEphemeral(reply)).toBe(true);
    expect(searched[1]).toMatchObject({
      text: "from:nobody said ||the butler||",
      verbatim: true,
      filter: { accessChannelIds: ["1"], viewerId: ada.id },
    });
    expect(read(reply)).toContain("An old message: “from:nobody said ||the butler||”");
    expect(read(reply)).toContain("⭐ 1. Ada");
  });
});
