// What an author wrote, or a channel held, is removed from the archive and from everything made of it: step by step, whatever else is
// going on, and to its end, also when the process ends in between.

import { afterEach, beforeEach, expect, test } from "vitest";
import { namedVersions } from "../../../src/adapters/lancedb/named-versions.ts";
import type { Exclusion } from "../../../src/ports/archive.ts";
import { channel, EVERYTHING, GUILD, hoursAgo, message, openSetup, type Setup, until } from "../../support/engine.ts";

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup();
});
afterEach(() => setup.close());

const MALLORY = { by: "author", id: "66" } as const;

/** More of Mallory's than a step of fifty: what is cut off after one has left some. */
const SOME = 240;

/** Every third message is Mallory's, and has a word of its own. */
function talk(count: number) {
  return Array.from({ length: count }, (_, n) =>
    n % 3 === 1
      ? message(hoursAgo(0, n * 1000), `my secret${n} is safe`, { authorId: "66", authorName: "Mallory" })
      : message(hoursAgo(0, n * 1000), `sentence ${n}`),
  );
}

async function hearAll(records: ReturnType<typeof talk>): Promise<void> {
  await setup.archive.saveChannels(GUILD, [channel("10")]);
  await setup.archive.save(GUILD, records, { pending: true });
  setup.live.kick(GUILD);
  await setup.live.idle();
}

async function exclude(scope: Exclusion): Promise<void> {
  await setup.archive.exclude(GUILD, scope);
  setup.live.kick(GUILD);
}

/** Words in what is archived, and in the rows of all generations. */
async function wordsLeft(pattern: RegExp): Promise<number> {
  const page = await setup.archive.page(GUILD, "message", EVERYTHING, 10_000);
  const { index, searched } = await setup.indexes.open(GUILD);
  const texts = page.records.map(({ record }) => record.content);
  for (const each of [index, ...searched.map((one) => one.index)]) {
    const rows = await each.rows((await each.keys("message", EVERYTHING, 10_000)).map(({ id }) => id));
    texts.push(...rows.flatMap(({ text, searchText }) => [text, searchText]));
  }
  return texts.filter((text) => pattern.test(text)).length;
}

test("an author's messages go, and so do their words in the rows of others, which keep their vectors", async () => {
  await hearAll(talk(SOME));
  const before = await setup.rows();
  expect(await wordsLeft(/secret/)).toBeGreaterThan(SOME);
  const requests = setup.server?.requests.length;
  await exclude(MALLORY);
  await setup.live.idle();
  expect(await wordsLeft(/secret/)).toBe(0);
  expect(await setup.archive.unfinishedRemovals(GUILD)).toEqual([]);
  expect(await setup.live.pending(GUILD)).toBe(0);
  const after = await setup.rows();
  expect(after.size).toBe((SOME / 3) * 2);
  const vectorIn = (rows: Map<string, object>, key: string) => (rows.get(key) as { vector: string }).vector;
  for (const key of after.keys()) expect(vectorIn(after, key)).toBe(vectorIn(before, key));
  expect(setup.server?.requests.length).toBe(requests);
});

test("a removal needs no embedder, and nobody waits for it", async () => {
  await hearAll(talk(SOME));
  setup.server?.misbehave("hang");
  await exclude(MALLORY);
  await setup.archive.save(GUILD, [message(hoursAgo(-1), "heard meanwhile")], { pending: true });
  setup.live.kick(GUILD);
  await until(async () => (await setup.archive.unfinishedRemovals(GUILD)).length === 0, "it is done");
  expect(await wordsLeft(/secret/)).toBe(0);
  expect(await setup.live.pending(GUILD)).toBe(1);
});

test("a removal goes on with the next process, and does not begin anew", async () => {
  const { folder, server } = setup;
  await hearAll(talk(SOME));
  await setup.archive.exclude(GUILD, MALLORY);
  for await (const step of setup.archive.removeInSteps(GUILD, MALLORY, 50)) {
    // As far as a process came that was killed after the records' commit.
    expect(step.ids.length).toBe(50);
    break;
  }
  await setup.stop();
  setup = await openSetup({ folder, ...(server && { server }) });
  await until(async () => (await setup.archive.unfinishedRemovals(GUILD)).length === 0, "it is done");
  await setup.live.idle();
  expect(await wordsLeft(/secret/)).toBe(0);
  expect((await setup.rows()).size).toBe((SOME / 3) * 2);
  await setup.stop();
  await server?.close();
});

