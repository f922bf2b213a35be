import { expect, test } from "vitest";
import type { ChannelInfo } from "../../src/ports/archive.ts";
import type { Permissions } from "../../src/ports/discord.ts";
import { createAccess, isReadable } from "../../src/search/access.ts";

const GUILD = "1";
const VIEWER = { userId: "7", roleIds: [], isTimedOut: false };

function privateThread(id: string, parentId = "10"): ChannelInfo {
  return { id, name: id, type: "private-thread", parentId, accessChannelId: id };
}

/** Discord as far as this needs it: who may read what, and how often it was asked. */
function setUp(threads: readonly ChannelInfo[], memberOf: readonly string[] = []) {
  const state = { channels: ["10", "11"], memberOf: new Set(memberOf), asked: [] as string[][], listed: 0, time: 0 };
  const permissions: Permissions = {
    readableChannels: async () => ({ channelIds: state.channels, ageRestricted: 2 }),
    readableThreads: async (_guildId, _viewer, ids) => {
      state.asked.push([...ids]);
      return ids.filter((id) => state.memberOf.has(id));
    },
    readableByReadersOf: async (_guildId, channelId) => [channelId, "11"],
  };
  const archive = {
    channels: async () => {
      state.listed++;
      return [{ id: "10", name: "general", type: "text", accessChannelId: "10" } as const, ...threads];
    },
  };
  return { state, access: createAccess({ permissions, archive, clock: { elapsed: () => state.time } }) };
}

test("a member sees the channels they can read, the private threads they are in, and their own notes", async () => {
  const { access } = setUp([privateThread("20"), privateThread("21")], ["21"]);
  expect(await access.filterFor(GUILD, VIEWER)).toEqual({
    accessChannelIds: ["10", "11", "21"],
    viewerId: "7",
    uncheckedThreads: 0,
    ageRestrictedChannels: 2,
  });
});

test("threads under a channel that the member cannot read are left out without asking", async () => {
  const { access, state } = setUp([privateThread("20", "12")], ["20"]);
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toEqual(["10", "11"]);
  expect(state.asked).toEqual([]);
});

test("a no about a thread is remembered for 15 seconds, a yes is asked for every time", async () => {
  const { access, state } = setUp([privateThread("20"), privateThread("21")], ["20"]);
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toEqual(["10", "11", "20"]);
  state.memberOf = new Set(["21"]);
  state.time = 14_999;
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toEqual(["10", "11"]);
  expect(state.asked).toEqual([["21", "20"], ["20"]]);
  state.time = 15_000;
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toEqual(["10", "11", "21"]);
});

test("the right to read a thread ends at once with the right to read its parent", async () => {
  const { access, state } = setUp([privateThread("20")], ["20"]);
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toContain("20");
  state.channels = ["11"];
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toEqual(["11"]);
});

test("an answer for one member says nothing of another", async () => {
  const { access, state } = setUp([privateThread("20")], ["20"]);
  await access.filterFor(GUILD, VIEWER);
  state.memberOf = new Set();
  expect((await access.filterFor(GUILD, { userId: "8", roleIds: [], isTimedOut: false })).accessChannelIds).toEqual([
    "10",
    "11",
  ]);
});

test("one search looks up at most the 100 newest threads, says how many it left out, and the next takes up where those were a no", async () => {
  const ids = Array.from({ length: 130 }, (_, index) => String(1000 + index));
  const { access, state } = setUp(
    ids.map((id) => privateThread(id)),
    ids.slice(0, 30),
  );
  const first = await access.filterFor(GUILD, VIEWER);
  expect(state.asked[0]).toEqual(ids.slice(30).reverse());
  expect(first).toMatchObject({ uncheckedThreads: 30, accessChannelIds: ["10", "11"] });
  const next = await access.filterFor(GUILD, VIEWER);
  expect(state.asked[1]).toEqual(ids.slice(0, 30).reverse());
  expect(next).toMatchObject({ uncheckedThreads: 0 });
  expect(next.accessChannelIds).toHaveLength(32);
});

test("only the candidates are looked up when they are given, and none that is not a private thread of the guild", async () => {
  const { access, state } = setUp([privateThread("20"), privateThread("21")], ["20", "21", "99"]);
  expect((await access.filterFor(GUILD, VIEWER, ["21", "99"])).accessChannelIds).toEqual(["10", "11", "21"]);
  expect(state.asked).toEqual([["21"]]);
});

test("a shared answer may use what the channel's readers read, and nobody's notes", async () => {
  const { access } = setUp([privateThread("20")], ["20"]);
  expect(await access.filterForSharing(GUILD, "10")).toEqual({ accessChannelIds: ["10", "11"] });
});

test("the list of private threads is asked for again after two seconds, not before", async () => {
  const { access, state } = setUp([privateThread("20")], ["20"]);
  await access.filterFor(GUILD, VIEWER);
  state.time = 1_999;
  await access.filterFor(GUILD, VIEWER);
  expect(state.listed).toBe(1);
  state.time = 2_000;
  await access.filterFor(GUILD, VIEWER);
  expect(state.listed).toBe(2);
});

test("a public thread is its channel's: nobody is asked about it", async () => {
  const { access, state } = setUp([{ ...privateThread("20"), type: "public-thread", accessChannelId: "10" }], ["20"]);
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toEqual(["10", "11"]);
  expect(state.asked).toEqual([]);
});

test("a thread of which nobody knows the channel above it is nobody's to read", async () => {
  const { parentId: _, ...orphan } = privateThread("20");
  const { access, state } = setUp([orphan], ["20"]);
  expect((await access.filterFor(GUILD, VIEWER)).accessChannelIds).toEqual(["10", "11"]);
  expect(state.asked).toEqual([]);
});

test("a no is forgotten when there are too many, and then asked for again", async () => {
  const ids = Array.from({ length: 100 }, (_, n) => String(1000 + n));
  const { access, state } = setUp(ids.map((id) => privateThread(id)));
  const member = (n: number) => ({ ...VIEWER, userId: String(n) });
  for (let n = 0; n < 200; n += 1) await access.filterFor(GUILD, member(n));
  await access.filterFor(GUILD, member(0));
  expect(state.asked).toHaveLength(200);
  await access.filterFor(GUILD, member(200));
  await access.filterFor(GUILD, member(0));
  expect(state.asked).toHaveLength(202);
  expect(state.asked[201]).toHaveLength(100);
});

test.each([
  ["message", undefined, "10", true],
  ["message", undefined, "12", false],
  ["note", "channel", "10", true],
  ["note", "channel", "12", false],
  ["note", "private", "10", false],
  ["note", undefined, "10", false],
] as const)(
  "a %s of somebody else (%s) in channel %s can be read: %s",
  (kind, visibility, accessChannelId, expected) => {
    const record = { kind, authorId: "8", accessChannelId, ...(visibility && { visibility }) };
    expect(isReadable(record, { accessChannelIds: ["10"], viewerId: "7" })).toBe(expected);
    // Where nobody's own may show, a note without a word about it is nobody's.
    expect(isReadable(record, { accessChannelIds: ["10"] })).toBe(expected);
  },
);

test("one's own private note can be read wherever it was made, and by nobody where no viewer is named", () => {
  const note = { kind: "note", authorId: "7", accessChannelId: "12", visibility: "private" } as const;
  expect(isReadable(note, { accessChannelIds: ["10"], viewerId: "7" })).toBe(true);
  expect(isReadable(note, { accessChannelIds: ["12"] })).toBe(false);
});
