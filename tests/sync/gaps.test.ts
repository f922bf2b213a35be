// What was written while nobody listened is fetched, whatever was heard before and after, and wherever the bot was stopped. The real
// archive, and a Discord without sockets; the same with everything real is tests/torture/away.ts.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { archiveOnly } from "../../src/indexing/live/archive-only.ts";
import type { Archive } from "../../src/ports/archive.ts";
import { FIRST_SNOWFLAKE, type Snowflake } from "../../src/snowflake.ts";
import { createHearing } from "../../src/sync/hearing.ts";
import { createResync } from "../../src/sync/resync.ts";
import { openTestArchive, type TestArchive, testId, testMessage } from "../support/archive.ts";
import { channel, createSkippableClock, EVERYTHING, GUILD, until } from "../support/engine.ts";
import { type ScriptedDiscord, scriptedDiscord } from "../support/scripted-discord.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

let archive: TestArchive["archive"];
let close: () => Promise<void>;
beforeEach(async () => {
  ({ archive, close } = await openTestArchive());
});
afterEach(() => close());

const archived = async (): Promise<[Snowflake, string][]> =>
  (await archive.page(GUILD, "message", EVERYTHING, 100_000)).records
    .map(({ record }): [Snowflake, string] => [record.id, record.content])
    .reverse();

const thread = (n: number) => channel(testId(n), { type: "public-thread", parentId: "10", accessChannelId: "10" });
const inPlace = (n: number, channelId: Snowflake) => testMessage(n, { channelId });

/** A bot that listens and catches up. @param on what it keeps things in */
function begin(discord: ScriptedDiscord, on: Archive = archive) {
  const clock = createSkippableClock();
  const hearing = createHearing();
  const stopListening = discord.listen(archiveOnly(on), hearing);
  const resync = createResync({
    archive: on,
    history: discord.history,
    hearing,
    channel: async (id) => discord.channels().find((each) => each.id === id) ?? channel(id),
    clock,
    logger: quiet,
    live: { kick() {}, async changed() {}, async channelDeleted() {} },
    settled: async () => discord.heard(),
    isGone: async () => false,
    hasLeft: async () => false,
    onLeft: async () => undefined,
  });
  const hurry = setInterval(() => clock.skip(60_000), 1);
  resync.begin(GUILD);
  return {
    resync,
    hearing,
    stopListening,
    caughtUp: () => until(() => resync.gaps(GUILD).isKnown && resync.gaps(GUILD).channels === 0, "it has caught up"),
    /** Nothing of it happens any more. */
    end() {
      stopListening();
      clearInterval(hurry);
    },
    async stop() {
      stopListening();
      await discord.heard();
      clearInterval(hurry);
      await resync.stop();
    },
  };
}

async function live(discord: ScriptedDiscord, happen: () => unknown = () => {}): Promise<void> {
  const bot = begin(discord);
  await bot.caughtUp();
  await happen();
  await discord.heard();
  await bot.stop();
}

test("a thread made while the bot listened, and empty until it was away, is fetched although others were written in since", async () => {
  const discord = scriptedDiscord(["10", "11"]);
  discord.mood.tellsLast = true;
  await live(discord, () => {
    discord.make(thread(5));
    discord.post(inPlace(6, "11"));
  });
  discord.post(inPlace(7, testId(5)));
  await live(discord);
  expect(await archived()).toEqual(discord.contents());
});

test("stopped before it came to a new thread, it fetches that the next time, whatever it has heard elsewhere meanwhile", async () => {
  const discord = scriptedDiscord(["10", "11"]);
  discord.mood.tellsLast = true;
  await live(discord, () => discord.post(inPlace(1, "10")));
  discord.make(thread(5));
  discord.post(inPlace(6, testId(5)));
  discord.mood.down = true;
  const bot = begin(discord);
  await until(() => discord.requests.length > 0, "it asks");
  discord.post(inPlace(7, "11"));
  discord.post(inPlace(8, testId(5)));
  await discord.heard();
  expect(bot.resync.gaps(GUILD).isKnown).toBe(false);
  await bot.stop();
  discord.mood.down = false;
  await live(discord);
  expect(await archived()).toEqual(discord.contents());
});

test("a message heard in a channel closes no gap before it", async () => {
  const discord = scriptedDiscord(["10"]);
  await live(discord, () => discord.post(inPlace(1, "10")));
  discord.post(inPlace(2, "10"));
  discord.mood.down = true;
  const bot = begin(discord);
  await until(() => discord.requests.length > 0, "it asks");
  discord.post(inPlace(3, "10"));
  await discord.heard();
  await bot.stop();
  expect((await archive.completeTo(GUILD)).get("10")).toBe(testId(1));
  discord.mood.down = false;
  await live(discord);
  expect(await archived()).toEqual(discord.contents());
  expect((await archive.completeTo(GUILD)).get("10")).toBe(testId(3));
});

test("what was written where the bot could not look for a while is fetched when it can again", async () => {
  const discord = scriptedDiscord(["10"]);
  const bot = begin(discord);
  await bot.caughtUp();
  discord.post(inPlace(1, "10"));
  await discord.heard();
  // Hidden: nothing is heard of it.
  bot.hearing.of(GUILD).lost("10");
  discord.load([inPlace(2, "10")]);
  discord.post(inPlace(3, "10"));
  await discord.heard();
  bot.resync.look(GUILD, "10");
  expect(bot.resync.gaps(GUILD)).toEqual({ isKnown: true, channels: 1 });
  await bot.caughtUp();
  await bot.stop();
  expect(await archived()).toEqual(discord.contents());
});

