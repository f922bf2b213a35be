// Reading exported histories: both formats, plain and packed, whole and broken.

import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import type { ExportEntry, ExportedMessage } from "../../src/importing/export-entry.ts";
import { exportedGuild, readExport } from "../../src/importing/exports.ts";
import { findExports } from "../../src/importing/find-exports.ts";
import { compareSnowflakes, isSnowflake, snowflakeAt, snowflakeTime } from "../../src/snowflake.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-export-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function written(content: string | Buffer, name = "export.json"): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

async function entriesOf(file: string): Promise<{ entries: ExportEntry[]; error: unknown }> {
  const entries: ExportEntry[] = [];
  try {
    for await (const entry of readExport(file)) entries.push(entry);
    return { entries, error: undefined };
  } catch (error) {
    return { entries, error };
  }
}

async function messagesOf(file: string): Promise<ExportedMessage[]> {
  const { entries, error } = await entriesOf(file);
  expect(error).toBeUndefined();
  return entries.flatMap((entry) => ("record" in entry ? [entry] : []));
}

const T0 = Date.UTC(2025, 5, 1);
const lines = (...objects: object[]) => objects.map((object) => JSON.stringify(object)).join("\n");
const line = (n: number, given: object = {}) => ({
  id: `x-${n}`,
  channel: "general",
  author: "Ada",
  timestamp: new Date(T0 + n * 1000).toISOString(),
  content: `message ${n}`,
  ...given,
});