test("rows of others that were being rewritten when the process was killed are made anew, and live indexing does no step's work", async () => {
  const { folder, server } = setup;
  await hearAll(talk(SOME));
  const before = await setup.rows();
  await setup.archive.exclude(GUILD, MALLORY);
  const { index } = await setup.indexes.open(GUILD);
  for await (const step of setup.archive.removeInSteps(GUILD, MALLORY, 50)) {
    const { dependents } = await index.affected(step.ids);
    expect(dependents.length).toBeGreaterThan(0);
    await step.rewriting(dependents);
    // Half of them are between their removal and their return.
    await index.removeIds(dependents.filter((_, n) => n % 2 === 0));
    expect(await setup.live.pending(GUILD)).toBe(0);
    break;
  }
  await setup.stop();
  setup = await openSetup({ folder, ...(server && { server }) });
  await until(async () => (await setup.archive.unfinishedRemovals(GUILD)).length === 0, "it is done");
  setup.live.kick(GUILD);
  await setup.live.idle();
  expect(await wordsLeft(/secret/)).toBe(0);
  expect(await setup.live.pending(GUILD)).toBe(0);
  const kept = [...before.keys()].filter((key) => (before.get(key) as { authorId: string }).authorId !== "66");
  expect([...(await setup.rows()).keys()]).toEqual(kept);
  await setup.stop();
  await server?.close();
});

test("what a process left of a step loses its words while the embedder is down", async () => {
  const { folder, server } = setup;
  await hearAll(talk(SOME));
  await setup.archive.exclude(GUILD, MALLORY);
  const { index } = await setup.indexes.open(GUILD);
  for await (const step of setup.archive.removeInSteps(GUILD, MALLORY, 50)) {
    await step.rewriting((await index.affected(step.ids)).dependents);
    break;
  }
  await setup.stop();
  server?.misbehave("hang");
  setup = await openSetup({ folder, ...(server && { server }), requestTimeoutMs: 60_000 });
  await until(async () => (await setup.archive.unfinishedRemovals(GUILD)).length === 0, "it is done");
  expect(await wordsLeft(/secret/)).toBe(0);
  await setup.stop();
  await server?.close();
});

test("a run beside it ends with what may be stored, and nothing else", async () => {
  await setup.archive.saveChannels(GUILD, [channel("10")]);
  await setup.archive.save(GUILD, talk(SOME), { pending: false });
  await setup.start();
  await exclude(MALLORY);
  const run = await setup.settled();
  await setup.live.idle();
  expect(run.status).toBe("succeeded");
  expect(await wordsLeft(/secret/)).toBe(0);
  expect((await setup.rows()).size).toBe((SOME / 3) * 2);
});

test("named versions are given up at once when an author's words go", async () => {
  await hearAll(talk(30));
  const { index } = await setup.indexes.open(GUILD);
  await index.tag("before-something");
  const names = async () => (await namedVersions(`${setup.folder}/index`, GUILD)).map(({ name }) => name);
  expect(await names()).toEqual(["before-something"]);
  await exclude(MALLORY);
  await setup.live.idle();
  expect(await names()).toEqual([]);
});

test("retired generations are given up at once when an author's words go", async () => {
  const { folder, server } = setup;
  await setup.archive.saveChannels(GUILD, [channel("10")]);
  await setup.archive.save(GUILD, talk(30), { pending: false });
  await setup.start();
  await setup.settled();
  await setup.stop();
  const recipe = { ...(await import("../../../src/indexing/text/prepare.ts")).textRecipe, replies: false };
  setup = await openSetup({ folder, ...(server && { server }), textRecipe: recipe });
  await setup.start();
  await setup.settled();
  const statuses = async () => (await setup.indexes.generations(GUILD)).list.map(({ status }) => status);
  expect(await statuses()).toEqual(["current", "retired"]);
  await exclude(MALLORY);
  await setup.live.idle();
  expect(await statuses()).toEqual(["current"]);
  expect(await wordsLeft(/secret/)).toBe(0);
  await setup.stop();
  await server?.close();
});

test("what is too old, and what bots wrote, goes likewise, and a channel with its threads", async () => {
  await hearAll([
    message(hoursAgo(9), "ancient history"),
    message(hoursAgo(8), "after the ancients"),
    message(hoursAgo(7), "robot speaking", { bot: true }),
    message(hoursAgo(6), "after the robot"),
    message(hoursAgo(5), "elsewhere", { channelId: "11" }),
    message(hoursAgo(4), "in a thread", { channelId: "12", accessChannelId: "11" }),
  ]);
  await setup.archive.saveChannels(GUILD, [channel("12", { parentId: "11", type: "public-thread" })]);
  await exclude({ by: "age", beforeId: hoursAgo(8) });
  await exclude({ by: "bots" });
  await exclude({ by: "channel", id: "11" });
  await setup.live.idle();
  expect(await wordsLeft(/ancient history|robot speaking|elsewhere|in a thread/)).toBe(0);
  expect([...(await setup.rows()).values()].map((row) => (row as { text: string }).text).sort()).toEqual([
    "after the ancients",
    "after the robot",
  ]);
});
