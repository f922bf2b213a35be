// Catching up, re-reading and collecting against the real archive: in the end it is what Discord has, at a price that is kept.

import fc from "fast-check";
import PQueue from "p-queue";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { archiveOnly } from "../../src/indexing/live/archive-only.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake, snowflakeAt } from "../../src/snowflake.ts";
import { catchUp } from "../../src/sync/catch-up.ts";
import { collectHistory } from "../../src/sync/collect.ts";
import { createHearing, createStretch } from "../../src/sync/hearing.ts";
import { recheck } from "../../src/sync/recheck.ts";
import { createResync } from "../../src/sync/resync.ts";
import { openTestArchive, type TestArchive, testId, testMessage } from "../support/archive.ts";
import {
  channel,
  createManualClock,
  createSkippableClock,
  EVERYTHING,
  GUILD,
  type SkippableClock,
  until,
} from "../support/engine.ts";
import { type ScriptedDiscord, scriptedDiscord } from "../support/scripted-discord.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const never = new AbortController().signal;
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const inChannel = (channelId: Snowflake, count: number, from = 0) =>
  numbers(count).map((n) => testMessage(from + n, { channelId }));

/** One for all lives of a test: time does not go back. */
let clock: SkippableClock;
let archive: TestArchive["archive"];
let close: () => Promise<void>;
beforeEach(async () => {
  clock = createSkippableClock();
  ({ archive, close } = await openTestArchive());
});
afterEach(() => close());

const contents = async (): Promise<[Snowflake, string][]> =>
  (await archive.page(GUILD, "message", EVERYTHING, 100_000)).records
    .map(({ record }): [Snowflake, string] => [record.id, record.content])
    .reverse();
const pending = async () => (await archive.pending(GUILD, 100_000)).map(({ id }) => id).sort();

/** What the bot stored of it while it was there. */
async function archived(records: readonly ArchivedRecord[]): Promise<void> {
  await archive.save(GUILD, records, { pending: false });
  await archive.saveChannels(
    GUILD,
    [...new Set(records.map(({ channelId }) => channelId))].map((id) => channel(id)),
  );
  await listened(GUILD, records);
}

/** It has heard them all, in their order. */
async function listened(guildId: Snowflake, records: readonly ArchivedRecord[]): Promise<void> {
  await archive.saveListenedSince(guildId, FIRST_SNOWFLAKE);
  const last = new Map(records.map(({ channelId, id }) => [channelId, id]));
  for (const [channelId, id] of last) await archive.saveCompleteTo(guildId, channelId, id);
}

function partsOf(discord: ScriptedDiscord, runsBy: Clock = clock) {
  return {
    archive,
    history: discord.history,
    clock: runsBy,
    logger: quiet,
    live: { kick() {}, async changed() {}, async channelDeleted() {} },
    settled: async () => discord.heard(),
    hearing: createHearing(),
    channel: async (id: Snowflake) => channel(id),
    isGone: async () => false,
    onGone: async () => undefined,
    onMarked: async () => undefined,
    hasLeft: async () => false,
    onLeft: async () => undefined,
  };
}

/** The bot is back, and goes again after so many requests, or when everything is made up for. Time passes quickly. */
async function resyncAll(discord: ScriptedDiscord, requests = Number.POSITIVE_INFINITY): Promise<void> {
  const resync = createResync(partsOf(discord));
  const hurry = setInterval(() => clock.skip(60_000), 1);
  resync.begin(GUILD);
  const goal = discord.requests.length + requests;
  if (Number.isFinite(goal)) await until(() => discord.requests.length >= goal, "it asks");
  else await resync.idle();
  clearInterval(hurry);
  await resync.stop();
}