describe("a file with one message a line", () => {
  test("gives each message with its channel, thread and author, whose ids are the same in every run", async () => {
    const full = line(1, {
      id: snowflakeAt(T0 + 1000),
      thread: "A question",
      category: "help",
      attachments: ["a.png"],
      embeds: ["a title"],
      replyTo: "1343714078748708976",
      bot: true,
      reactions: 5,
    });
    const file = await written(lines(full, line(2)));
    const [first, second] = await messagesOf(file);
    expect(first).toEqual({
      record: {
        kind: "message",
        id: snowflakeAt(T0 + 1000),
        channelId: first?.channel.id,
        accessChannelId: first?.parent?.id,
        authorId: second?.record.authorId,
        authorName: "Ada",
        content: "message 1",
        bot: true,
        attachments: [{ name: "a.png" }],
        embeds: ["a title"],
        replyToId: "1343714078748708976",
      },
      line: 1,
      channel: {
        id: first?.channel.id,
        name: "A question",
        type: "public-thread",
        parentId: first?.parent?.id,
        accessChannelId: first?.parent?.id,
      },
      parent: { id: first?.parent?.id, name: "general", type: "text", accessChannelId: first?.parent?.id },
    });
    expect(second).toMatchObject({ line: 2, channel: { name: "general", type: "text" } });
    expect(second?.parent).toBeUndefined();
    expect(await messagesOf(file)).toEqual([first, second]);
    for (const id of [first?.channel.id, first?.parent?.id, second?.record.authorId])
      expect(isSnowflake(id ?? "")).toBe(true);
  });

  test("channels of one name in two categories, and threads of one name in two channels, are different", async () => {
    const file = await written(
      lines(
        line(1),
        line(2, { category: "a" }),
        line(3, { thread: "t" }),
        line(4, { category: "a", thread: "t" }),
        line(5, { author: "general" }),
      ),
    );
    const found = await messagesOf(file);
    expect(new Set(found.map(({ channel }) => channel.id)).size).toBe(4);
    expect(new Set(found.map(({ record }) => record.authorId)).size).toBe(2);
  });

  test("messages without a snowflake get ids in order of time, each its own, however many share a second", async () => {
    const same = Array.from({ length: 50 }, (_, n) => line(n, { timestamp: "2019-03-01T10:00:00Z" }));
    const old = Array.from({ length: 50 }, (_, n) =>
      line(100 + n, { timestamp: `200${Math.floor(n / 10)}-03-01T10:00:00Z` }),
    );
    const found = await messagesOf(await written(lines(...old, ...same)));
    const ids = found.map(({ record }) => record.id);
    expect(new Set(ids).size).toBe(100);
    expect([...ids].sort(compareSnowflakes)).toEqual(ids);
    for (const id of ids.slice(50)) expect(Math.abs(snowflakeTime(id) - Date.UTC(2019, 2, 1, 10))).toBeLessThan(60);
    for (const id of ids.slice(0, 50)) expect(snowflakeTime(id)).toBeLessThan(Date.UTC(2015, 2, 10));
  });

  test("a number that is not this message's time is not taken for a snowflake", async () => {
    const found = await messagesOf(await written(lines(line(1, { id: "1343714078748708976" }), line(2, { id: 42 }))));
    expect(found.map(({ record }) => Math.round(snowflakeTime(record.id) / 1000))).toEqual([
      T0 / 1000 + 1,
      T0 / 1000 + 2,
    ]);
  });

  test("a reply points to the id that its target was given, within its channel", async () => {
    const file = await written(
      lines(
        line(1, { channel: "other" }),
        line(1),
        line(2, { replyTo: "x-1" }),
        line(3, { replyTo: "x-99" }),
        line(4, { channel: "third", replyTo: "x-1" }),
      ),
    );
    const found = await messagesOf(file);
    expect(found.map(({ record }) => record.replyToId)).toEqual([
      undefined,
      undefined,
      found[1]?.record.id,
      undefined,
      undefined,
    ]);
  });

  test("a line that cannot be used is told with its number and reason, and the rest is read", async () => {
    const file = await written(
      [
        "{ not json",
        JSON.stringify(line(2)),
        "",
        '"a string"',
        JSON.stringify(line(5, { author: "" })),
        JSON.stringify(line(6, { timestamp: "yesterday" })),
        JSON.stringify(line(7, { timestamp: "1960-01-01T00:00:00Z" })),
        JSON.stringify({ ...line(8), content: undefined }),
        JSON.stringify(line(9)),
        JSON.stringify(line(10)).slice(0, 40),
      ].join("\r\n"),
    );
    const { entries, error } = await entriesOf(file);
    expect(error).toBeUndefined();
    const told = entries.map((entry) => `${entry.line} ${"problem" in entry ? entry.problem.split(":")[0] : "read"}`);
    expect(told).toEqual([
      "1 not JSON",
      "2 read",
      "4 line",
      "5 author",
      "6 timestamp",
      "7 timestamp",
      "8 content",
      "9 read",
      "10 not JSON",
    ]);
  });

  test("any text survives: line separators inside, lone surrogates, a byte-order mark, characters cut by the file's pieces", async () => {
    const texts = ["a\u2028b\u2029c", "\ud800", "語".repeat(200_000), "\u0000", ""];
    const file = await written(`\ufeff${lines(...texts.map((content, n) => line(n, { content })))}\n`);
    expect((await messagesOf(file)).map(({ record }) => record.content)).toEqual(texts);
  });

  test("it may be packed with gzip, whatever its name, and what can be unpacked of a torn one is read", async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => line(n, { content: `${n * 7919}`.repeat(9) }));
    const packed = gzipSync(lines(...many));
    expect((await messagesOf(await written(packed, "chat.txt"))).length).toBe(20_000);
    const { entries, error } = await entriesOf(await written(packed.subarray(0, packed.length - 1000), "torn.gz"));
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toMatch(/torn\.gz cannot be read to its end/);
    expect(entries.filter((entry) => "record" in entry).length).toBeGreaterThan(10_000);
  });

  test("it tells how far it is", async () => {
    const file = await written(gzipSync(lines(...Array.from({ length: 5000 }, (_, n) => line(n)))));
    const told: string[] = [];
    for await (const _ of readExport(file, (read, total) => told.push(`${read > 0} ${read <= total} ${total > 100}`)))
      void _;
    expect(new Set(told)).toEqual(new Set(["true true true"]));
  });
});

const chatExport = (messages: unknown[], channel: object = {}) => ({
  guild: { id: "1343693475581890600", name: 'The "Mesh" {1}', iconUrl: "https://x" },
  channel: {
    id: "200",
    type: "GuildTextChat",
    categoryId: "1",
    category: "c",
    name: "general",
    topic: '"messages": [',
    ...channel,
  },
  dateRange: { after: null, before: null },
  exportedAt: "2025-06-01T00:00:00+00:00",
  messages,
  messageCount: messages.length,
});
const message = (n: number, given: object = {}) => ({
  id: snowflakeAt(T0 + n * 1000),
  type: "Default",
  timestamp: "2025-06-01T00:00:01+00:00",
  timestampEdited: null,
  isPinned: false,
  content: `message ${n}`,
  author: { id: "300", name: "ada", discriminator: "0000", nickname: "Ada", isBot: false, roles: [{ id: "1" }] },
  attachments: [],
  embeds: [],
  reactions: [{ emoji: { id: "", name: "👍" }, count: 2 }],
  mentions: [],
  ...given,
});

