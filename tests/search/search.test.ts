import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import type { StaticModel } from "../../src/adapters/builtin-model/static-model.ts";
import { joinSearchText } from "../../src/content-hash.ts";
import { TransientError } from "../../src/errors.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { EmbedQuery } from "../../src/ports/embedder.ts";
import type { IndexRow, VectorIndex } from "../../src/ports/vector-index.ts";
import { channelsMeant } from "../../src/search/channels.ts";
import { createSearch, type Search, type SearchParts, type SearchRequest } from "../../src/search/search.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { indexRow, openTempIndexStore, type TempIndexStore } from "../support/index-store.ts";

const GUILD = "1343714078748708976";
const NOW = Date.UTC(2025, 5, 15, 12);
const ANTENNA = snowflakeAt(Date.UTC(2025, 5, 10));
const LUNCH = snowflakeAt(Date.UTC(2025, 5, 11));
const CABLE = snowflakeAt(Date.UTC(2025, 5, 12));
const SECRET = snowflakeAt(Date.UTC(2025, 5, 13));

/** Time stands still; only a sleep that is told to ends. */
function stillClock(): Clock & { wake(): void } {
  const sleepers: (() => void)[] = [];
  return {
    now: () => NOW,
    elapsed: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve) => {
        sleepers.push(resolve);
        signal?.addEventListener("abort", () => resolve());
      }),
    wake() {
      for (const resolve of sleepers) resolve();
    },
  };
}

