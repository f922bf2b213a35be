// What operators add to what a member may see: they only ever take away.

import { beforeEach, describe, expect, test } from "vitest";
import type { SearchFilter } from "../../src/ports/vector-index.ts";
import { type Narrowed, narrow } from "../../src/search/narrow.ts";
import { parseQuery } from "../../src/search/query.ts";
import { snowflakeAt, snowflakeBefore } from "../../src/snowflake.ts";

const NOW = Date.UTC(2025, 5, 15, 12, 30);
const READER: SearchFilter = { accessChannelIds: ["10", "11"], viewerId: "7" };

/** What was asked of the index, and what it knows of names. */
let asked: SearchFilter[];
let written: { readonly name: string; readonly authorId: string }[];
beforeEach(() => {
  [asked, written] = [[], []];
});

const members: Readonly<Record<string, readonly string[]>> = { ada: ["20"], bob: ["21", "22"] };
const ID = "123456789012345678";
const roles: Readonly<Record<string, readonly string[]>> = { moderators: ["90"], ada: ["91"], [ID]: ["92"] };
const channels: Readonly<Record<string, readonly string[]>> = { general: ["10"], masts: ["11", "12"] };

async function narrowed(text: string, filter = READER, askerId?: string): Promise<Narrowed> {
  const under = ({ authorNames = [] }: SearchFilter) => written.filter(({ name }) => authorNames.includes(name));
  return await narrow(
    {
      findAuthors: async (_guildId, name) => members[name] ?? [],
      findRoles: (_guildId, name) => roles[name] ?? [],
      findChannels: async (_guildId, name, readable) => {
        expect(readable).toEqual(filter.accessChannelIds);
        return channels[name] ?? [];
      },
    },
    {
      async count(given = { accessChannelIds: [] }) {
        asked.push(given);
        return under(given).length;
      },
      async latest(given) {
        asked.push(given);
        return under(given).map(({ authorId }) => ({ authorId })) as never;
      },
    },
    { guildId: "1", filter, askerId },
    parseQuery(text, NOW),
  );
}
const filterOf = async (text: string, filter = READER, askerId?: string) =>
  (await narrowed(text, filter, askerId)).filter;

describe("the limits of the search", () => {
  test("stay as they are without operators", async () => {
    expect(await narrowed("antenna mast")).toEqual({ filter: READER, unknown: [] });
  });

  test.each([
    ["from:ada", { authorIds: ["20", "30"] }, { authorIds: ["20"] }],
    ["from:ada", { authorIds: ["30"] }, { authorIds: [] }],
    ["in:masts", { channelIds: ["11"] }, { channelIds: ["11"] }],
    ["in:masts", { channelIds: ["10"] }, { channelIds: [] }],
    ["kind:note", { kinds: ["message"] as const }, { kinds: [] }],
    ["antenna", { authorIds: ["30"] }, { authorIds: ["30"] }],
  ])("and those of %s hold both, beside %j", async (text, limits, expected) => {
    expect(await filterOf(text, { ...READER, ...limits })).toEqual({ ...READER, ...expected });
  });

  test("and those of times hold both: the later beginning, the earlier end", async () => {
    const start = snowflakeBefore(snowflakeAt(Date.UTC(2025, 0, 1)));
    const end = snowflakeAt(Date.UTC(2025, 2, 1));
    expect(await filterOf("since:2025-01-01 before:2025-03-01")).toMatchObject({ afterId: start, beforeId: end });
    expect(await filterOf("since:2024 since:2025-01-01 before:2025-03-01 before:2025-05-01")).toMatchObject({
      afterId: start,
      beforeId: end,
    });
    const within = { ...READER, afterId: "5", beforeId: "6" };
    expect(await filterOf("since:2025-01-01 before:2025-03-01", within)).toMatchObject({
      afterId: start,
      beforeId: "6",
    });
    const wide = { ...READER, afterId: snowflakeAt(NOW), beforeId: snowflakeAt(NOW + 1) };
    expect(await filterOf("since:2025-01-01 before:2025-03-01", wide)).toMatchObject({
      afterId: wide.afterId,
      beforeId: end,
    });
  });

  test("keep the tags that were asked for before", async () => {
    const filter = { ...READER, tags: [["is:pinned"]] };
    expect(await filterOf("has:link", filter)).toMatchObject({ tags: [["is:pinned"], ["has:link"]] });
  });
});