describe("a DiscordChatExporter export", () => {
  test("tells its guild and gives each message with everything that is embedded", async () => {
    const content = [
      message(1, {
        type: "Reply",
        timestampEdited: "2025-06-02T00:00:00+00:00",
        attachments: [{ id: "1", url: "https://x", fileName: "a.png", fileSizeBytes: 3 }],
        embeds: [
          {
            author: { name: "A" },
            title: "T",
            description: "D",
            fields: [{ name: "F", value: "V", isInline: false }],
            footer: { text: "P" },
          },
          { title: "" },
        ],
        isPinned: true,
        stickers: [{ name: "wave" }],
        reference: { messageId: "999", channelId: "200", guildId: null },
      }),
      message(2, { author: { id: "301", name: "helper", nickname: null, isBot: true } }),
      message(3, {
        content: "",
        reference: { messageId: "5" },
        forwardedMessage: { content: "as was said", embeds: [], attachments: [{ fileName: "b.pdf" }] },
      }),
    ];
    for (const indent of [0, 2]) {
      const file = await written(JSON.stringify(chatExport(content), null, indent));
      expect(await exportedGuild(file)).toEqual({ id: "1343693475581890600", name: 'The "Mesh" {1}', known: true });
      const found = await messagesOf(file);
      const channel = { id: "200", name: "general", type: "text", categoryId: "1", accessChannelId: "200" };
      const base = { kind: "message", channelId: "200", accessChannelId: "200" };
      expect(found).toEqual([
        {
          line: 1,
          channel,
          record: {
            ...base,
            id: snowflakeAt(T0 + 1000),
            authorId: "300",
            authorName: "Ada",
            content: "message 1",
            attachments: [{ name: "a.png" }],
            embeds: ["A\nT\nD\nF: V\nP"],
            stickers: ["wave"],
            pinned: true,
            replyToId: "999",
            editedAt: Date.UTC(2025, 5, 2),
          },
        },
        {
          line: 2,
          channel,
          record: {
            ...base,
            id: snowflakeAt(T0 + 2000),
            authorId: "301",
            authorName: "helper",
            content: "message 2",
            bot: true,
          },
        },
        {
          line: 3,
          channel,
          record: {
            ...base,
            id: snowflakeAt(T0 + 3000),
            authorId: "300",
            authorName: "Ada",
            content: "",
            attachments: [{ name: "b.pdf" }],
            forwarded: "as was said",
          },
        },
      ]);
    }
  });

  test("a thread is under its channel, and a private one is governed by itself", async () => {
    const thread = { id: "201", name: "A question", categoryId: "200", category: "general" };
    const [open] = await messagesOf(
      await written(JSON.stringify(chatExport([message(1)], { ...thread, type: "GuildPublicThread" }))),
    );
    expect(open).toMatchObject({
      channel: { id: "201", type: "public-thread", parentId: "200", accessChannelId: "200" },
      parent: { id: "200", name: "general" },
      record: { channelId: "201", accessChannelId: "200" },
    });
    const [closed] = await messagesOf(
      await written(JSON.stringify(chatExport([message(1)], { ...thread, type: "GuildPrivateThread" }))),
    );
    expect(closed).toMatchObject({
      channel: { type: "private-thread", accessChannelId: "201" },
      record: { accessChannelId: "201" },
    });
  });

  test("is read the same with its keys in any order, also with its messages before its guild and channel", async () => {
    const whole = chatExport([1, 2, 3].map((n) => message(n)));
    const expected = await messagesOf(await written(JSON.stringify(whole)));
    expect(expected).toHaveLength(3);
    const { messages, ...rest } = whole;
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : typeof value === "object" && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .sort(([one], [other]) => (one < other ? -1 : 1))
                .map(([key, inner]) => [key, sorted(inner)]),
            )
          : value;
    for (const same of [sorted(whole), { messages, ...rest }, { channel: rest.channel, messages, guild: rest.guild }]) {
      const file = await written(JSON.stringify(same));
      expect(await exportedGuild(file)).toMatchObject({ id: "1343693475581890600", name: 'The "Mesh" {1}' });
      expect(await messagesOf(file)).toEqual(expected);
    }
  });

  test("keeps who is mentioned, by id (--markdown false) or by name, and not whom a reply answers", async () => {
    const mentions = [
      { id: "301", name: "bo", nickname: "Bo B." },
      { id: "302", name: "cy", nickname: null },
    ];
    const found = await messagesOf(
      await written(
        JSON.stringify(
          chatExport([
            message(1, { content: "<@301> and <@!302>", mentions }),
            message(2, { content: "thanks @Bo B.", mentions }),
            message(3, { content: "thanks", mentions }),
          ]),
        ),
      ),
    );
    expect(found.map(({ record }) => record.mentions)).toEqual([
      [
        { id: "301", name: "Bo B." },
        { id: "302", name: "cy" },
      ],
      [{ id: "301", name: "Bo B." }],
      undefined,
    ]);
  });

  test("says in plain words why a message cannot be used", async () => {
    const bad = [
      { ...message(1), content: undefined },
      { ...message(2), author: 5 },
      { ...message(3), attachments: "x" },
      7,
    ];
    const { entries } = await entriesOf(await written(JSON.stringify(chatExport(bad))));
    expect(entries.map((entry) => ("problem" in entry ? entry.problem : entry))).toEqual([
      "content: missing",
      "author: not an object with its fields",
      "attachments: not a list",
      "message: not an object with its fields",
    ]);
  });

  test.each(["24", "46", "18", "ThreadCreated", "21"])(
    "a message of type %s is Discord's own, as in the live path",
    async (type) => {
      const { entries } = await entriesOf(await written(JSON.stringify(chatExport([message(1, { type })]))));
      expect(entries).toEqual([{ line: 1, leftOut: type }]);
    },
  );

  test("Discord's own notices are left out, and a message that cannot be used is told with its place", async () => {
    const file = await written(
      JSON.stringify(
        chatExport([message(1, { type: "GuildMemberJoin" }), message(2, { id: "abc" }), 7, message(4, { type: "20" })]),
      ),
    );
    const { entries } = await entriesOf(file);
    expect(entries.slice(0, 3)).toEqual([
      { line: 1, leftOut: "GuildMemberJoin" },
      { line: 2, problem: "id: not an id" },
      { line: 3, problem: expect.stringMatching(/^message: /) },
    ]);
    expect(entries[3]).toMatchObject({ line: 4, record: { content: "message 4" } });
  });

  test("of one that was cut off or is broken further on, the messages before are read", async () => {
    const whole = JSON.stringify(chatExport(Array.from({ length: 200 }, (_, n) => message(n))), null, 2);
    const cut = await entriesOf(await written(whole.slice(0, whole.length / 2)));
    expect(cut.error).toBeInstanceOf(UserError);
    expect(cut.entries.length).toBeGreaterThan(90);
    const broken = await entriesOf(
      await written(`${whole.slice(0, whole.length / 2)}]]]${whole.slice(whole.length / 2)}`),
    );
    expect(broken.error).toBeInstanceOf(UserError);
    expect(broken.entries.length).toBeGreaterThan(80);
  });

  test("a message that is no JSON does not spoil those after it", async () => {
    const whole = JSON.stringify(chatExport([1, 2, 3].map((n) => message(n))), null, 2);
    const { entries, error } = await entriesOf(await written(whole.replace('"message 2"', '"message 2", oops')));
    expect(error).toBeUndefined();
    expect(entries.map((entry) => ("problem" in entry ? entry.problem.slice(0, 8) : entry.line))).toEqual([
      1,
      "not JSON",
      3,
    ]);
  });

  test("texts full of brackets, quotes and backslashes are cut at the right places, wherever the file's pieces end", async () => {
    const odd = ['"]}', "\\", '\\"', "{[", "],[", ",", '"messages": [', '\\\\"'];
    const contents = Array.from({ length: 4000 }, (_, n) => `${odd[n % odd.length]}${"\\".repeat(n % 131)}"`);
    const file = await written(JSON.stringify(chatExport(contents.map((content, n) => message(n, { content })))));
    expect((await messagesOf(file)).map(({ record }) => record.content)).toEqual(contents);
  });

  test("one without messages, or with its channel missing, is no surprise", async () => {
    expect(await messagesOf(await written(JSON.stringify(chatExport([]))))).toEqual([]);
    const { error } = await entriesOf(await written(JSON.stringify({ ...chatExport([message(1)]), channel: null })));
    expect(error).toBeInstanceOf(UserError);
  });
});