describe("a search", () => {
  let model: StaticModel;
  let temp: TempIndexStore;
  let index: VectorIndex;
  let clock: ReturnType<typeof stillClock>;
  let warnings: string[];

  beforeAll(async () => {
    model = await loadStaticModel(fileURLToPath(new URL("../../models/backscroll-static", import.meta.url)));
  });
  beforeEach(async () => {
    temp = await openTempIndexStore();
    clock = stillClock();
    warnings = [];
    index = await temp.store.open(GUILD, { modelId: "static", dimensions: model.dimensions, fingerprint: "static" });
    await add(
      {
        id: ANTENNA,
        authorId: "21",
        authorName: "Ada",
        text: "Which antenna should I put on the roof for my repeater?",
      },
      { id: LUNCH, authorId: "22", authorName: "Bob", text: "Pizza for lunch again, with extra cheese." },
      {
        id: CABLE,
        authorId: "22",
        authorName: "Bob",
        channelId: "11",
        text: "Use a low-loss cable up to the mast.",
        tags: ["has:link"],
      },
      { id: SECRET, authorId: "21", authorName: "Ada", channelId: "66", text: "The secret antenna is in the cellar." },
    );
  });
  afterEach(() => temp.close());

  async function add(...rows: (Partial<IndexRow> & { readonly id: string; readonly text: string })[]) {
    const full = rows.map((row) => {
      const said = `${row.authorName ?? "Ada"}: ${row.text}`;
      return indexRow({ searchText: said, vector: model.vector(said), ...row });
    });
    await index.write(full, { fresh: true });
  }

  type Given = Partial<SearchParts> & { readonly embedQuery?: EmbedQuery };
  function searchWith({ embedQuery = async (text) => model.vector(text), ...parts }: Given = {}): Search {
    const channels = [
      { id: "10", name: "general", type: "text", accessChannelId: "10" },
      { id: "11", name: "Masts", type: "public-thread", parentId: "10", accessChannelId: "10" },
      { id: "66", name: "cellar", type: "text", accessChannelId: "66" },
    ] as const;
    return createSearch({
      openGenerations: async () => [{ index, embedQuery }],
      archive: { get: async () => new Map(), channel: async () => undefined },
      wordModel: model,
      findRoles: () => [],
      findAuthors: async (_, name) => (name === "bob" ? ["22"] : []),
      findChannels: async (_, name, readable) => channelsMeant(channels, name, readable),
      clock,
      logger: { debug() {}, info() {}, error() {}, warn: (event) => void warnings.push(event) },
      ...parts,
    });
  }

  const ask = (text: string, request: Partial<SearchRequest> = {}, parts: Given = {}) =>
    searchWith(parts).search({
      guildId: GUILD,
      text,
      filter: { accessChannelIds: ["10", "11"] },
      limit: 10,
      offset: 0,
      ...request,
    });
  const idsOf = (result: { readonly hits: readonly { readonly row: Pick<IndexRow, "id"> }[] }) =>
    result.hits.map((hit) => hit.row.id);

  it("puts first what the query is about", async () => {
    const { hits, degraded, unknown } = await ask("antennas for a rooftop repeater");
    expect(hits[0]?.row.id).toBe(ANTENNA);
    expect([degraded, unknown]).toEqual([undefined, []]);
  });

  it("finds by meaning where no word is the same", async () => {
    expect(idsOf(await ask("what are we eating at noon"))[0]).toBe(LUNCH);
  });

  it("never shows what the filter leaves out, whatever the query says", async () => {
    for (const text of ["secret antenna cellar", SECRET, "in:66 antenna", "", '"secret antenna"', "from:21"]) {
      expect(idsOf(await ask(text))).not.toContain(SECRET);
    }
    expect(await ask("antenna", { filter: { accessChannelIds: [] } })).toMatchObject({ hits: [], hasMore: false });
  });

  describe("finds what was written however it was written, as words and as a phrase:", () => {
    // Written, asked.
    it.each([
      ["emoji without their skin tone", "new 🚲 today", "🚲"],
      ["emoji with one", "sounds good 👍🏽", "👍"],
      ["emoji by themselves", "❤️", "❤"],
      ["flags", "meet in 🇩🇪 then", "🇩🇪"],
      ["one of several emoji", "😀😎🎉", "😎"],
      ["custom emoji by name", "well :party_parrot: done", "<a:party_parrot:99>"],
      ["custom emoji typed", "well :blobcat: done", ":blobcat:"],
      ["decomposed Korean", "회의록 정리".normalize("NFD"), "회의록"],
      ["decomposed Vietnamese", "hẹn ở Đường Điện Biên Phủ".normalize("NFD"), "Điện Biên Phủ"],
      ["full-width letters", "ＷＥＬＣＯＭＥ everyone", "welcome"],
      ["half-width kana", "ｶﾞｲﾄﾞ here", "ガイド"],
      ["Polish letters", "the trip to Łódź", "lodz"],
      ["sharp s", "party at Goethestraße 5", "goethestrasse"],
      ["Danish letters", "bring smørrebrød", "smorrebrod"],
      ["the Turkish i", "İstanbul in spring", "istanbul"],
      ["Russian yo", "новая ёлка во дворе", "елка"],
      ["Greek accents", "η Ελλάδα το καλοκαίρι", "ελλαδα"],
    ])("%s", async (_, written, asked) => {
      const id = "1390000000000000000";
      await add({ id, text: written, searchText: joinSearchText("", "Ada: ", written), vector: model.vector("other") });

      for (const text of [asked, `"${asked}"`]) {
        const embedQuery = () => Promise.reject(new Error("down"));
        expect(idsOf(await ask(text, {}, { embedQuery }))).toEqual([id]);
      }
    });
  });

  it("an emoji is left out by a minus before it", async () => {
    const id = "1390000000000000000";
    const text = "an antenna 🚲 on wheels";
    await add({ id, text, searchText: joinSearchText("", "Ada: ", text) });
    expect(idsOf(await ask("antenna"))).toContain(id);
    expect(idsOf(await ask("antenna -🚲"))).not.toContain(id);
  });

  it("lists the newest when there are operators and no words", async () => {
    expect(idsOf(await ask("from:bob"))).toEqual([CABLE, LUNCH]);
    expect(idsOf(await ask("has:link"))).toEqual([CABLE]);
    expect(idsOf(await ask("before:2025-06-12"))).toEqual([LUNCH, ANTENNA]);
    expect(idsOf(await ask(""))).toEqual([CABLE, LUNCH, ANTENNA]);
  });

  it("narrows words by operators, and operators by the filter", async () => {
    expect(idsOf(await ask("antenna mast from:bob in:masts"))).toEqual([CABLE]);
    expect(idsOf(await ask("in:general from:bob"))).toEqual([CABLE, LUNCH]);
    const filter = { accessChannelIds: ["10", "11"], viewerId: "22", authorIds: ["21"], afterId: LUNCH };
    expect(idsOf(await ask("from:bob", { filter }))).toEqual([]);
    expect(idsOf(await ask("after:2025-06-01", { filter: { ...filter, authorIds: ["22"] } }))).toEqual([CABLE]);
  });

  it.each([
    "from:9999999999999999999",
    "from:<@99999999999999999999999>",
    "in:9999999999999999999",
    "in:<#99999999999999999999999>",
    "mentions:9999999999999999999",
  ])("takes %s, which no id can be, for nobody and nowhere", async (query) => {
    const result = await ask(query);
    expect(result.hits).toEqual([]);
    expect(result.unknown).toHaveLength(1);
    expect(idsOf(await ask(`antenna ${query}`))).toEqual([]);
  });

  it("takes from:me for who asks, also where no viewer's own notes may show, and for nobody else", async () => {
    const filter = { accessChannelIds: ["10"] };
    expect(idsOf(await ask("from:me", { filter, askerId: "21" }))).toEqual([ANTENNA]);
    expect(idsOf(await ask("from: @me", { filter, askerId: "22" }))).toEqual([LUNCH]);
    expect((await ask("from:me", { filter })).unknown).toEqual(["from:me"]);
  });

  it("says which operator means nobody or no channel here", async () => {
    expect(await ask("antenna from:carol in:attic")).toMatchObject({ hits: [], unknown: ["from:carol", "in:attic"] });
  });

  it("looks each name up once, and no more of them than people type", async () => {
    const asked: string[] = [];
    const findAuthors = async (_: string, name: string) => {
      asked.push(name);
      return ["22"];
    };
    const crowd = Array.from({ length: 10 }, (_, at) => `from:member-${at}`).join(" ");
    expect(idsOf(await ask(`${crowd} ${crowd}`, {}, { findAuthors }))).toEqual([CABLE, LUNCH]);
    expect(asked).toHaveLength(10);
    await expect(ask(`${crowd} from:one-more`, {}, { findAuthors })).rejects.toThrow("at most 10 names after from:");
    expect(asked).toHaveLength(10);
  });

  it("knows a channel that the asker cannot read no better than one that does not exist", async () => {
    const differing = async (text: string) => {
      const { unknown, nothing, hits } = await ask(text);
      return { unknown: unknown.map((each) => each.replace(/:.*/, "")), nothing, hits };
    };
    expect(await differing("antenna in:cellar")).toEqual(await differing("antenna in:nowhere"));
    expect(await differing("antenna in:66")).toEqual(await differing("antenna in:67"));
    const reader = { accessChannelIds: ["10", "66"] };
    expect(idsOf(await ask("antenna in:cellar", { filter: reader }))).toEqual([SECRET]);
    expect((await ask("antenna in:12", { filter: { accessChannelIds: ["10", "12"] } })).unknown).toEqual([]);
  });

  it("finds the message of a link or an id", async () => {
    expect(idsOf(await ask(`https://discord.com/channels/${GUILD}/10/${LUNCH}`))).toEqual([LUNCH]);
    expect(idsOf(await ask(LUNCH))).toEqual([LUNCH]);
    expect(idsOf(await ask(LUNCH, { offset: 1 }))).toEqual([]);
    expect(idsOf(await ask(`https://discord.com/channels/${GUILD}/10/1343714078748708976`))).toEqual([]);
  });

  it("looks for a number that is no message's id among the words, and takes no other for it", async () => {
    const order = "222333444555666777";
    const id = snowflakeAt(Date.UTC(2025, 5, 14));
    await add({ id, text: `the parcel has the number ${order}` });
    expect(idsOf(await ask(order))).toEqual([id]);
    expect(idsOf(await ask("222333444555666778"))).toEqual([]);
    expect(idsOf(await ask(SECRET))).toEqual([]);
  });

  it("takes somebody's message as words, whatever is in it", async () => {
    const text = `from:nobody "in quotes" https://discord.com/channels/1/10/${LUNCH} antenna`;
    expect(idsOf(await ask(text, { verbatim: true }))[0]).toBe(ANTENNA);
    expect((await ask(text)).unknown).toEqual(["from:nobody"]);
  });

  it("explains an empty page by what its limits leave over, counting only what the viewer may see", async () => {
    const why = async (text: string, filter: Partial<SearchRequest["filter"]> = {}) =>
      (await ask(text, { filter: { accessChannelIds: ["10", "11"], ...filter } })).nothing;
    const allIsThere = { anythingToSee: true, anythingWithinLimits: true, inTheWay: [] };
    expect(await why('"loss low"')).toEqual(allIsThere);
    const limited = { anythingToSee: true, anythingWithinLimits: false };
    expect(await why("antenna from:bob before:2025-06-11")).toEqual({ ...limited, inTheWay: ["author", "time"] });
    expect(await why("antenna has:poll", { kinds: ["message"] })).toEqual({ ...limited, inTheWay: ["has"] });
    expect(await why("antenna", { kinds: ["note"], channelIds: ["12"] })).toEqual({ ...limited, inTheWay: [] });
    // SECRET would fit, but not for this viewer.
    expect(await why("antenna after:2025-06-12")).toEqual({ ...limited, inTheWay: ["time"] });
    expect(await why("antenna in:10 has:file", { accessChannelIds: ["10"] })).toEqual({
      ...limited,
      inTheWay: ["has"],
    });
    expect(await why("antenna", { accessChannelIds: ["12"] })).toEqual({
      anythingToSee: false,
      anythingWithinLimits: false,
      inTheWay: [],
    });
    expect((await ask("antenna")).nothing).toBeUndefined();
    expect((await ask("antenna", { offset: 50 })).nothing).toBeUndefined();
  });

  it("puts the newer of two good answers first when that is preferred, and not what is newer still and no answer", async () => {
    const old = snowflakeAt(Date.UTC(2022, 0, 1));
    const recent = snowflakeAt(Date.UTC(2025, 5, 9));
    await add(
      { id: old, text: "The gate code is on the kitchen board." },
      { id: recent, text: "The new gate code is on the kitchen board." },
    );
    const plain = idsOf(await ask("gate code kitchen board"));
    const preferred = idsOf(await ask("gate code kitchen board", { preferNewer: true }));
    expect(plain.slice(0, 2)).toEqual([old, recent]);
    expect(preferred.slice(0, 2)).toEqual([recent, old]);
    expect(preferred).toEqual(expect.arrayContaining([LUNCH, CABLE]));
  });

  it("takes quotes at their word", async () => {
    expect(idsOf(await ask('"LOW LOSS"'))).toEqual([CABLE]);
    expect(idsOf(await ask('"loss low"'))).toEqual([]);
    expect(idsOf(await ask('"antenna should" "the roof"'))).toEqual([ANTENNA]);
    expect(idsOf(await ask('"antenna shoul"'))).toEqual([]);
  });

  it("gives one hit per record, with the chunk that matches", async () => {
    const id = snowflakeAt(Date.UTC(2025, 5, 14));
    await add(
      ...["All about soldering.", "All about zeppelins.", "Zeppelins and soldering."].map((text, chunk) => ({
        id,
        chunk,
        text,
      })),
    );
    const { hits } = await ask("zeppelins");
    expect(hits.filter((hit) => hit.row.id === id).map((hit) => hit.row.text)).toEqual(["All about zeppelins."]);
  });

  it("folds what says the same into one hit", async () => {
    const long =
      "the repeater on the hill goes down for maintenance next saturday from nine until noon, please plan for that";
    const at = (hour: number) => snowflakeAt(Date.UTC(2025, 5, 14, hour));
    await add(
      { id: at(1), text: "ANTENNA, anyone?" },
      { id: at(2), text: "antenna anyone" },
      { id: at(3), text: long },
      { id: at(4), text: `${long}!` },
      { id: at(5), text: "antenna 5 anyone" },
    );
    const short = (await ask("antenna anyone")).hits.find((hit) => hit.repeats.length > 0);
    expect([short?.row.id, short?.repeats.map((row) => row.id)].flat().sort()).toEqual([at(1), at(2)]);
    const announcement = (await ask("maintenance of the repeater")).hits.find((hit) =>
      hit.row.text.startsWith("the repeater"),
    );
    expect(announcement?.repeats).toHaveLength(1);
  });

  it("folds no note into the message it was saved from, and no message into a note", async () => {
    const long =
      "the repeater on the hill goes down for maintenance next saturday from nine until noon, please plan for that";
    const at = (hour: number) => snowflakeAt(Date.UTC(2025, 5, 14, hour));
    for (const text of ["antenna anyone", long]) {
      const [message, note] = [at(text.length % 12), at(12 + (text.length % 12))];
      await add({ id: message, text }, { id: note, text: `${text}!`, kind: "note", ownerId: "21" });
      const found = idsOf(await ask(text, { filter: { accessChannelIds: ["10"], viewerId: "21" } }));
      expect(found).toEqual(expect.arrayContaining([message, note]));
    }
  });

  it("pages without gaps or repeats", async () => {
    await add(
      ...Array.from({ length: 25 }, (_, n) => ({
        id: snowflakeAt(Date.UTC(2025, 5, 1, n)),
        text: `antenna number ${n}`,
      })),
    );
    const whole = idsOf(await ask("antenna", { limit: 100 }));
    const pages = [];
    for (let offset = 0; ; offset += 7) {
      const result = await ask("antenna", { limit: 7, offset });
      pages.push(...idsOf(result));
      if (!result.hasMore) break;
    }
    expect(pages).toEqual(whole);
    expect(new Set(pages).size).toBe(28);
    expect((await ask("", { limit: 5, offset: 25 })).hasMore).toBe(false);
  });

  it("answers from full text when the embedder fails, and says so", async () => {
    const embedQuery = () => Promise.reject(new TransientError("connection refused"));
    const result = await ask("antenna", {}, { embedQuery });
    expect(idsOf(result)).toEqual([ANTENNA]);
    expect(result.degraded).toBe("connection refused");
    expect(warnings).toEqual(["search:degraded"]);
  });

  it("answers from full text when the embedder does not answer in time, and lets go of it", async () => {
    let given: AbortSignal | undefined;
    const embedQuery = (_: string, signal: AbortSignal) => {
      given = signal;
      clock.wake();
      return new Promise<Float32Array>(() => {});
    };
    const result = await ask("antenna", {}, { embedQuery });
    expect(idsOf(result)).toEqual([ANTENNA]);
    expect(result.degraded).toMatch(/no answer/);
    expect(given?.aborted).toBe(true);
  });

  it("ends with the reason when whoever asked gives up", async () => {
    const asker = new AbortController();
    const embedQuery = (_: string, signal: AbortSignal) =>
      new Promise<Float32Array>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        asker.abort(new Error("gone"));
      });
    await expect(ask("antenna", { signal: asker.signal }, { embedQuery })).rejects.toThrow("gone");
  });

  it("works without a word model", async () => {
    const bare = createSearch({
      openGenerations: async () => [{ index, embedQuery: async (text: string) => model.vector(text) }],
      archive: { get: async () => new Map(), channel: async () => undefined },
      findAuthors: async () => [],
      findRoles: () => [],
      findChannels: async () => [],
      clock,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    const result = await bare.search({
      guildId: GUILD,
      text: "antenna",
      filter: { accessChannelIds: ["10"] },
      limit: 1,
      offset: 0,
    });
    expect(idsOf(result)).toEqual([ANTENNA]);
  });

  it("finds what is like a message, without the message, indexed or not", async () => {
    const request = { guildId: GUILD, filter: { accessChannelIds: ["10", "11", "66"] }, limit: 10, offset: 0 };
    const stored = await searchWith().similar({
      ...request,
      id: ANTENNA,
      text: "Which antenna should I put on the roof for my repeater?",
    });
    const unknown = await searchWith().similar({ ...request, id: "5", text: "a hidden antenna in the basement" });
    expect(idsOf(stored)).not.toContain(ANTENNA);
    expect([idsOf(stored)[0], idsOf(unknown)[0]]).toEqual([SECRET, SECRET]);
  });

  it.each([
    "\ud800",
    "\u200b",
    "!!!",
    "x".repeat(4000),
    "שלום",
    "烤鸭",
    '"',
    "\u0000",
    "' OR 1=1",
    "from: in: has:",
    "has:constructor",
  ])("answers %j with a result, not an error", async (text) => {
    expect((await ask(text)).hits.length).toBeLessThanOrEqual(3);
  });
});
