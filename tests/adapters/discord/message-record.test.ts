import { type APIUser, ComponentType, MessageFlags, MessageReferenceType, MessageType } from "discord-api-types/v10";
import { describe, expect, test } from "vitest";
import {
  hasWords,
  type MessageNames,
  type ReceivedMessage,
  toRecord,
} from "../../../src/adapters/discord/message-record.ts";

const CHANNEL = { id: "10", accessChannelId: "10" };
const NOBODY: MessageNames = { nickname: () => undefined, role: () => undefined, channel: () => undefined };

function user(id: string, username: string, more: Partial<APIUser> = {}): APIUser {
  return { id, username, discriminator: "0", global_name: null, avatar: null, ...more };
}

function message(more: Partial<ReceivedMessage> = {}): ReceivedMessage {
  return {
    id: "100",
    channel_id: "10",
    type: MessageType.Default,
    content: "",
    author: user("1", "ada"),
    timestamp: "2026-01-01T00:00:00.000Z",
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    pinned: false,
    ...more,
  };
}

const record = (more: Partial<ReceivedMessage>, names = NOBODY) => toRecord(message(more), CHANNEL, names);

test("a plain message becomes a record without empty fields", () => {
  expect(record({ content: "hello" })).toEqual({
    kind: "message",
    id: "100",
    channelId: "10",
    accessChannelId: "10",
    authorId: "1",
    authorName: "ada",
    content: "hello",
  });
});

describe("the author's name", () => {
  const author = user("1", "ada", { global_name: "Ada L." });

  test("is the nickname that came with the message", () => {
    expect(record({ author, member: { nick: "Countess" } }).authorName).toBe("Countess");
  });

  test("is the nickname known from elsewhere when the message has none", () => {
    expect(record({ author }, { ...NOBODY, nickname: (id) => (id === "1" ? "Countess" : undefined) }).authorName).toBe(
      "Countess",
    );
  });

  test("is otherwise the display name, and then the username", () => {
    expect(record({ author, member: { nick: null } }).authorName).toBe("Ada L.");
    expect(record({}).authorName).toBe("ada");
  });
});

test("messages of bots and webhooks are marked as a bot's", () => {
  expect(record({ author: user("2", "feed", { bot: true }) }).bot).toBe(true);
  expect(record({ webhook_id: "5" }).bot).toBe(true);
  expect(record({})).not.toHaveProperty("bot");
});

test("attachments keep name, alt text and type", () => {
  const file = { id: "7", size: 1, url: "https://x.test/a", proxy_url: "https://x.test/a" };
  const attachments = [
    { ...file, filename: "cat.png", description: "a cat asleep", content_type: "image/png" },
    { ...file, id: "8", filename: "log.txt" },
  ];
  expect(record({ attachments }).attachments).toEqual([
    { name: "cat.png", alt: "a cat asleep", contentType: "image/png" },
    { name: "log.txt" },
  ]);
});

test.each([
  ["_.pdf", "Gebührenordnung 2024", "Gebührenordnung 2024.pdf"],
  ["_.pdf", "Gebührenordnung.PDF", "Gebührenordnung.PDF"],
  [".png", "画像", "画像.png"],
  ["notes", "заметки", "заметки"],
  ["clip.mp4", null, "clip.mp4"],
])("a file that arrives as %j with the title %j is called %j", (filename, title, name) => {
  const file = { id: "7", size: 1, url: "https://x.test/a", proxy_url: "https://x.test/a", filename };
  expect(record({ attachments: [{ ...file, ...(title !== null && { title }) }] }).attachments).toEqual([{ name }]);
});

test("files of galleries, file components and thumbnails count as well, each once", () => {
  const attachment = {
    id: "7",
    filename: "_.png",
    title: "Plan für Mai",
    size: 1,
    url: "https://x.test/7",
    proxy_url: "",
  };
  const media = (url: string, more: object = {}) => ({ url, proxy_url: url, ...more });
  const components = [
    {
      type: ComponentType.Container,
      components: [
        {
          type: ComponentType.MediaGallery,
          items: [
            {
              media: media("https://x.test/7/_.png", { attachment_id: "7", content_type: "image/png" }),
              description: "the plan",
            },
            { media: media("https://x.test/a/roof%20top.jpg?ex=1") },
            { media: media("https://x.test/"), description: "a sunset" },
            { media: media("https://x.test/") },
          ],
        },
        { type: ComponentType.File, file: media("https://x.test/x"), name: "minutes.txt" },
        {
          type: ComponentType.Section,
          components: [],
          accessory: {
            type: ComponentType.Thumbnail,
            media: media("https://x.test/logo.png"),
            description: "our logo",
          },
        },
      ],
    },
  ] as unknown as NonNullable<ReceivedMessage["components"]>;
  const expected = [
    { name: "Plan für Mai.png", alt: "the plan", contentType: "image/png" },
    { name: "roof top.jpg" },
    { name: "file", alt: "a sunset" },
    { name: "minutes.txt" },
    { name: "logo.png", alt: "our logo" },
  ];
  expect(record({ attachments: [attachment], components }).attachments).toEqual(expected);
  const snapshot = {
    message: { type: 0, content: "", attachments: [attachment], embeds: [], components, mentions: [] },
  };
  const forwarded = record({ message_snapshots: [snapshot as never] });
  expect(forwarded.attachments).toEqual(expected);
  expect(forwarded.forwarded).toBe("");
});

test("an embed is one text of its author, title, description, fields and footer, and one without text is left out", () => {
  const embeds = [
    {
      author: { name: "The Times" },
      title: "Rain",
      description: "It rains.",
      fields: [{ name: "Where", value: "Everywhere" }],
      footer: { text: "page 3" },
    },
    { image: { url: "https://x.test/i.png" } },
  ];
  expect(record({ embeds }).embeds).toEqual(["The Times\nRain\nIt rains.\nWhere: Everywhere\npage 3"]);
});

