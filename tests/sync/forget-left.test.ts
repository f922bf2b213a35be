// Which guilds are forgotten when the bot is back: those it was in and of which Discord says that it has left them, and no others.

import { afterEach, beforeEach, expect, test } from "vitest";
import { TransientError } from "../../src/errors.ts";
import { forgetLeft, rememberBot } from "../../src/sync/forget-left.ts";
import { openTestArchive, type TestArchive, testMessage } from "../support/archive.ts";
import { createSkippableClock } from "../support/engine.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let opened: TestArchive;
beforeEach(async () => {
  opened = await openTestArchive();
  for (const guildId of ["1", "2", "3"]) {
    await opened.archive.save(guildId, [testMessage(1)], { pending: false });
    await rememberBot(opened.archive, [guildId], "7");
  }
});
afterEach(() => opened.close());

async function forgotten(given: {
  botId?: string;
  keepLeftDays?: number;
  now?: () => number;
  hasLeft: (guildId: string) => Promise<boolean>;
}) {
  const { archive } = opened;
  const clock = createSkippableClock();
  const entered: string[] = [];
  const hurry = setInterval(() => clock.skip(10_000), 1);
  await forgetLeft(
    {
      archive,
      botId: "7",
      keepLeftDays: 0,
      now: () => 0,
      isOutOfSight: (guildId) => guildId !== "1",
      enter: async (guildId) => void entered.push(guildId),
      leave: async (guildId) => void (await archive.finishRemoval(guildId, { by: "guild" })),
      clock,
      logger: quiet,
      ...given,
    },
    new AbortController().signal,
  );
  clearInterval(hurry);
  return { entered, left: await archive.guilds() };
}

test("only those that Discord says it has left, not one that is only out of service", async () => {
  const asked: string[] = [];
  const hasLeft = async (guildId: string) => {
    asked.push(guildId);
    return guildId === "2";
  };
  expect(await forgotten({ hasLeft })).toEqual({ entered: ["2"], left: ["1", "3"] });
  // Those that are joined are not asked about.
  expect(asked).toEqual(["2", "3"]);
});

test("while Discord gives no answer, none; then those it names", async () => {
  let tries = 0;
  const hasLeft = async () => {
    tries += 1;
    if (tries < 4) throw new TransientError("no answer");
    return true;
  };
  expect(await forgotten({ hasLeft })).toEqual({ entered: ["2", "3"], left: ["1"] });
  expect(tries).toBe(5);
});

test("none where that is not set, but for what was begun before", async () => {
  await opened.archive.beginRemoval("3", { by: "guild" });
  expect(await forgotten({ keepLeftDays: Number.POSITIVE_INFINITY, hasLeft: async () => true })).toEqual({
    entered: ["3"],
    left: ["1", "2"],
  });
});

test("none that another bot stored in the same folder, or an import", async () => {
  await opened.archive.save("4", [testMessage(1)], { pending: false });
  await rememberBot(opened.archive, ["3"], "8");
  const hasLeft = async () => true;
  expect(await forgotten({ botId: "9", hasLeft })).toEqual({ entered: [], left: ["1", "2", "3", "4"] });
  expect(await forgotten({ hasLeft })).toEqual({ entered: ["2"], left: ["1", "3", "4"] });
});

test("what else is stored of a guild's settings stays when the bot is remembered", async () => {
  await opened.archive.saveSettings("1", { adminChannelId: "77" });
  await rememberBot(opened.archive, ["1"], "8");
  expect(await opened.archive.settings("1")).toEqual({ adminChannelId: "77", botId: "8" });
});

const DAY_MS = 86_400_000;

test("some days after it was left, told in the log a week before; not when the bot is back by then", async () => {
  const { archive } = opened;
  const hasLeft = async () => true;
  const after = async (days: number) => (await forgotten({ keepLeftDays: 30, now: () => days * DAY_MS, hasLeft })).left;
  expect(await after(100)).toEqual(["1", "2", "3"]);
  expect((await archive.settings("2")).left).toEqual({ since: 100 * DAY_MS });
  expect(await after(122)).toEqual(["1", "2", "3"]);
  expect((await archive.settings("2")).left?.toldAt).toBeUndefined();
  expect(await after(124)).toEqual(["1", "2", "3"]);
  expect((await archive.settings("2")).left?.toldAt).toBe(124 * DAY_MS);
  await rememberBot(archive, ["3"], "7");
  expect(await archive.settings("3")).toEqual({ botId: "7" });
  // A week lies between, whatever the calendar says.
  expect(await after(130.5)).toEqual(["1", "2", "3"]);
  expect(await after(131)).toEqual(["1", "3"]);
});