describe("when the bot comes back", () => {
  test("what was edited and deleted among its latest messages is found at once, page by page until one is quiet", async () => {
    const discord = scriptedDiscord(["10"]);
    const before = inChannel("10", 1_000);
    discord.load(before);
    await archived(before);
    // The newest three pages are 999-900, 899-800 and 799-700.
    discord.edit(testId(990), "edited");
    discord.remove(numbers(5).map((n) => testId(850 + n)));
    discord.remove([testId(10)]);
    const found = await catchUp(partsOf(discord), GUILD, createStretch(), new Set(), never);
    expect(found).toEqual({ saved: 1, removed: 5, gone: 0, failed: [] });
    // One for what is new, three for the pages.
    expect(discord.requests).toHaveLength(4);
    const kept = await contents();
    expect(kept).toContainEqual([testId(990), "edited"]);
    expect(kept.map(([id]) => id)).toContain(testId(10));
    expect(kept).toHaveLength(995);
  });

  test("what was edited and deleted of anything ever archived is found in the end, and marked for the index", async () => {
    const discord = scriptedDiscord(["10", "11"]);
    const before = [...inChannel("10", 1_250), ...inChannel("11", 40, 2_000)];
    discord.load(before);
    await archived(before);
    const changed = [3, 700, 2_001].map(testId);
    const removed = [0, 1, 400, 1_249, 2_039].map(testId);
    for (const id of changed) discord.edit(id, `edited ${id}`);
    discord.remove(removed);
    await resyncAll(discord);
    expect(await contents()).toEqual(discord.contents());
    expect(await pending()).toEqual([...changed, ...removed].sort());
    // 1,250 and 40 messages are 13 + 1 pages; with the ends, and what catching up looks at first.
    expect(discord.requests.length).toBeLessThanOrEqual(14 + 3 + 6);
  });

  test("history that was never archived is left to a backfill, and holes between archived messages are filled", async () => {
    const discord = scriptedDiscord(["10"]);
    const all = inChannel("10", 900);
    discord.load(all);
    await archived(all.slice(500).filter((_, n) => n !== 250));
    await resyncAll(discord);
    expect((await contents()).map(([id]) => id)).toEqual(all.slice(500).map(({ id }) => id));
    // The one after it has another context now.
    expect(await pending()).toEqual([testId(750), testId(751)]);
    expect(discord.requests.length).toBeLessThanOrEqual(9);
  });

  test("a nickname that has changed makes nothing to embed anew, though it is stored", async () => {
    const discord = scriptedDiscord(["10"]);
    const before = inChannel("10", 30);
    await archived(before);
    discord.load(before.map((each) => ({ ...each, authorName: "Countess" })));
    await resyncAll(discord);
    expect(await pending()).toEqual([]);
    expect((await archive.get(GUILD, "message", [testId(5)])).get(testId(5))?.record.authorName).toBe("Countess");
  });

  test("a channel that cannot be read, and one whose text is hidden, keep what is stored of them", async () => {
    const discord = scriptedDiscord(["10", "11"]);
    const before = [...inChannel("10", 150), ...inChannel("11", 150, 1_000)];
    discord.load(before);
    await archived(before);
    const stored = await contents();
    discord.mood.unreadable = new Set(["10"]);
    await resyncAll(discord);
    expect(await contents()).toEqual(stored);
    discord.mood.unreadable = new Set();
    discord.mood.hidesContent = true;
    const parts = partsOf(discord);
    await catchUp(parts, GUILD, createStretch(), new Set(), never);
    await collectHistory(
      parts,
      GUILD,
      { newestId: LAST_SNOWFLAKE, startedAt: 0, onRead: async () => undefined },
      never,
    );
    expect(await contents()).toEqual(stored);
  });

  test("Discord is asked again for as long as it is down, and then everything is found", async () => {
    const discord = scriptedDiscord(["10"]);
    const before = inChannel("10", 250);
    discord.load(before);
    await archived(before);
    discord.remove([testId(7)]);
    discord.mood.down = true;
    const asked = discord.requests;
    const back = until(() => asked.length > 40, "it has been asked forty times").then(() => {
      discord.mood.down = false;
    });
    await resyncAll(discord);
    await back;
    expect(await contents()).toEqual(discord.contents());
  });
});

