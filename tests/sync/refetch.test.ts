// What is taken in again is fetched from Discord: to its end, whoever stops in the middle; and no further once it is left out again.

import PQueue from "p-queue";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FIRST_SNOWFLAKE } from "../../src/snowflake.ts";
import { createHearing } from "../../src/sync/hearing.ts";
import { refetchAll } from "../../src/sync/refetch.ts";
import { openTestArchive, type TestArchive, testMessage } from "../support/archive.ts";
import { channel, createSkippableClock, EVERYTHING, GUILD, type SkippableClock, until } from "../support/engine.ts";
import { type ScriptedDiscord, scriptedDiscord } from "../support/scripted-discord.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const MESSAGES = 1_000;
const PAGES = MESSAGES / 100;
const LEFT_OUT = { by: "channel", id: "10" } as const;

let clock: SkippableClock;
let discord: ScriptedDiscord;
let archive: TestArchive["archive"];
let close: () => Promise<void>;
let hurry: NodeJS.Timeout;
beforeEach(async () => {
  clock = createSkippableClock();
  hurry = setInterval(() => clock.skip(60_000), 1);
  ({ archive, close } = await openTestArchive());
  discord = scriptedDiscord(["10", "11"]);
  discord.load(Array.from({ length: MESSAGES }, (_, n) => testMessage(n, { channelId: "10" })));
  await archive.saveListenedSince(GUILD, FIRST_SNOWFLAKE);
  await archive.saveChannels(GUILD, [channel("10"), channel("11")]);
  await leaveOut();
  await archive.include(GUILD, LEFT_OUT, clock.now());
});
afterEach(async () => {
  clearInterval(hurry);
  await close();
});

async function leaveOut(): Promise<void> {
  await archive.exclude(GUILD, LEFT_OUT);
}
async function removed(): Promise<void> {
  for (const scope of await archive.unfinishedRemovals(GUILD)) await archive.finishRemoval(GUILD, scope);
}

/** As one process does it, until it stops or nothing is left. */
function refetch(stop = new AbortController()) {
  const parts = {
    archive,
    history: discord.history,
    clock,
    logger: quiet,
    live: { kick() {}, async changed() {}, async channelDeleted() {} },
    settled: async () => discord.heard(),
    hearing: createHearing(),
    channel: async (id: string) => channel(id),
    isGone: async () => false,
    onGone: async () => undefined,
    onMarked: async () => undefined,
    hasLeft: async () => false,
    onLeft: async () => undefined,
    requests: new PQueue({ concurrency: 1 }),
  };
  return refetchAll(parts, GUILD, stop.signal);
}
const stored = async () => (await archive.page(GUILD, "message", EVERYTHING, 10_000)).records.length;

test("stopped midway, it goes on with the page it was at, and what was fetched is not fetched again", async () => {
  await removed();
  for (const asked of [3, 6]) {
    const stop = new AbortController();
    const fetching = refetch(stop);
    await until(() => discord.requests.length >= asked, "it asks");
    stop.abort();
    await fetching;
    expect(await stored()).toBeLessThan(MESSAGES);
    expect(await archive.refetches(GUILD)).toHaveLength(1);
  }
  await refetch();
  expect(await stored()).toBe(MESSAGES);
  expect(await archive.refetches(GUILD)).toEqual([]);
  // A page that was asked for when it stopped is asked for again, and a last one may be empty.
  expect(discord.requests.length).toBeLessThanOrEqual(PAGES + 4);
});

test("left out again midway, it ends, and nothing that it had fetched stays", async () => {
  await removed();
  const fetching = refetch();
  await until(() => discord.requests.length >= 3, "it asks");
  await leaveOut();
  await fetching;
  expect(discord.requests.length).toBeLessThan(PAGES);
  expect(await archive.refetches(GUILD)).toEqual([]);
  await removed();
  expect(await stored()).toBe(0);
  await refetch();
  expect(await stored()).toBe(0);
});

test("it waits for the removal that it would lose to", async () => {
  const fetching = refetch();
  await clock.sleep(10_000);
  expect(discord.requests).toEqual([]);
  await removed();
  await fetching;
  expect(await stored()).toBe(MESSAGES);
});
