// What is stored of channels that the bot can no longer read: kept for a while, announced a week before, then removed; a calendar that
// the test turns, and an archive that remembers across restarts.

import { afterEach, beforeEach, expect, test } from "vitest";
import { TransientError, UserError } from "../../src/errors.ts";
import type { ChannelInfo } from "../../src/ports/archive.ts";
import type { HistoryChannel } from "../../src/ports/discord.ts";
import { type ChannelExpiryParts, createChannelExpiry, type Expiring } from "../../src/sync/expiry.ts";
import { openTestArchive, type TestArchive, testMessage } from "../support/archive.ts";

const GUILD = "1";
const DAY_MS = 86_400_000;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const text = (id: string): ChannelInfo => ({ id, name: id, type: "text", accessChannelId: id });
const unreadable = (id: string): HistoryChannel => ({ ...text(id), unreadable: "I lack View Channel there." });

let opened: TestArchive;
let today: number;
let told: Expiring[];
beforeEach(async () => {
  opened = await openTestArchive();
  [today, told] = [1_000 * DAY_MS, []];
  await opened.archive.saveChannels(GUILD, ["10", "11", "12"].map(text));
  await opened.archive.save(
    GUILD,
    ["10", "11"].map((channelId, n) => testMessage(n, { channelId })),
    { pending: false },
  );
});
afterEach(() => opened.close());

/** As a process that has just begun has it. */
function began(given: Partial<ChannelExpiryParts> = {}) {
  return createChannelExpiry({
    archive: opened.archive,
    history: {
      channels: async () => [],
      messages: async () => {
        throw new UserError("not for the bot to see");
      },
    },
    keepDays: 30,
    tell: async (_, expiring) => {
      told.push(expiring);
      return true;
    },
    onRemoval: () => {},
    now: () => today,
    logger: quiet,
    ...given,
  });
}
const listed = [unreadable("10"), text("11"), unreadable("12")];
const removing = () => opened.archive.unfinishedRemovals(GUILD);
async function onDay(day: number, given: Partial<ChannelExpiryParts> = {}, channels: HistoryChannel[] = listed) {
  today = (1_000 + day) * DAY_MS;
  await began(given).listed(GUILD, channels);
}

test("goes after its days, a week after that was announced once, whatever restarts lie between", async () => {
  for (const day of [0, 5, 22]) await onDay(day);
  expect([told, await removing(), await began().upcoming(GUILD)]).toEqual([[], [], []]);
  for (const day of [23, 24, 29]) await onDay(day);
  expect(told).toEqual([{ channelIds: ["10"], at: 1_030 * DAY_MS }]);
  expect(await removing()).toEqual([]);
  expect(await began().upcoming(GUILD)).toEqual([{ channelId: "10", at: 1_030 * DAY_MS }]);
  expect(await began({ keepDays: Number.POSITIVE_INFINITY }).upcoming(GUILD)).toEqual([]);
  await onDay(30);
  expect(await removing()).toEqual([{ by: "channel", id: "10" }]);
  expect((await opened.archive.deeds(GUILD, 5)).map(({ by, what, targetId }) => [by, what, targetId])).toEqual([
    [undefined, "channel-expired", "10"],
  ]);
  await opened.archive.finishRemoval(GUILD, { by: "channel", id: "10" });
  expect(
    (await opened.archive.page(GUILD, "message", { newestId: "9".repeat(18), oldestId: "0" }, 9)).records.length,
  ).toBe(0);
  await onDay(90);
  expect(told.length).toBe(1);
});

test("stays when the bot may read it again in time, and then has all its days anew", async () => {
  await onDay(0);
  await onDay(25);
  await onDay(27, {}, [text("10"), text("11")]);
  expect(await opened.archive.outOfReach(GUILD)).toEqual(new Map());
  await onDay(40);
  await onDay(60);
  expect([told.length, await removing()]).toEqual([1, []]);
});

test("is not removed before a week has passed since it was announced, also when the bot was off meanwhile", async () => {
  await onDay(0);
  await onDay(50);
  expect([told.map(({ at }) => at / DAY_MS - 1_000), await removing()]).toEqual([[57], []]);
  await onDay(56);
  expect(await removing()).toEqual([]);
  await onDay(57);
  expect(await removing()).toHaveLength(1);
});

test("goes on its day where there is nobody to be told, and not while Discord does not take the message", async () => {
  await onDay(0);
  const tell = async () => {
    throw new TransientError("no answer");
  };
  await onDay(30, { tell });
  expect(await removing()).toEqual([]);
  await onDay(29, { tell: async () => false });
  expect(await removing()).toEqual([]);
  await onDay(30, { tell: async () => false });
  expect(await removing()).toHaveLength(1);
});

test("is kept for ever where that is set, and goes at once with no days at all", async () => {
  await onDay(0, { keepDays: Number.POSITIVE_INFINITY });
  await onDay(900, { keepDays: Number.POSITIVE_INFINITY });
  expect([told, await removing()]).toEqual([[], []]);
  await onDay(900, { keepDays: 0 });
  expect(await removing()).toHaveLength(1);
});

test("a thread that is not listed is asked about, and one that is left out is none of it", async () => {
  const thread = { id: "20", name: "plot", type: "private-thread", parentId: "11", accessChannelId: "20" } as const;
  await opened.archive.saveChannels(GUILD, [thread]);
  await opened.archive.save(GUILD, [testMessage(5, { channelId: "20", accessChannelId: "20" })], { pending: false });
  const history = { channels: async () => [], messages: async () => [] };
  await onDay(0, { history });
  expect([...(await opened.archive.outOfReach(GUILD)).keys()]).toEqual(["10"]);
  await onDay(0);
  expect([...(await opened.archive.outOfReach(GUILD)).keys()]).toEqual(["10", "20"]);
  await opened.archive.exclude(GUILD, { by: "channel", id: "10" });
  await onDay(1);
  expect([...(await opened.archive.outOfReach(GUILD)).keys()]).toEqual(["20"]);
});

test("Discord is asked once a day, but not on the first, when the bot catches up in any case", async () => {
  let asked = 0;
  const channels = async () => {
    asked += 1;
    return listed;
  };
  const expiry = began({ history: { channels, messages: async () => [] } });
  await expiry.daily(GUILD);
  expect(asked).toBe(0);
  await expiry.daily(GUILD);
  expect([asked, [...(await opened.archive.outOfReach(GUILD)).keys()]]).toEqual([1, ["10"]]);
});