test("text displays of a message made of components count as an embed", () => {
  const components: NonNullable<ReceivedMessage["components"]> = [
    {
      type: ComponentType.Container,
      id: 1,
      components: [
        { type: ComponentType.TextDisplay, id: 2, content: "Release notes" },
        {
          type: ComponentType.Section,
          id: 3,
          components: [{ type: ComponentType.TextDisplay, id: 4, content: "faster search" }],
          accessory: { type: ComponentType.Thumbnail, id: 5, media: { url: "https://x.test/i.png" } },
        },
      ],
    },
  ];
  expect(record({ components }).embeds).toEqual(["Release notes\nfaster search"]);
});

test("a container that is a spoiler is one in its text, with what it holds closed as a whole", () => {
  const components: NonNullable<ReceivedMessage["components"]> = [
    {
      type: ComponentType.Container,
      id: 1,
      spoiler: true,
      components: [{ type: ComponentType.TextDisplay, id: 2, content: "The ||butler|| did it." }],
    },
    { type: ComponentType.TextDisplay, id: 3, content: "Who did it?" },
  ];
  expect(record({ components }).embeds).toEqual(["||The butler did it.||\nWho did it?"]);
});

test("a poll is its question and answers", () => {
  const poll = {
    question: { text: "Lunch?" },
    answers: [
      { answer_id: 1, poll_media: { text: "Soup" } },
      { answer_id: 2, poll_media: { text: "Bread" } },
    ],
    expiry: "2026-01-02T00:00:00.000Z",
    allow_multiselect: false,
    layout_type: 1,
  };
  expect(record({ poll }).poll).toBe("Lunch?\nSoup\nBread");
});

test("a forwarded message gives its text and its files, and is no reply", () => {
  const forward = record({
    message_reference: { type: MessageReferenceType.Forward, channel_id: "11", message_id: "99" },
    message_snapshots: [
      {
        message: {
          type: MessageType.Default,
          content: "the door code, <@3>",
          embeds: [{ title: "Doors" }],
          attachments: [{ id: "7", filename: "door.jpg", size: 1, url: "https://x.test", proxy_url: "https://x.test" }],
          mentions: [user("3", "cleo")],
          mention_roles: [],
          timestamp: "2026-01-01T00:00:00.000Z",
          edited_timestamp: null,
        },
      },
    ],
  });
  expect(forward).toMatchObject({
    content: "",
    forwarded: "the door code, <@3>\nDoors",
    attachments: [{ name: "door.jpg" }],
    mentions: [{ id: "3", name: "cleo" }],
  });
  expect(forward).not.toHaveProperty("replyToId");
});

test("only a reply answers the message it refers to", () => {
  const message_reference = { type: MessageReferenceType.Default, channel_id: "10", message_id: "99" };
  expect(record({ type: MessageType.Reply, message_reference }).replyToId).toBe("99");
  // A published announcement refers to its original.
  expect(record({ message_reference })).not.toHaveProperty("replyToId");
});

test("the time of an edit is kept", () => {
  expect(record({ edited_timestamp: "2026-01-01T00:00:01.500Z" }).editedAt).toBe(Date.UTC(2026, 0, 1, 0, 0, 1, 500));
});

test("mentions stay as they are in the text, and the names of those mentioned come beside it", () => {
  const names: MessageNames = {
    nickname: (id) => (id === "4" ? "Di" : undefined),
    role: (id) => (id === "20" ? "helpers" : undefined),
    channel: (id) => (id === "30" ? "general" : undefined),
  };
  const saved = record(
    {
      content: "<@2> <@!3> <@4> <@&20> <#30> <#31> <@2>",
      mentions: [
        { ...user("2", "bob"), member: { nick: "Bobby" } },
        user("3", "cleo", { global_name: "Cleo" }),
        user("4", "dido"),
        // The author of the message that this one answers: pinged, but not in the text.
        user("5", "eve"),
      ],
    },
    names,
  );
  expect(saved.content).toBe("<@2> <@!3> <@4> <@&20> <#30> <#31> <@2>");
  expect(saved.mentions).toEqual([
    { id: "2", name: "Bobby" },
    { id: "3", name: "Cleo" },
    { id: "4", name: "Di" },
    { id: "20", name: "helpers" },
    { id: "30", name: "general" },
  ]);
});

describe("words worth keeping", () => {
  test("are in messages, replies and answers to commands", () => {
    const types = [
      MessageType.Default,
      MessageType.Reply,
      MessageType.ChatInputCommand,
      MessageType.ContextMenuCommand,
    ];
    expect(types.every((type) => hasWords({ type }))).toBe(true);
  });

  test("are not in Discord's announcements or a thread's copy of its starter", () => {
    const types = [
      MessageType.UserJoin,
      MessageType.ChannelPinnedMessage,
      MessageType.ThreadCreated,
      MessageType.ThreadStarterMessage,
      MessageType.PollResult,
      MessageType.AutoModerationAction,
    ];
    expect(types.some((type) => hasWords({ type }))).toBe(false);
  });

  test("are not in ephemeral replies and placeholders", () => {
    expect(hasWords({ type: MessageType.Default, flags: MessageFlags.Ephemeral })).toBe(false);
    expect(hasWords({ type: MessageType.Default, flags: MessageFlags.Loading })).toBe(false);
    expect(hasWords({ type: MessageType.Default, flags: MessageFlags.SuppressEmbeds })).toBe(true);
  });
});
