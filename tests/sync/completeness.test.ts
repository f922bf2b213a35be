// Up to where a channel is complete: what is said to be there is not fetched again, so it must never be said too soon.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Archive } from "../../src/ports/archive.ts";
import type { HistoryChannel } from "../../src/ports/discord.ts";
import { FIRST_SNOWFLAKE } from "../../src/snowflake.ts";
import { beginListening, oldestKept, readCompleteness } from "../../src/sync/completeness.ts";
import { openTestArchive, type TestArchive, testId, testMessage } from "../support/archive.ts";

const GUILD = testId(0);
let opened: TestArchive;
let archive: Archive;
beforeEach(async () => {
  opened = await openTestArchive();
  archive = opened.archive;
});
afterEach(() => opened.close());

const justBefore = (id: string) => String(BigInt(id) - 1n);
const channel = (id: string, lastMessageId?: string | null): HistoryChannel => ({
  id,
  name: id,
  type: "text",
  accessChannelId: id,
  ...(lastMessageId !== undefined && { lastMessageId }),
});
const completeTo = async (channelId: string) => (await readCompleteness(archive, GUILD))(channelId);
const since = () => archive.listenedSince(GUILD);

describe("a channel is complete", () => {
  test("up to where that is stored; else up to where listening began, or to its own beginning if that is later", async () => {
    const [older, younger] = [testId(1), testId(20)];
    await archive.saveListenedSince(GUILD, testId(10));
    expect(await completeTo(older)).toBe(testId(10));
    expect(await completeTo(younger)).toBe(justBefore(younger));
    // Also where that is before: something is known to be missing.
    await archive.saveCompleteTo(GUILD, younger, testId(15));
    await archive.saveCompleteTo(GUILD, older, testId(5));
    expect([await completeTo(older), await completeTo(younger)]).toEqual([testId(5), testId(15)]);
  });

  test("in all that is too old to be kept", async () => {
    await archive.saveListenedSince(GUILD, testId(10));
    await archive.saveCompleteTo(GUILD, testId(1), testId(50));
    expect(await oldestKept(archive, GUILD)).toBe(FIRST_SNOWFLAKE);
    await archive.exclude(GUILD, { by: "bots" });
    await archive.exclude(GUILD, { by: "age", beforeId: testId(40) });
    expect(await oldestKept(archive, GUILD)).toBe(testId(40));
    expect(await completeTo(testId(1))).toBe(testId(50));
    expect(await completeTo(testId(2))).toBe(justBefore(testId(40)));
  });
});

describe("listening begins", () => {
  test("with the newest id that there is on Discord, a channel's own where nothing was written in it", async () => {
    await beginListening(archive, GUILD, [channel(testId(1), testId(30)), channel(testId(31), null)], undefined);
    expect(await since()).toBe(testId(31));
  });

  test("before what has been heard since, though it was listed", async () => {
    await beginListening(archive, GUILD, [channel(testId(1), testId(30))], testId(28));
    expect(await since()).toBe(justBefore(testId(28)));
  });

  test("no later than with what is there, though what is heard is newer", async () => {
    await beginListening(archive, GUILD, [channel(testId(1), testId(30))], testId(40));
    expect(await since()).toBe(testId(30));
  });

  test("with the guild where it has no channel", async () => {
    await beginListening(archive, GUILD, [], undefined);
    expect(await since()).toBe(GUILD);
  });

  test("once: a later look does not move it", async () => {
    await archive.saveListenedSince(GUILD, testId(3));
    await beginListening(archive, GUILD, [channel(testId(1), testId(30))], undefined);
    expect(await since()).toBe(testId(3));
  });
});

describe("an earlier version, which stored no such thing,", () => {
  const cursor = (newestId: string, complete: boolean) => ({ newestId, oldestId: testId(0), complete });

  test("had all of a channel whose history was collected, as far as that is archived", async () => {
    await archive.save(GUILD, [testMessage(5), testMessage(8), testMessage(12)], { pending: false });
    // The bound came from a clock that was ahead, or before the last message.
    await archive.saveCursor(GUILD, "100", cursor(testId(9), true));
    await archive.saveCursor(GUILD, "101", cursor(testId(20), true));
    await archive.saveCursor(GUILD, "102", cursor(testId(7), false));
    await beginListening(archive, GUILD, [channel("100", testId(30))], undefined);
    expect(await since()).toBe(testId(7));
    expect(Object.fromEntries(await archive.completeTo(GUILD))).toEqual({ "100": testId(8), "101": FIRST_SNOWFLAKE });
  });

  test("had everything since the first message that it kept, of whichever channel", async () => {
    await archive.saveChannels(GUILD, [channel("100"), channel("101"), channel("102")]);
    await archive.save(GUILD, [testMessage(9), testMessage(6, { channelId: "101" }), testMessage(7)], {
      pending: false,
    });
    await beginListening(archive, GUILD, [channel("100", testId(30))], undefined);
    expect(await since()).toBe(justBefore(testId(6)));
  });

  test("is not made of what was only imported: an import says up to where it reaches", async () => {
    await archive.saveChannels(GUILD, [channel("100")]);
    await archive.save(GUILD, [testMessage(9)], { pending: false });
    await archive.saveCompleteTo(GUILD, "100", testId(9));
    await beginListening(archive, GUILD, [channel("100", testId(30))], undefined);
    expect(await since()).toBe(testId(30));
    expect(await completeTo("100")).toBe(testId(9));
  });
});