describe("re-reading", () => {
  test("is not done again when the bot has not been away since, and is after another absence", async () => {
    const discord = scriptedDiscord(["10"]);
    const before = inChannel("10", 450);
    discord.load(before);
    await archived(before);
    await resyncAll(discord);
    const { since } = (await archive.recheckCursor(GUILD, "10")) ?? { since: 0 };
    const again = async (absentUntil: number) => {
      const asked = discord.requests.length;
      const hurried = { ...clock, sleep: async () => undefined };
      await recheck({ ...partsOf(discord, hurried), requests: new PQueue() }, GUILD, absentUntil, never, () => {});
      return discord.requests.length - asked;
    };
    expect(await again(since)).toBe(0);
    expect(await again(since + 1)).toBe(5);
    // The clock was wrong when it was done.
    await archive.saveRecheckCursor(GUILD, "10", { since: clock.now() + 1e9 });
    expect(await again(clock.now())).toBe(5);
    expect(await again(clock.now() + 1e6)).toBe(5);
  });

  test("asks at most five times a second, whatever the number of guilds", async () => {
    const discord = scriptedDiscord(["10"]);
    const before = inChannel("10", 2_000);
    discord.load(before);
    const guilds = ["1", "2", "3"];
    for (const guildId of guilds) {
      await archive.save(guildId, before, { pending: false });
      await archive.saveChannels(guildId, [channel("10")]);
      await listened(guildId, before);
    }
    const standing = createManualClock();
    const resync = createResync(partsOf(discord, standing));
    for (const guildId of guilds) resync.begin(guildId);
    // Catching up: for each what is new, and one page.
    await until(() => discord.requests.length >= 7, "re-reading begins");
    const asked = discord.requests.length;
    for (let moment = 0; moment < 80; moment += 1) {
      await standing.advance(50);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const inFourSeconds = discord.requests.length - asked;
    expect(inFourSeconds).toBeGreaterThan(4);
    expect(inFourSeconds).toBeLessThanOrEqual(21);
    expect(resync.rechecking("1")).toMatchObject({ channels: 1, channelsDone: 0 });
    await resync.stop();
  });

  test("gets to the oldest messages even if the bot is restarted again and again, and stopped anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 12 }), async (lives) => {
        const fresh = await openTestArchive();
        archive = fresh.archive;
        const discord = scriptedDiscord(["10", "11"]);
        const before = [...inChannel("10", 520), ...inChannel("11", 230, 1_000)];
        discord.load(before);
        await archived(before);
        for (const [life, requests] of lives.entries()) {
          // Each absence changes something, old and new.
          discord.edit(testId((life * 97) % 520), `edited in life ${life}`);
          discord.remove([testId((life * 131) % 520), testId(1_000 + life)]);
          await resyncAll(discord, requests);
        }
        await resyncAll(discord);
        expect(await contents()).toEqual(discord.contents());
        expect(discord.requests.length).toBeLessThan(150);
        await fresh.close();
      }),
      { seed: 11, numRuns: 4, endOnFailure: true },
    );
  });
});

