import { expect, it } from "vitest";
import type { ArchivedRecord } from "../src/ports/records.ts";
import { nameKey, TAG, tagsOf } from "../src/tags.ts";

const said = (content: string, changes: Partial<ArchivedRecord> = {}): ArchivedRecord => ({
  kind: "message",
  id: "1",
  channelId: "2",
  accessChannelId: "2",
  authorId: "3",
  authorName: "Ada",
  content,
  ...changes,
});
const tagsBut = (record: ArchivedRecord) => tagsOf(record).filter((tag) => tag !== "by:ada");
const withFiles = (...attachments: NonNullable<ArchivedRecord["attachments"]>) => tagsBut(said("", { attachments }));

it("tells the hosts that a message links to, with all that people call them", () => {
  expect(tagsBut(said("see https://www.github.com/a and <http://gist.github.com/b>"))).toEqual([
    "has:link",
    "link:github.com",
    "link:github",
    "link:gist.github.com",
    "link:gist",
  ]);
  expect(tagsBut(said("", { forwarded: "http://example.com" }))).toContain("link:example.com");
});

it("tells what files are attached, by their type or else by their names", () => {
  expect(withFiles({ name: "a.JPG" }, { name: "b", contentType: "image/png" })).toEqual(["has:image", "file:jpg"]);
  expect(withFiles({ name: "a.png", contentType: "application/pdf" })).toEqual(["has:file", "file:png"]);
  expect(withFiles({ name: "a.mp4" })).toEqual(["has:video", "has:file", "file:mp4"]);
  expect(withFiles({ name: "voice-message.ogg", contentType: "audio/ogg" })).toEqual([
    "has:sound",
    "has:file",
    "file:ogg",
  ]);
});

it("tells code, polls, embeds, stickers, forwards, pins, bots, and who is mentioned", () => {
  expect(tagsBut(said("plain"))).toEqual([]);
  expect(tagsBut(said("```js\n1\n```"))).toEqual(["has:code"]);
  expect(tagsBut(said("", { poll: "?", embeds: ["a title"], stickers: ["Wave"], forwarded: "" }))).toEqual([
    "has:embed",
    "has:poll",
    "has:sticker",
    "has:forward",
  ]);
  expect(tagsBut(said("", { pinned: true, bot: true }))).toEqual(["is:pinned", "is:bot"]);
  expect(tagsBut(said("<@5> and <@!6> and <@&7>", { mentions: [{ id: "8", name: "by name" }] }))).toEqual(
    ["5", "6", "7", "8"].map((id) => `mentions:${id}`),
  );
});

it.each([
  ["IRC: dave", "irc-dave"],
  ["💬┃General-Chat", "general-chat"],
  ["📢・announcements", "announcements"],
  ["𝓶𝓾𝓼𝓲𝓬", "music"],
  ["ＷＥＬＣＯＭＥ", "welcome"],
  ["Łódź & Zoë", "lodz-zoe"],
  ["한국어", "한국어"],
  ["हिन्दी", "हिन्दी"],
  ["' OR 1=1 --", "or-1-1"],
  ["🔥🔥", ""],
])("compares the name %s as %s", (name, key) => {
  expect(nameKey(name)).toBe(key);
  expect(nameKey(name.normalize("NFD"))).toBe(key);
});

it("makes no tag that could be anything else in a query, whatever the record holds", () => {
  const hostile = said("https://a'b.com https://x]y.com https://ok.org/'); <@12>", {
    authorName: "'] OR true --",
    attachments: [{ name: "a.p'f" }, { name: "b.ok" }],
  });
  for (const tag of tagsOf(hostile)) expect(tag).toMatch(TAG);
});
