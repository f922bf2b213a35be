// Events that meet an archive out of reach: kept in order, tried again, and, where too many wait, asked for again afterwards.

import { expect, test } from "vitest";
import { createEventOrder } from "../../../src/adapters/discord/event-order.ts";
import { TransientError } from "../../../src/errors.ts";
import type { Logger } from "../../../src/ports/logger.ts";
import { createManualClock } from "../../support/engine.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const MOST_WAITING = 10_000;

function setUp() {
  const clock = createManualClock();
  const failed: unknown[] = [];
  const missed: string[] = [];
  const letGo: string[] = [];
  const order = createEventOrder({
    clock,
    logger: { ...silent, error: (_event, fields) => void failed.push(fields?.["error"]) },
    onLetGo: (guildId) => void letGo.push(guildId),
    onMissed: (guildId) => void missed.push(guildId),
  });
  const archive = { isAway: false };
  const handled: string[] = [];
  const event = (name: string) => async () => {
    if (archive.isAway) throw new TransientError("away");
    handled.push(name);
  };
  return { clock, order, archive, handled, failed, missed, letGo, event };
}

test("what meets an archive out of reach is tried again, in its order, and holds up no other guild for good", async () => {
  const { clock, order, archive, handled, failed, missed, event } = setUp();
  archive.isAway = true;
  for (const name of ["written", "edited", "deleted"]) order.add("1", {}, event(name));
  order.add("2", {}, async () => void handled.push("elsewhere"));
  await clock.advance(60_000);
  expect(handled).toEqual(["elsewhere"]);
  archive.isAway = false;
  await clock.advance(10_000);
  await order.settled("1");
  expect(handled).toEqual(["elsewhere", "written", "edited", "deleted"]);
  expect([failed, missed]).toEqual([[], []]);
});

test("any other failure is logged once and does not hold up the next", async () => {
  const { order, handled, failed, event } = setUp();
  order.add("1", {}, async () => Promise.reject(new Error("no such channel")));
  order.add("1", {}, event("next"));
  await order.settled("1");
  expect(failed).toEqual(["no such channel"]);
  expect(handled).toEqual(["next"]);
});

test("where too many wait the newest are let go, and told as missed, once, when those before them are done", async () => {
  const { clock, order, archive, handled, missed, letGo, event } = setUp();
  archive.isAway = true;
  for (let n = 0; n < MOST_WAITING; n += 1) order.add("1", {}, event("kept"));
  await clock.advance(100_000);
  for (const guildId of ["1", "1", "2"]) order.add(guildId, {}, event("let go"));
  // At once: what is heard from here on does not follow on from what came before.
  expect(letGo).toEqual(["1", "1", "2"]);
  await clock.advance(20_000);
  // The other guild has nothing before it: it is told at once that something is missing.
  expect(missed).toEqual(["2"]);
  archive.isAway = false;
  await clock.advance(10_000);
  await order.settled("1");
  expect(handled.length).toBe(MOST_WAITING);
  expect(missed).toEqual(["2", "1"]);
});

test("all is settled when what was heard of every guild is handled", async () => {
  const { order, handled, event } = setUp();
  for (const guildId of ["1", "2", "1"]) order.add(guildId, {}, event(guildId));
  await order.settled();
  expect(handled.sort()).toEqual(["1", "1", "2"]);
});

test("stopping gives up what cannot be handled now", async () => {
  const { clock, order, archive, failed, event } = setUp();
  archive.isAway = true;
  order.add("1", {}, event("one"));
  order.add("1", {}, event("two"));
  await clock.advance(1_000);
  await order.stop();
  expect(failed).toEqual(["away", "away"]);
});