describe("a collection", () => {
  const collect = (discord: ScriptedDiscord, newestId: Snowflake, stop = never, onRead = async () => undefined) =>
    collectHistory(partsOf(discord), GUILD, { newestId, startedAt: 5, onRead }, stop);

  test("begun anew reads and compares everything again, and marks what has changed", async () => {
    const discord = scriptedDiscord(["10"]);
    discord.load(inChannel("10", 350));
    await collect(discord, testId(1_000));
    expect(await contents()).toEqual(discord.contents());
    expect(await pending()).toEqual([]);
    discord.edit(testId(20), "edited");
    discord.remove([testId(21), testId(349)]);
    discord.load([testMessage(500, { channelId: "10" })]);
    await collect(discord, testId(2_000));
    expect(await contents()).toEqual(discord.contents());
    expect(await pending()).toEqual([20, 21, 349].map(testId).sort());
  });

  test("that was stopped goes on where it was, and what it compared is not re-read", async () => {
    const discord = scriptedDiscord(["10"]);
    discord.load(inChannel("10", 1_050));
    const stop = new AbortController();
    const halfway = async () => {
      if (discord.requests.length === 5) stop.abort();
    };
    expect(await collect(discord, testId(2_000), stop.signal, halfway as () => Promise<undefined>)).toMatchObject({
      complete: false,
    });
    expect(await collect(discord, testId(2_000))).toEqual({ complete: true, unreadable: [] });
    expect(discord.requests).toHaveLength(11);
    expect(await contents()).toEqual(discord.contents());
    expect(await archive.recheckCursor(GUILD, "10")).toEqual({ since: 5 });
  });

  test("lists a channel that becomes unreadable in the middle, keeps what it has of it, and reads the others", async () => {
    const discord = scriptedDiscord(["10", "11"]);
    discord.load([...inChannel("10", 350), ...inChannel("11", 150, 1_000)]);
    const close = async () => {
      if (discord.requests.filter((id) => id === "10").length === 2) discord.mood.unreadable = new Set(["10"]);
    };
    const { unreadable } = await collect(discord, testId(2_000), never, close as () => Promise<undefined>);
    expect(unreadable).toEqual([
      { name: "channel-10", because: { kind: "error", message: expect.stringContaining("I am not allowed") } },
    ]);
    const ids = (await contents()).map(([id]) => id);
    expect(ids.filter((id) => BigInt(id) >= BigInt(testId(1_000)))).toHaveLength(150);
    expect(ids.length).toBeGreaterThanOrEqual(250);
  });
});

type Step =
  | { readonly do: "post"; readonly n: number }
  | { readonly do: "edit" | "delete"; readonly n: number }
  | { readonly do: "purge"; readonly n: number }
  | { readonly do: "breathe"; readonly n: number };

test("whatever is written, edited and deleted while history is being read, the archive ends as Discord is", async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    do: fc.constantFrom("post", "edit", "edit", "delete", "delete", "purge", "breathe", "breathe"),
    n: fc.nat({ max: 399 }),
  });
  const delays = fc.array(fc.nat({ max: 25 }), { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120 }), delays, async (steps, turns) => {
      const fresh = await openTestArchive();
      archive = fresh.archive;
      const discord = scriptedDiscord(["10", "11"], turns);
      const before = numbers(400).map((n) => testMessage(n, { channelId: String(10 + (n % 2)) }));
      discord.load(before);
      await archived(before.filter((_, n) => n > 120));
      // While it is away:
      for (const n of [130, 199, 255, 398]) discord.edit(testId(n), "edited while away");
      discord.remove([131, 260, 399].map(testId));
      const awaySince = snowflakeAt(Date.now() - 1_000);
      discord.listen(archiveOnly(archive));
      // Without re-reading: it would mend in the end what these do wrong.
      const catchingUp = catchUp(partsOf(discord), GUILD, createStretch(), new Set(), never);
      const collection = { newestId: awaySince, startedAt: Date.now(), onRead: async () => undefined };
      const collecting = collectHistory(partsOf(discord), GUILD, collection, never);
      for (const [at, { do: act, n }] of steps.entries()) {
        if (act === "post") discord.post(testMessage(0, { id: newId(at), channelId: String(10 + (n % 2)) }));
        else if (act === "edit") discord.edit(testId(n), `edited at ${at}`);
        else if (act === "delete") discord.remove([testId(n)]);
        else if (act === "purge") discord.remove(numbers(20).map((more) => testId(n + more)));
        else for (let turn = 0; turn < n % 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all([collecting, catchingUp]);
      await discord.heard();
      expect(await contents()).toEqual(discord.contents());
      await fresh.close();
    }),
    { seed: 3, numRuns: 12, endOnFailure: true },
  );
}, 60_000);

const newId = (at: number) => snowflakeAt(Date.UTC(2026, 0, 1) + at * 1_000);