test("what was there before the bot first listened waits for a backfill", async () => {
  const discord = scriptedDiscord(["10"]);
  discord.mood.tellsLast = true;
  discord.load([inPlace(1, "10"), inPlace(2, "10")]);
  await live(discord, () => discord.post(inPlace(3, "10")));
  discord.post(inPlace(4, "10"));
  await live(discord);
  expect((await archived()).map(([id]) => id)).toEqual([3, 4].map(testId));
});

test("thousands of threads in which nothing was written cost no request of their own", async () => {
  const discord = scriptedDiscord(["10"]);
  discord.mood.tellsLast = true;
  const old = Array.from({ length: 3_000 }, (_, n) => thread(n));
  for (const each of old) discord.make(each);
  discord.load(old.map((each, n) => inPlace(n, each.id)));
  discord.load([inPlace(100_000, "10")]);
  await live(discord);
  discord.post(inPlace(100_001, testId(7)));
  const asked = discord.requests.length;
  await live(discord);
  expect((await archived()).map(([id]) => id)).toEqual([testId(100_001)]);
  expect(discord.requests.length - asked).toBeLessThanOrEqual(4);
});

test("what an earlier version collected is fetched again from there on, and what it lost comes with it", async () => {
  const discord = scriptedDiscord(["10", "11"]);
  discord.mood.tellsLast = true;
  discord.load([1, 2, 3, 5].map((n) => inPlace(n, "10")));
  discord.make(thread(4));
  discord.load([inPlace(6, testId(4))]);
  // It had collected up to 2, heard 3 and 5, and never fetched what was written in the thread.
  await archive.save(
    GUILD,
    [1, 2, 3, 5].map((n) => inPlace(n, "10")),
    { pending: false },
  );
  await archive.saveCursor(GUILD, "10", { oldestId: testId(1), newestId: testId(2), complete: true });
  await live(discord);
  expect(await archived()).toEqual(discord.contents());
});

test("what an earlier version only heard is fetched again from its first message on", async () => {
  const discord = scriptedDiscord(["10"]);
  discord.load([0, 1, 2, 3].map((n) => inPlace(n, "10")));
  await archive.saveChannels(GUILD, [channel("10")]);
  await archive.save(
    GUILD,
    [1, 3].map((n) => inPlace(n, "10")),
    { pending: false },
  );
  await live(discord);
  expect((await archived()).map(([id]) => id)).toEqual([1, 2, 3].map(testId));
});

/** An archive that takes so many writes; then the process is as dead as after `kill -9`: nothing it does comes to an end. */
function mortal(on: Archive, writes: number): Archive & { readonly isDead: () => boolean } {
  let left = writes;
  const forever = new Promise<never>(() => {});
  const dying =
    <Arguments extends unknown[], Result>(write: (...given: Arguments) => Promise<Result>) =>
    (...given: Arguments): Promise<Result> => {
      if (left <= 0) return forever;
      left -= 1;
      return write(...given);
    };
  return {
    ...on,
    save: dying(on.save),
    remove: dying(on.remove),
    markPending: dying(on.markPending),
    saveChannels: dying(on.saveChannels),
    saveCompleteTo: dying(on.saveCompleteTo),
    saveListenedSince: dying(on.saveListenedSince),
    saveRecheckCursor: dying(on.saveRecheckCursor),
    isDead: () => left <= 0,
  };
}

type Step =
  | { readonly do: "post"; readonly place: number; readonly times: number }
  | { readonly do: "make" | "stop" | "breathe" }
  | { readonly do: "kill"; readonly after: number };

test("wherever it is stopped or killed, nothing that was written since it first listened is missing in the end", async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("post" as const),
        place: fc.nat(50),
        times: fc.constantFrom(1, 1, 2, 130),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("make" as const, "breathe" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("stop" as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("kill" as const), after: fc.nat(12) }) },
  );
  let kills = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 8, maxLength: 40 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }),
      async (steps, delays) => {
        const fresh = await openTestArchive();
        const discord = scriptedDiscord(["10", "11"], delays);
        discord.mood.tellsLast = true;
        const places = ["10", "11"];
        let n = 0;
        let bot: ReturnType<typeof begin> | undefined;
        try {
          const first = begin(discord, fresh.archive);
          await first.caughtUp();
          await first.stop();
          for (const each of steps) {
            if (each.do === "post") {
              for (let at = 0; at < each.times; at += 1) {
                n += 1;
                discord.post(inPlace(n, places[each.place % places.length] ?? "10"));
              }
            } else if (each.do === "make") {
              n += 1;
              discord.make(thread(n));
              places.push(testId(n));
            } else if (each.do === "breathe") {
              if (bot === undefined) bot = begin(discord, fresh.archive);
              await new Promise((resolve) => setImmediate(resolve));
            } else if (each.do === "stop") {
              await bot?.stop();
              bot = undefined;
            } else {
              await bot?.stop();
              bot = undefined;
              const life = mortal(fresh.archive, "after" in each ? each.after : 0);
              const doomed = begin(discord, life);
              n += 1;
              discord.post(inPlace(n, places[n % places.length] ?? "10"));
              await until(() => life.isDead() || doomed.resync.gaps(GUILD).isKnown, "it dies, or is done");
              kills += 1;
              doomed.end();
              discord.deaf();
            }
          }
          await bot?.stop();
          const last = begin(discord, fresh.archive);
          await last.caughtUp();
          await last.stop();
          const { records } = await fresh.archive.page(GUILD, "message", EVERYTHING, 100_000);
          expect(records.map(({ record }) => record.id).reverse()).toEqual(discord.contents().map(([id]) => id));
          expect(await fresh.archive.listenedSince(GUILD)).not.toBe(FIRST_SNOWFLAKE);
        } finally {
          await fresh.close();
        }
      },
    ),
    { numRuns: 40 },
  );
  expect(kills).toBeGreaterThan(40);
}, 120_000);
