// Where a message that is heard may move on what is known to be complete: said too soon, what came before it is never fetched.

import { beforeEach, describe, expect, test } from "vitest";
import type { Stretch } from "../../src/ports/discord.ts";
import { createHearing, createStretch } from "../../src/sync/hearing.ts";

let stretch: Stretch;
beforeEach(() => {
  stretch = createStretch();
});

const CHANNEL = { id: "10" };
const THREAD = { id: "20", parentId: "10" };

describe("a channel is heard without a gap", () => {
  test("once all before has been fetched, and not before", () => {
    expect(stretch.isComplete(CHANNEL)).toBe(false);
    const mark = stretch.mark();
    stretch.completed("10", mark);
    expect([CHANNEL, THREAD, { id: "11" }].map(stretch.isComplete)).toEqual([true, false, false]);
  });

  test("not when something was lost there after the fetching began, though it ended later", () => {
    const mark = stretch.mark();
    stretch.lost("10");
    stretch.completed("10", mark);
    expect(stretch.isComplete(CHANNEL)).toBe(false);
    stretch.completed("10", stretch.mark());
    expect(stretch.isComplete(CHANNEL)).toBe(true);
    stretch.lost("10");
    expect(stretch.isComplete(CHANNEL)).toBe(false);
  });

  test("whatever was lost elsewhere; a thread also not when its channel was lost", () => {
    for (const id of ["10", "20"]) stretch.completed(id, stretch.mark());
    stretch.lost("11");
    expect([CHANNEL, THREAD].map(stretch.isComplete)).toEqual([true, true]);
    stretch.lost("10");
    expect([CHANNEL, THREAD].map(stretch.isComplete)).toEqual([false, false]);
    stretch.completed("20", stretch.mark());
    expect([CHANNEL, THREAD].map(stretch.isComplete)).toEqual([false, true]);
  });

  test("still when an earlier fetching ends after a later one", () => {
    const early = stretch.mark();
    stretch.lost("10");
    stretch.completed("10", stretch.mark());
    stretch.completed("10", early);
    expect(stretch.isComplete(CHANNEL)).toBe(true);
  });
});

test("the first message heard is the oldest, in whatever order they come", () => {
  expect(stretch.firstHeardId).toBeUndefined();
  for (const id of ["100", "99", "1000"]) stretch.heard(id);
  expect(stretch.firstHeardId).toBe("99");
});

test("a guild's listening is one stretch until it is interrupted, whatever becomes of the others'", () => {
  const hearing = createHearing();
  const before = hearing.of("1");
  before.completed("10", before.mark());
  const other = hearing.of("2");
  expect(hearing.of("1")).toBe(before);
  hearing.interrupted("1");
  expect(hearing.of("1").isComplete(CHANNEL)).toBe(false);
  expect(hearing.of("2")).toBe(other);
});
