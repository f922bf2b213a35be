// What every archive must do about what admins decide: categories that are left out, what is fetched again, and the record of it.
// Part of contracts/archive.ts.

import { describe, expect, test } from "vitest";
import type { Archive, ChannelInfo, Exclusion } from "../../src/ports/archive.ts";
import type { Deed } from "../../src/ports/deeds.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { testId, testMessage } from "../support/archive.ts";

const GUILD = "1343693475581890600";
const CATEGORY = { by: "channel", id: "9" } as const;
const text = (id: string, categoryId?: string): ChannelInfo => ({
  id,
  name: `room ${id}`,
  type: "text",
  ...(categoryId !== undefined && { categoryId }),
  accessChannelId: id,
});
const thread = (id: string, parentId: string): ChannelInfo => ({
  id,
  name: `words of ${id}`,
  type: "private-thread",
  parentId,
  accessChannelId: id,
});

export function archiveRulesContract(opened: () => Archive): void {
  const ids = async () =>
    (await opened().page(GUILD, "message", { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE }, 1_000)).records.map(
      ({ record }) => record.id,
    );
  const save = (n: number, channelId: string) =>
    opened().save(GUILD, [testMessage(n, { channelId, accessChannelId: channelId })], { pending: false });
  const removing = async () =>
    (await opened().unfinishedRemovals(GUILD)).map((scope) => ("id" in scope ? scope.id : scope.by)).sort();
  const removeAll = async () => {
    for (const scope of await opened().unfinishedRemovals(GUILD)) await opened().finishRemoval(GUILD, scope);
  };
  const refetched = async () => (await opened().refetches(GUILD)).map(({ scope }) => scope);

  describe("a category that is left out", () => {
    test("takes its channels and their threads with it, and keeps out those yet to come", async () => {
      const archive = opened();
      await archive.saveChannels(GUILD, [text("10", "9"), text("11", "9"), thread("12", "10"), text("20", "8")]);
      for (const [n, channelId] of ["10", "12", "20"].entries()) await save(n, channelId);
      await archive.exclude(GUILD, CATEGORY);
      expect(await removing()).toEqual(["10", "11", "12", "9"]);
      await removeAll();
      expect(await ids()).toEqual([testId(2)]);
      const [later, inIt] = [text("13", "9"), thread("14", "13")];
      await archive.saveChannels(GUILD, [later, inIt]);
      for (const [n, channelId] of ["10", "12", "13", "14"].entries()) await save(10 + n, channelId);
      expect(await ids()).toEqual([testId(2)]);
      expect([...(await archive.channelsLeftOut(GUILD, [later, inIt, text("20", "8"), text("30")]))]).toEqual([
        "13",
        "14",
      ]);
      // Nor are the words in their names kept.
      const names = (await archive.channels(GUILD)).map(({ name }) => name);
      expect(names.filter((name) => /room 1|words/.test(name))).toEqual([]);
      expect(await archive.include(GUILD, CATEGORY, Date.now())).toBe(true);
      await save(20, "14");
      expect(await ids()).toEqual([testId(20), testId(2)]);
    });

    test("takes what is moved into it, and gives up what is moved out of it", async () => {
      const archive = opened();
      await archive.saveChannels(GUILD, [text("10", "8"), thread("12", "10"), text("11", "9")]);
      for (const [n, channelId] of ["10", "12"].entries()) await save(n, channelId);
      await archive.exclude(GUILD, CATEGORY);
      await removeAll();
      await archive.saveChannels(GUILD, [text("10", "9")]);
      expect(await removing()).toEqual(["10", "12"]);
      await save(5, "12");
      await removeAll();
      expect(await ids()).toEqual([]);
      await archive.saveChannels(GUILD, [text("11")]);
      await save(6, "11");
      expect(await ids()).toEqual([testId(6)]);
      expect(await refetched()).toEqual([{ by: "channel", id: "11" }]);
      expect(await archive.channel(GUILD, "11")).toEqual(text("11"));
    });

    test("is kept to by whoever saves at that moment", async () => {
      const archive = opened();
      await archive.saveChannels(GUILD, [text("10", "8")]);
      await archive.exclude(GUILD, CATEGORY);
      const numbers = Array.from({ length: 40 }, (_, n) => n);
      await Promise.all([
        ...numbers.map((n) => save(n, "10")),
        archive.saveChannels(GUILD, [text("10", "9")]),
        ...numbers.map((n) => save(100 + n, "10")),
      ]);
      await removeAll();
      expect(await ids()).toEqual([]);
    });
  });

  describe("what is stored again", () => {
    test("is remembered as to be fetched, but for an author's, until that is done or it is left out again", async () => {
      const archive = opened();
      const scopes: Exclusion[] = [{ by: "channel", id: "10" }, { by: "bots" }, { by: "age", beforeId: testId(5) }];
      for (const scope of [...scopes, { by: "author", id: "200" } as const]) {
        await archive.exclude(GUILD, scope);
        await archive.include(GUILD, scope, Date.now());
      }
      const byKind = (found: readonly Exclusion[]) => found.map(({ by }) => by).sort();
      expect(byKind(await refetched())).toEqual(["age", "bots", "channel"]);
      const reached = { channelId: "10", beforeId: testId(3) };
      await archive.saveRefetch(GUILD, { scope: { by: "bots" }, reached });
      expect((await archive.refetches(GUILD)).find(({ scope }) => scope.by === "bots")?.reached).toEqual(reached);
      await archive.finishRefetch(GUILD, { by: "age", beforeId: testId(5) });
      await archive.exclude(GUILD, { by: "channel", id: "10" });
      await archive.saveRefetch(GUILD, { scope: { by: "channel", id: "10" }, reached });
      expect(byKind(await refetched())).toEqual(["bots"]);
    });

    test("of older messages, when they are kept for longer; not when the bound only moves on", async () => {
      const archive = opened();
      await archive.exclude(GUILD, { by: "age", beforeId: testId(50), days: 30 });
      await archive.exclude(GUILD, { by: "age", beforeId: testId(60), days: 30 });
      expect(await refetched()).toEqual([]);
      await archive.exclude(GUILD, { by: "age", beforeId: testId(20), days: 60 });
      expect(await refetched()).toEqual([{ by: "age", beforeId: testId(20), days: 60 }]);
      expect(await archive.exclusions(GUILD)).toEqual([{ by: "age", beforeId: testId(20), days: 60 }]);
    });
  });

  test("the record of deeds is newest first, also those written with an exclusion, and goes with the guild", async () => {
    const archive = opened();
    const deed = (at: number, what: Deed["what"], more: Partial<Deed> = {}): Deed => ({ at, by: "7", what, ...more });
    const now = Date.UTC(2025, 5, 1);
    const deeds = [
      deed(now, "run-started", { detail: "run-1" }),
      deed(now + 1, "channel-excluded", { targetId: "10" }),
      deed(now + 2, "channel-included", { targetId: "10" }),
      { at: now + 3, what: "channel-expired", targetId: "11" } as const,
    ];
    const [first, second, third, last] = deeds;
    if (!first || !second || !third || !last) throw new Error("four deeds");
    await archive.addDeed(GUILD, first);
    await archive.exclude(GUILD, { by: "channel", id: "10" }, second);
    await archive.include(GUILD, { by: "channel", id: "10" }, now, third);
    await archive.include(GUILD, { by: "channel", id: "10" }, now, third);
    await archive.addDeed(GUILD, last);
    expect(await archive.deeds(GUILD, 10)).toEqual([...deeds].reverse());
    expect(await archive.deeds(GUILD, 2)).toEqual([last, third]);
    await archive.forgetDeeds(GUILD, now + 2);
    expect(await archive.deeds(GUILD, 10)).toEqual([last, third]);
    await archive.beginRemoval(GUILD, { by: "guild" });
    await archive.finishRemoval(GUILD, { by: "guild" });
    expect(await archive.deeds(GUILD, 10)).toEqual([]);
  });

  test("what is out of reach is remembered with the moment it was noticed, until it is removed or seen again", async () => {
    const archive = opened();
    await archive.saveChannels(GUILD, [text("10"), text("11")]);
    await archive.saveOutOfReach(GUILD, "10", { since: 5 });
    await archive.saveOutOfReach(GUILD, "11", { since: 6, toldAt: 7 });
    expect(await archive.outOfReach(GUILD)).toEqual(
      new Map([
        ["10", { since: 5 }],
        ["11", { since: 6, toldAt: 7 }],
      ]),
    );
    await archive.saveOutOfReach(GUILD, "10", undefined);
    await archive.finishRemoval(GUILD, { by: "channel", id: "11" });
    expect(await archive.outOfReach(GUILD)).toEqual(new Map());
  });
}
