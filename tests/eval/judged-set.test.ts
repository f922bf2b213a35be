import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readJudgedSet } from "../../bench/eval/judged-set.ts";
import { snowflakeTime } from "../../src/snowflake.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "judged-set-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(set: unknown, name = "retrieval.tiny.json") {
  const file = join(folder, name);
  const json = typeof set === "string" ? set : JSON.stringify(set);
  await writeFile(file, name.endsWith(".gz") ? gzipSync(json) : json);
  return readJudgedSet(file);
}

const chat = {
  meta: { name: "Tiny" },
  corpus: [
    { id: "a", text: "Is the kettle on?", channel: "kitchen", author: "Ada", timestamp: "2024-05-01T10:00:00Z" },
    { id: "b", text: "Yes.", channel: "kitchen", author: "Bo", timestamp: "2024-05-01T10:00:00Z", replyTo: "a" },
    { id: "c", text: "Found a screw", channel: "workshop", author: "Ada" },
  ],
  queries: [
    { id: "1", text: "kettle", relevant: ["a", "b"], channel: "kitchen" },
    { id: "2", text: "screw", relevant: ["c"] },
    { id: "3", text: "nothing", relevant: ["gone"] },
  ],
};

describe("a judged set", () => {
  test.each(["retrieval.tiny.json", "retrieval.tiny.json.gz"])("is read from %s", async (name) => {
    const set = await read(chat, name);
    expect(set).toMatchObject({ name: "tiny", title: "Tiny", unanswerable: 1 });
    expect(set.records.map(({ content }) => content)).toEqual(chat.corpus.map(({ text }) => text));
    expect(set.queries.map(({ text }) => text)).toEqual(["kettle", "screw"]);
  });

  test("becomes messages in order of time, with their authors, channels and replies", async () => {
    const { records, channels } = await read(chat);
    const [a, b, c] = records;
    expect(snowflakeTime(a?.id ?? "")).toBe(Date.parse("2024-05-01T10:00:00Z"));
    expect(BigInt(b?.id ?? 0)).toBeGreaterThan(BigInt(a?.id ?? 0));
    expect(b).toMatchObject({ authorName: "Bo", replyToId: a?.id, channelId: a?.channelId });
    expect(c?.channelId).not.toBe(a?.channelId);
    expect(c?.authorId).toBe(a?.authorId);
    expect(channels.map(({ name }) => name)).toEqual(["kitchen", "workshop"]);
  });

  test("searches a query's own channel, or everything where it names none", async () => {
    const { queries, records } = await read(chat);
    expect(queries[0]?.accessChannelIds).toEqual([records[0]?.accessChannelId]);
    expect(new Set(queries[1]?.accessChannelIds)).toEqual(new Set(records.map((record) => record.accessChannelId)));
    expect(queries[0]?.relevant).toEqual(new Set([records[0]?.id, records[1]?.id]));
  });

  test("without channels is a forum of posts, each with its title", async () => {
    const corpus = [
      { id: "a", title: "On kettles", text: "They boil." },
      { id: "b", text: "No title." },
    ];
    const { records, channels } = await read({ corpus, queries: [{ text: "kettle", relevant: ["a"] }] });
    expect(new Set(records.map(({ channelId }) => channelId)).size).toBe(2);
    expect(new Set(records.map(({ accessChannelId }) => accessChannelId)).size).toBe(1);
    expect(channels.map(({ name, type }) => [name, type])).toEqual([
      ["unnamed", "forum"],
      ["On kettles", "public-thread"],
      ["", "public-thread"],
    ]);
  });

  test("without channels, but with times or threads, is a chat in which messages have neighbours", async () => {
    const corpus = [
      { id: 1, text: "Is the kettle on?", timestamp: "2024-05-01T10:00:00" },
      { id: 2, text: "Yes.", timestamp: "2024-05-01T10:00:20", replyTo: 1, author: null },
      { id: 3, text: "No.", thread: "aside" },
      { id: 4, text: "Perhaps.", thread: "aside" },
    ];
    const { records, queries } = await read({ corpus, queries: [{ text: "kettle", relevant: [1] }] });
    const places = records.map(({ channelId }) => channelId);
    expect(places).toEqual([places[0], places[0], places[2], places[2]]);
    expect(places[2]).not.toBe(places[0]);
    expect(records[1]?.replyToId).toBe(records[0]?.id);
    expect(snowflakeTime(records[0]?.id ?? "")).toBe(Date.parse("2024-05-01T10:00:00Z"));
    expect(queries[0]?.relevant).toEqual(new Set([records[0]?.id]));
  });

  test.each([
    ["that is not JSON", "{", "cannot be read"],
    ["without queries", { corpus: chat.corpus, queries: [] }, "queries"],
    ["with a message without text", { ...chat, corpus: [{ id: "a" }] }, "corpus.0.text"],
    [
      "with a time that is none",
      { ...chat, corpus: [{ id: "a", text: "b", timestamp: "noon" }] },
      "corpus.0.timestamp",
    ],
    [
      "with an id of another kind",
      { ...chat, corpus: [{ id: {}, text: "b" }] },
      "corpus.0.id: a text or a whole number",
    ],
    [
      "with a question in a channel that is not there",
      { ...chat, queries: [{ text: "kettle", relevant: ["a"], channel: "attic" }] },
      "asks “kettle” in the channel attic",
    ],
    ["with the same id twice", { ...chat, corpus: [chat.corpus[0], chat.corpus[0]] }, "two messages with the id a"],
  ])("%s is refused with the reason", async (_what, set, reason) => {
    await expect(read(set)).rejects.toThrow(reason);
  });
});
