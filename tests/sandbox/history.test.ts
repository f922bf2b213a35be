import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConversations } from "../../sandbox/history/parse.ts";
import { type WrittenMessage, writtenHistory } from "../../sandbox/history/read.ts";
import { compareSnowflakes, isSnowflake, snowflakeTime } from "../../src/snowflake.ts";

const DAY_MS = 86_400_000;
const endsAt = Date.UTC(2026, 5, 17, 19, 30);
const history = writtenHistory({ endsAt });
const { messages, channels, threads, members, roles, notes, queries } = history;
const messageById = new Map(messages.map((message) => [message.id, message]));
const memberIds = new Set(members.map((member) => member.id));
const botIds = new Set(members.filter((member) => member.bot).map((member) => member.id));
const placeIds = new Set([...channels, ...threads].map((place) => place.id));
const inChannel = (name: string): readonly WrittenMessage[] => {
  const channel = channels.find((candidate) => candidate.name === name);
  return messages.filter((message) => message.channelId === channel?.id);
};

describe("the demo's own history", () => {
  it("is a community of some thousand messages in more than a dozen channels", () => {
    expect(messages.length).toBeGreaterThanOrEqual(3_000);
    expect(messages.length).toBeLessThanOrEqual(4_500);
    expect(channels.length).toBeGreaterThanOrEqual(12);
    expect(members.length).toBeGreaterThanOrEqual(25);
    expect(members.length).toBeLessThanOrEqual(40);
    expect(threads.length).toBeGreaterThanOrEqual(4);
    expect(notes.length).toBeGreaterThanOrEqual(15);
    for (const channel of channels) expect(inChannel(channel.name).length, channel.name).toBeGreaterThan(15);
    for (const member of members) {
      expect(messages.filter((message) => message.authorId === member.id).length, member.name).toBeGreaterThan(15);
    }
  });

  it("rests on at least 150 hand-written conversations of five messages or more", () => {
    const folder = new URL("../../sandbox/history/channels/", import.meta.url);
    const lengths = readdirSync(folder)
      .flatMap((file) => parseConversations(readFileSync(new URL(file, folder), "utf8"), file))
      .map((conversation) => conversation.lines.length);
    expect(lengths.filter((length) => length >= 5).length).toBeGreaterThanOrEqual(150);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(25);
  });

  it("is the same for the same options, and another for another seed", () => {
    expect(writtenHistory({ endsAt })).toEqual(history);
    const other = writtenHistory({ endsAt, seed: 2 });
    expect(other.messages.map((message) => message.content)).not.toEqual(messages.map((message) => message.content));
    expect(other.queries.map((query) => query.relevantIds.length)).toEqual(
      queries.map((query) => query.relevantIds.length),
    );
  });

  // Right after midnight, at noon, just before midnight, on the seven days of a week.
  const ends = [1, 12 * 60, 24 * 60 - 1].flatMap((minutes) =>
    Array.from({ length: 7 }, (_, day) => Date.UTC(2027, 1, 25 + day) + minutes * 60_000),
  );
  it.each(ends)("spans half a year and ends when asked (%i)", (end) => {
    const { messages: placed, notes: kept } = writtenHistory({ endsAt: end });
    const [first, last] = [placed.at(0)?.timestamp ?? 0, placed.at(-1)?.timestamp ?? 0];
    expect(end - first).toBeGreaterThan(178 * DAY_MS);
    expect(end - first).toBeLessThan(182 * DAY_MS);
    expect(last).toBeLessThanOrEqual(end);
    expect(end - last).toBeLessThan(3_600_000);
    for (const note of kept) expect(note.at).toBeLessThanOrEqual(end);
  });

  it("leaves no week without messages and no day with a flood", () => {
    const perDay = new Map<number, number>();
    for (const { timestamp } of messages) {
      const day = Math.floor((endsAt - timestamp) / DAY_MS);
      perDay.set(day, (perDay.get(day) ?? 0) + 1);
    }
    expect(Math.max(...perDay.values())).toBeLessThan(100);
    for (let week = 0; week < 25; week++) {
      const days = Array.from({ length: 7 }, (_, day) => perDay.get(week * 7 + day) ?? 0);
      expect(days.reduce((sum, count) => sum + count)).toBeGreaterThan(30);
    }
  });

  it("begins with a welcome", () => {
    expect(messages.at(0)?.content).toMatch(/^Good morning everyone, and welcome/);
  });

  it("gives every message a snowflake of its own time, oldest first", () => {
    for (const [index, message] of messages.entries()) {
      expect(isSnowflake(message.id)).toBe(true);
      expect(snowflakeTime(message.id)).toBe(message.timestamp);
      const before = messages[index - 1];
      if (before) expect(compareSnowflakes(before.id, message.id)).toBeLessThan(0);
    }
  });

  it("names only members, roles and channels that exist", () => {
    const roleIds = new Set(roles.map((role) => role.id));
    for (const member of members) for (const role of member.roles) expect(roleIds.has(role)).toBe(true);
    for (const channel of channels)
      for (const role of channel.private?.roles ?? []) expect(roleIds.has(role)).toBe(true);
    for (const message of messages) {
      expect(memberIds.has(message.authorId)).toBe(true);
      expect(placeIds.has(message.channelId)).toBe(true);
    }
    for (const note of notes) {
      expect(memberIds.has(note.ownerId)).toBe(true);
      expect(placeIds.has(note.channelId)).toBe(true);
    }
    const ids = [history.guild, ...roles, ...members, ...channels, ...messages].map((thing) => thing.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("replies only to older messages of the same channel or thread", () => {
    const replies = messages.filter((message) => message.replyToId);
    expect(replies.length).toBeGreaterThan(50);
    for (const reply of replies) {
      const target = messageById.get(reply.replyToId ?? "");
      expect(target?.channelId).toBe(reply.channelId);
      expect(compareSnowflakes(target?.id ?? "", reply.id)).toBeLessThan(0);
    }
  });

  it("has public threads begun from a message and a private one with its members", () => {
    for (const thread of threads) {
      const inside = messages.filter((message) => message.channelId === thread.id);
      expect(inside.length).toBeGreaterThanOrEqual(3);
      for (const message of inside) {
        expect(compareSnowflakes(thread.id, message.id)).toBeLessThan(0);
        expect(thread.members).toContain(message.authorId);
      }
      expect(channels.some((channel) => channel.id === thread.parentId)).toBe(true);
      if (thread.private) expect(messageById.has(thread.id)).toBe(false);
      else expect(messageById.get(thread.id)?.channelId).toBe(thread.parentId);
    }
    expect(threads.some((thread) => thread.private)).toBe(true);
  });

  it("keeps the stewards' channel to the stewards", () => {
    const stewards = roles.find((role) => role.name === "stewards");
    const allowed = new Set(
      members.filter((member) => member.bot || member.roles.includes(stewards?.id ?? "")).map((m) => m.id),
    );
    expect(channels.filter((channel) => channel.private).map((channel) => channel.name)).toEqual(["moderators"]);
    for (const message of inChannel("moderators")) expect(allowed.has(message.authorId)).toBe(true);
  });

  const features: Readonly<Record<string, (message: WrittenMessage) => unknown>> = {
    "a link": ({ content }) => /https:\/\/\S+/.test(content),
    "a code block": ({ content }) => content.includes("```"),
    "an attachment with alt text": ({ attachments }) => attachments?.some((file) => file.alt),
    "an attachment without alt text": ({ attachments }) => attachments?.some((file) => !file.alt),
    "several attachments": ({ attachments }) => (attachments?.length ?? 0) > 1,
    "an attachment and no text": ({ content, attachments }) => content === "" && attachments,
    "an embed": ({ embeds }) => embeds,
    "a poll": ({ poll }) => poll && poll.answers.length > 1,
    "a forwarded message": ({ forwarded, content }) => forwarded && content === "",
    "a custom emoji": ({ content }) => /<:\w+:\d+>/.test(content),
    "a member's mention": ({ content }) => /<@\d+>/.test(content),
    "a role's mention": ({ content }) => /<@&\d+>/.test(content),
    "a channel's mention": ({ content }) => /<#\d+>/.test(content),
    "an edit": ({ editedAt, timestamp }) => editedAt && editedAt > timestamp,
    "a bot's message": ({ authorId }) => botIds.has(authorId),
    "a reply": ({ replyToId }) => replyToId,
    filler: ({ content }) => ["lol", "thanks!", "👍"].includes(content),
    Spanish: ({ content }) => /gracias|buenos días/.test(content),
    German: ({ content }) => /Nichts zu danken|Guten Morgen/.test(content),
    Japanese: ({ content }) => /[ぁ-ん]{3}/.test(content),
  };
  it.each(Object.entries(features))("contains %s", (_, has) => {
    expect(messages.some(has)).toBe(true);
  });

  it("links only to reserved example domains", () => {
    const texts = messages.flatMap(({ content, embeds }) => [
      content,
      ...(embeds ?? []).map((embed) => embed.url ?? ""),
    ]);
    const hosts = texts.flatMap((text) => [...text.matchAll(/https?:\/\/([^/\s)]+)/g)].map((match) => match[1] ?? ""));
    expect(hosts.length).toBeGreaterThan(0);
    for (const host of hosts) expect(host).toMatch(/(^|\.)example\.(org|com)$/);
  });

  it("has no empty message and none longer than Discord allows", () => {
    for (const { content, attachments, embeds, poll, forwarded } of messages) {
      expect(content.length).toBeLessThanOrEqual(2_000);
      expect(content !== "" || attachments || embeds || poll || forwarded).toBeTruthy();
      expect(content).not.toMatch(/[{}]\w|@[ABC]\b|\|\w+\}/);
    }
  });

  it("does not repeat itself", () => {
    const long = messages.map((message) => message.content).filter((content) => content.length > 20);
    expect(new Set(long).size / long.length).toBeGreaterThanOrEqual(0.85);
  });

  it("brings queries whose answers exist, six of them for the demo to play where anyone can read: in English, German, Spanish and Japanese", () => {
    expect(queries.length).toBeGreaterThanOrEqual(12);
    const privatePlaces = new Set([...channels, ...threads].filter((place) => place.private).map((place) => place.id));
    for (const query of queries) {
      expect(query.relevantIds.length, query.text).toBeGreaterThan(0);
      for (const id of query.relevantIds) {
        expect(messageById.has(id)).toBe(true);
        if (query.demo) expect(privatePlaces.has(messageById.get(id)?.channelId ?? "")).toBe(false);
      }
    }
    expect(queries.filter((query) => query.demo).length).toBe(6);
  });

  it("asks its queries in other words than the answers use", () => {
    const words = (text: string): string[] => text.toLowerCase().match(/\p{L}{5,}/gu) ?? [];
    for (const { text, relevantIds } of queries) {
      const answers = new Set(relevantIds.flatMap((id) => words(messageById.get(id)?.content ?? "")));
      const asked = words(text);
      expect(asked.filter((word) => answers.has(word)).length / asked.length, text).toBeLessThanOrEqual(0.5);
    }
  });

  it("is read in under 300 ms of processor time", () => {
    const times = Array.from({ length: 3 }, () => {
      const before = process.cpuUsage();
      writtenHistory({ endsAt });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    });
    expect(Math.min(...times)).toBeLessThan(300);
  });
});

describe("the format of the conversations", () => {
  it.each([
    ["text before the first ==", "mara: hi", "f.txt:1: stands before the first =="],
    ["a line it does not understand", "==\nmara: hi\nwhat is this", "f.txt:3: is not understood"],
    ["an unknown detail", "==\nmara: hi\n  [colour blue]", "f.txt:3: is no detail of a message"],
    ["a file without a known ending", "==\nmara: hi\n  [file secrets]", "f.txt:3: is no detail of a message"],
    ["a continuation of nothing", "==\n| hi", "f.txt:2: continues nothing"],
  ])("refuses %s, naming the line", (_, text, message) => {
    expect(() => parseConversations(text, "f.txt")).toThrow(message);
  });
});