describe("what is no export", () => {
  test.each([
    ["nothing", ""],
    ["blanks", " \n \n"],
    ["an empty archive", gzipSync("")],
    ["prose", "Dear diary"],
    ["a list", "[1, 2]"],
    ["a web page", "<!DOCTYPE html><html>"],
    ["a CSV export", "AuthorID,Author,Date,Content,Attachments,Reactions\n1,a,b,c,,"],
    ["a ZIP archive", "PK\u0003\u0004xxxx"],
    ["Discord's own data", '[{"ID": 1, "Timestamp": "2025-01-01 00:00:00", "Contents": "hi", "Attachments": ""}]'],
    ["binary data", Buffer.from([0, 1, 2, 3, 255])],
    ["direct messages", JSON.stringify({ ...chatExport([]), guild: { id: "0", name: "Direct Messages" } })],
  ])("%s is refused before anything is read", async (_, content) => {
    const file = await written(content);
    const { entries, error } = await entriesOf(file);
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain(file);
    expect(entries).toEqual([]);
    await expect(exportedGuild(file)).rejects.toThrow(UserError);
  });

  test.each([
    [
      "a CSV export",
      "AuthorID,Author,Date,Content,Attachments,Reactions\n",
      /Export the channel again in the format JSON/,
    ],
    ["a ZIP archive", "PK\u0003\u0004xxxx", /Unpack it and name the folder/],
    [
      "Discord's own data",
      '[{"ID": 1, "Contents": "hi"}]',
      /only what you wrote yourself; name a DiscordChatExporter export/,
    ],
  ])("%s is refused with what to do instead", async (_, content, advice) => {
    await expect(exportedGuild(await written(content))).rejects.toThrow(advice);
  });

  test("of a folder, what is no export is told, and a folder without any is refused with the reasons", async () => {
    await written(JSON.stringify(chatExport([])), "a.json");
    await written("[]", "b.json");
    await written("x", "c.png");
    const { exports, others } = await findExports([folder]);
    expect(exports.map(({ file }) => file)).toEqual([join(folder, "a.json")]);
    expect(others).toEqual([expect.stringMatching(/b\.json is neither/)]);
    await rm(join(folder, "a.json"));
    await expect(findExports([folder])).rejects.toThrow(/holds no export[\s\S]*b\.json is neither/);
    await rm(join(folder, "b.json"));
    await expect(findExports([folder])).rejects.toThrow(/holds no export\. Exports end in \.json/);
    await expect(findExports([join(folder, "c.png")])).rejects.toThrow(/c\.png is neither/);
  });

  test("a missing file and a folder are refused, naming them", async () => {
    await expect(exportedGuild(join(folder, "none"))).rejects.toThrow(/There is no file .*none/);
    await expect(exportedGuild(folder)).rejects.toThrow(/is not a file/);
  });
});

describe("a real chat", () => {
  test("of 235,951 lines with ids of its own, from 2004 on, is read whole, in order and without a clash", async ({
    skip,
  }) => {
    const file = new URL("../../../shared/data/chat.irc-disentangled.jsonl.gz", import.meta.url).pathname;
    if (!existsSync(file)) skip("the chat is not here");
    const ids = new Map<string, string>();
    let replies = 0;
    for await (const entry of readExport(file)) {
      if (!("record" in entry)) throw new Error(`line ${entry.line} was not read`);
      ids.set(entry.record.id, entry.record.channelId);
      const target = entry.record.replyToId;
      if (target !== undefined) replies += ids.get(target) === entry.record.channelId ? 1 : Number.NaN;
    }
    expect(ids.size).toBe(235_951);
    expect(replies).toBeGreaterThan(50_000);
  });
});