describe("several values", () => {
  test("of one operator mean any, of several operators all", async () => {
    expect(await filterOf("from:ada from:bob in:general,masts has:link,image file:pdf")).toEqual({
      ...READER,
      authorIds: ["20", "21", "22"],
      authorNames: ["ada", "bob"],
      channelIds: ["10", "11", "12"],
      tags: [["has:link", "has:image"], ["file:pdf"]],
    });
  });

  test("that are the same are looked up once, and do not use up what may be looked up", async () => {
    const same = Array(30).fill("from:ada").join(" ");
    expect(await filterOf(same)).toMatchObject({ authorIds: ["20"], authorNames: ["ada"] });
  });

  test("are ten at most of each operator that takes names, and as many as one likes of others", async () => {
    const names = (operator: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${operator}:name${n}`).join(" ");
    await expect(narrowed(names("mentions", 11))).rejects.toThrow("at most 10 names after mentions:");
    await narrowed(`${names("mentions", 10)} ${names("from", 10)}`);
    expect((await filterOf(names("link", 40))).tags?.[0]).toHaveLength(40);
  });
});

describe("what is left out", () => {
  test("is left out by all that it is: people with what was written under their names, channels, kinds, tags", async () => {
    expect(await filterOf("-from:ada -in:general -kind:note -has:link -mentions:bob")).toEqual({
      ...READER,
      except: {
        authorIds: ["20"],
        channelIds: ["10"],
        kinds: ["note"],
        tags: ["by:ada", "has:link", "mentions:21", "mentions:22"],
      },
    });
  });

  test("with what lacks a tag, is what has it; and what does not lack it has it", async () => {
    expect(await filterOf("pinned:false")).toEqual({ ...READER, except: { tags: ["is:pinned"] } });
    expect(await filterOf("-pinned:false")).toEqual({ ...READER, tags: [["is:pinned"]] });
    expect(await filterOf("authortype:user")).toEqual({ ...READER, except: { tags: ["is:bot"] } });
  });

  test("and is nobody, leaves everybody", async () => {
    expect(await narrowed("-from:nobody -in:nowhere")).toEqual({
      filter: READER,
      unknown: ["-from:nobody", "-in:nowhere"],
    });
  });
});

describe("a name", () => {
  test("that is nobody's and that nobody wrote under is told, and narrows nothing by itself", async () => {
    expect(await narrowed("from:carol in:attic mentions:dora")).toEqual({
      filter: READER,
      unknown: ["from:carol", "in:attic", "mentions:dora"],
    });
  });

  test("of no member is looked for among what the asker may read, and nowhere else", async () => {
    written = [{ name: "carol", authorId: "66" }];
    const limited = { ...READER, authorIds: ["30"], afterId: "5" };
    expect(await narrowed("from:Carol mentions:carol", { ...READER, afterId: "5" })).toMatchObject({
      filter: { authorIds: [], authorNames: ["carol"], tags: [["mentions:66"]] },
      unknown: [],
    });
    expect(asked).toEqual([
      { ...READER, authorNames: ["carol"] },
      { ...READER, authorNames: ["carol"] },
    ]);
    asked = [];
    await narrowed("from:carol", { accessChannelIds: ["11"] });
    expect(asked).toEqual([{ accessChannelIds: ["11"], authorNames: ["carol"] }]);
    // A person was chosen: what somebody else wrote under a name is not theirs.
    expect((await filterOf("from:carol", limited)).authorNames).toBeUndefined();
  });

  test("of a member finds also what was written under it; an id is that person alone", async () => {
    expect(await filterOf("from:ada")).toEqual({ ...READER, authorIds: ["20"], authorNames: ["ada"] });
    expect(await filterOf(`from:${ID}`)).toEqual({ ...READER, authorIds: [ID] });
    expect(await filterOf(`mentions:${ID}`)).toEqual({ ...READER, tags: [[`mentions:${ID}`]] });
    expect((await narrowed("from:99999999999999999999999")).unknown).toEqual(["from:99999999999999999999999"]);
    expect(asked).toEqual([]);
  });

  test("that is mentioned may be a member's and a role's; who wrote under it counts only where it is neither's", async () => {
    written = [
      { name: "ada", authorId: "66" },
      { name: "carol", authorId: "67" },
      { name: "carol", authorId: "67" },
    ];
    expect((await filterOf("mentions:ada")).tags).toEqual([["mentions:20", "mentions:91"]]);
    expect((await filterOf("mentions:moderators")).tags).toEqual([["mentions:90"]]);
    expect(asked).toEqual([]);
    expect((await filterOf("mentions:carol")).tags).toEqual([["mentions:67"]]);
  });

  test("`me` is who asks, also where nobody's notes may show; without an asker it is a name", async () => {
    const shared = { accessChannelIds: ["10"] };
    expect(await filterOf("from:me", shared, "21")).toEqual({ ...shared, authorIds: ["21"], authorNames: ["me"] });
    expect((await filterOf("mentions:me", shared, "21")).tags).toEqual([["mentions:21"]]);
    expect((await narrowed("from:me", shared)).unknown).toEqual(["from:me"]);
  });

  test("of signs alone is nobody's, and asks the index nothing", async () => {
    expect((await narrowed("from:💬 mentions:💬")).unknown).toEqual(["from:💬", "mentions:💬"]);
    expect(asked).toEqual([]);
  });
});
