import { MessageFlags } from "discord-api-types/v10";
import { describe, expect, it } from "vitest";
import type { SearchFilter, Viewer } from "../../src/ports.ts";
import type { Access } from "../../src/search/access.ts";
import type { Search, SearchRequest, SearchResult } from "../../src/search/search.ts";
import { exampleRun, exampleStatus } from "../views/examples.ts";
import { hit, noHits } from "../views/hits.ts";
import { buttonId, read, startCommands, type TestCommands } from "./support.ts";

interface SearchTest extends TestCommands {
  readonly searched: SearchRequest[];
  readonly similar: Parameters<Search["similar"]>[0][];
  readonly asked: { viewer?: Viewer; sharedIn?: string }[];
  /** Channels that can be read, as of now. */
  readonly readable: Set<string>;
}

/** Results 1 to 12, of which a page is shown. */
const twelve = Array.from({ length: 12 }, (_, at) => hit({ text: `result number ${at + 1}.` }));

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
    async similar(request) {
      similar.push(request);
      return page(request);
    },
  };
  const access: Access = {
    async filterFor(_guildId, viewer) {
      asked.push({ viewer });
      return { accessChannelIds: [...readable], viewerId: viewer.userId, uncheckedThreads: options.unchecked ?? 0 };
    },
    async filterForSharing(_guildId, channelId) {
      asked.push({ sharedIn: channelId });
      return { accessChannelIds: [channelId] };
    },
  };
  const started = await startCommands({ context: { search, access }, ...options.backfill });
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
        filter: { accessChannelIds: ["1"], viewerId: ada.id },
        limit: 5,
        offset: 0,
      },
    ]);
    expect(asked[0]?.viewer?.userId).toBe(ada.id);
    expect(asked[0]?.viewer?.roleIds).toContain(insiders.id);
  });

  it("turns pages, asking afresh each time what the asker can read", async () => {
    const { discord, searched, readable } = await startSearch();
    const { world, ada, general } = discord;
    const first = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    readable.clear();
    const press = (label: string, message: Parameters<typeof buttonId>[0]) =>
      world.pressButton({ userId: ada.id, messageId: message.id, customId: buttonId(message, label) });
    const second = await press("Next", first).until(
      (reply) => reply && read(reply).includes("Results 6 to 10") && reply,
    );
    expect(searched[1]).toMatchObject({ offset: 5, filter: { accessChannelIds: [] } });
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
    expect(searched[0]?.text).toBe(`from:<@${ada.id}> solder`);
    expect(new Set(filter?.channelIds)).toEqual(new Set([general.id, publicThread.id]));
    expect(filter).toMatchObject({ authorIds: [ben.id], kinds: ["note"] });
    expect(filter?.afterId).toBeDefined();
    expect(filter?.beforeId).toBeDefined();
    const refused = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "x", after: "soonish" } })
      .response();
    expect(read(refused)).toContain("I do not understand “soonish” as a date");
    expect(searched).toHaveLength(1);
  });

  it("when shared, shows what everybody here can read, to everybody, and lets only the asker turn pages", async () => {
    const { discord, searched, asked } = await startSearch();
    const { world, ada, ben, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder", share: true } })
      .response();
    expect(isEphemeral(reply)).toBe(false);
    expect(asked).toEqual([{ sharedIn: general.id }]);
    expect(searched[0]?.filter).toEqual({ accessChannelIds: [general.id] });
    const press = (userId: string) =>
      world.pressButton({ userId, messageId: reply.id, customId: buttonId(reply, "Next") });
    const refused = await press(ben.id).response();
    expect(read(refused)).toContain("Only who searched can turn the pages");
    expect(isEphemeral(refused)).toBe(true);
    await press(ada.id).until((turned) => turned && read(turned).includes("Results 6 to 10"));
    expect(asked).toEqual([{ sharedIn: general.id }, { sharedIn: general.id }]);
  });

  it("says so politely when its pages have expired, and disables the buttons", async () => {
    let elapsedMs = 0;
    const clock = { now: () => Date.now(), elapsed: () => elapsedMs, sleep: async () => undefined };
    const search: Search["search"] = async () => ({ ...noHits, hits: twelve.slice(0, 5), hasMore: true });
    const access: Access = {
      filterFor: async () => ({ accessChannelIds: [], uncheckedThreads: 0 }),
      filterForSharing: async () => ({ accessChannelIds: [] }),
    };
    const { discord } = await startCommands({ context: { search: { search, similar: search }, access, clock } });
    const { world, ada, general } = discord;
    const reply = await world
      .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "solder" } })
      .response();
    elapsedMs = 14 * 60_000;
    const customId = buttonId(reply, "Next");
    const late = world.pressButton({ userId: ada.id, messageId: reply.id, customId });
    expect(read(await late.followup())).toContain("Please search again");
    expect(() => world.pressButton({ userId: ada.id, messageId: reply.id, customId })).toThrow("disabled");
    expect(read(world.render(world.getMessage(reply.id)))).toContain("result number 1.");
  });

  it("explains an empty result by how far the backfill is", async () => {
    const run = exampleRun();
    for (const [status, words] of [
      [exampleStatus({ run: undefined }), "no backfill has been made here"],
      [exampleStatus({ run }), "it is at 9.9 %"],
      [exampleStatus({ run: exampleRun({ status: "paused" }) }), "not finished"],
    ] as const) {
      const { discord } = await startSearch({
        result: noHits,
        backfill: { backfill: { status: async () => status } },
      });
      const { world, ada, general } = discord;
      const reply = await world
        .runCommand({ userId: ada.id, channelId: general.id, name: "search", options: { query: "unicorns" } })
        .response();
      expect(read(reply)).toContain("Nothing was found");
      expect(read(reply)).toContain(words);
    }
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
