// The listener on a real discord.js client that never logs in: dispatches are handed to it as the gateway would, and REST is answered
// here. What a logged-in client makes of real events is in discord-live.test.ts.

import { Client, GatewayDispatchEvents as Dispatch, GatewayIntentBits } from "discord.js";
import { ChannelType } from "discord-api-types/v10";
import { afterEach, expect, test } from "vitest";
import { createDirectory } from "../../../src/adapters/discord/directory.ts";
import { listenToGuilds } from "../../../src/adapters/discord/gateway.ts";
import { systemClock } from "../../../src/adapters/system.ts";
import type { GuildEvents } from "../../../src/ports/discord.ts";
import { createHearing } from "../../../src/sync/hearing.ts";

const GUILD = "1";
const TIME = "2026-01-01T00:00:00.000Z";
const author = { id: "7", username: "ada", global_name: "Ada", discriminator: "0", avatar: null };

function message(id: string, more: object = {}) {
  const nothing = { mentions: [], mention_roles: [], attachments: [], embeds: [], components: [] };
  return {
    ...nothing,
    id,
    channel_id: "10",
    guild_id: GUILD,
    type: 0,
    author,
    content: `message ${id}`,
    timestamp: TIME,
    ...more,
  };
}

const thread = { id: "20", type: ChannelType.PrivateThread, parent_id: "10", name: "plot", guild_id: GUILD };
const clients: Client[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.destroy())));

function setUp(handlers: Partial<GuildEvents> = {}) {
  const answers: Record<string, unknown> = {
    "/channels/10": { id: "10", type: ChannelType.GuildText, name: "general" },
  };
  const requests: string[] = [];
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    rest: {
      retries: 0,
      makeRequest: async (url) => {
        const path = new URL(url).pathname.replace("/api/v10", "");
        requests.push(path);
        const body = answers[path];
        const headers = { "content-type": "application/json" };
        return body
          ? new Response(JSON.stringify(body), { headers })
          : new Response(JSON.stringify({ code: 10008, message: "Unknown Message" }), { status: 404, headers });
      },
    },
  });
  clients.push(client);
  client.rest.setToken("token");

  const heard: unknown[][] = [];
  const errors: unknown[] = [];
  const logger = {
    debug() {},
    info() {},
    warn() {},
    error: (event: string, fields?: object) => void errors.push([event, fields]),
  };
  const { stop } = listenToGuilds(
    client,
    {
      messageSaved: async (guildId, record, channel) => void heard.push(["saved", guildId, record, channel]),
      messagesDeleted: async (guildId, ids) => void heard.push(["deleted", guildId, ids]),
      channelSaved: async (guildId, channel) => void heard.push(["channel", guildId, channel]),
      channelDeleted: async (guildId, id) => void heard.push(["channel deleted", guildId, id]),
      guildLeft: async (guildId) => void heard.push(["left", guildId]),
      ...handlers,
    },
    {
      directory: createDirectory(client, logger),
      logger,
      clock: systemClock,
      hearing: createHearing(),
      onMissed() {},
      onGap() {},
    },
  );
  const dispatch = (event: Dispatch, data: object) => client.ws.emit(event, data, 0);
  return { client, heard, errors, requests, answers, dispatch, stop };
}

test("a message is reported with its record and its channel, which is asked for once", async () => {
  const { dispatch, heard, requests, stop } = setUp();
  dispatch(Dispatch.MessageCreate, message("100", { member: { nick: "Countess" } }));
  dispatch(Dispatch.MessageCreate, message("101"));
  await stop();
  expect(heard).toMatchObject([
    [
      "saved",
      GUILD,
      { id: "100", channelId: "10", accessChannelId: "10", authorName: "Countess", content: "message 100" },
      { id: "10", name: "general", type: "text" },
    ],
    ["saved", GUILD, { id: "101", authorName: "Countess" }, { id: "10" }],
  ]);
  expect(requests).toEqual(["/channels/10"]);
});

test("an edit that comes without author or content is completed from Discord", async () => {
  const { dispatch, heard, answers, stop } = setUp();
  answers["/channels/10/messages/100"] = { ...message("100"), embeds: [{ title: "A page" }] };
  dispatch(Dispatch.MessageUpdate, { id: "100", channel_id: "10", guild_id: GUILD, embeds: [{ title: "A page" }] });
  await stop();
  expect(heard).toMatchObject([["saved", GUILD, { id: "100", content: "message 100", embeds: ["A page"] }, {}]]);
});

test("such an edit of a message that is gone meanwhile is no error", async () => {
  const { dispatch, heard, errors, stop } = setUp();
  dispatch(Dispatch.MessageUpdate, { id: "100", channel_id: "10", guild_id: GUILD, embeds: [] });
  await stop();
  expect(heard).toEqual([]);
  expect(errors).toEqual([]);
});

test("events of one guild are reported one after the other, in order, and another guild does not wait for them", async () => {
  const order: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { dispatch, stop } = setUp({
    messageSaved: async (_guildId, record) => {
      if (record.id === "100") await held;
      order.push(record.id);
    },
    messagesDeleted: async (guildId, ids) => {
      order.push(`-${ids.join()}`);
      if (guildId === "2") release();
    },
  });
  dispatch(Dispatch.MessageCreate, message("100"));
  dispatch(Dispatch.MessageCreate, message("101"));
  dispatch(Dispatch.MessageDelete, { id: "100", channel_id: "10", guild_id: GUILD });
  dispatch(Dispatch.MessageDeleteBulk, { ids: ["5", "6"], channel_id: "30", guild_id: "2" });
  await stop();
  expect(order).toEqual(["-5,6", "100", "101", "-100"]);
});

test("a failure is logged without the message's text, and the next event is reported", async () => {
  const { dispatch, heard, errors, stop } = setUp({
    messageSaved: async () => {
      throw new Error("disk full");
    },
  });
  dispatch(Dispatch.MessageCreate, message("100", { content: "a secret" }));
  dispatch(Dispatch.MessageDelete, { id: "99", channel_id: "10", guild_id: GUILD });
  await stop();
  expect(heard).toEqual([["deleted", GUILD, ["99"]]]);
  expect(errors).toEqual([["guild-event:failed", { guildId: GUILD, messageId: "100", error: "disk full" }]]);
});

test("direct messages, announcements and ephemeral messages are not reported", async () => {
  const { dispatch, heard, stop } = setUp();
  dispatch(Dispatch.MessageCreate, message("100", { guild_id: undefined }));
  dispatch(Dispatch.MessageCreate, message("101", { type: 7 }));
  dispatch(Dispatch.MessageCreate, message("102", { flags: 64 }));
  dispatch(Dispatch.MessageDelete, { id: "100", channel_id: "10" });
  await stop();
  expect(heard).toEqual([]);
});

test("threads are reported when they appear, are renamed, come with a sync or go", async () => {
  const { dispatch, heard, requests, stop } = setUp();
  const saved = { id: "20", name: "plot", type: "private-thread", parentId: "10", accessChannelId: "20" };
  dispatch(Dispatch.ThreadCreate, thread);
  dispatch(Dispatch.ThreadUpdate, { ...thread, name: "plot twist" });
  dispatch(Dispatch.ThreadListSync, { guild_id: GUILD, threads: [{ ...thread, guild_id: undefined }], members: [] });
  dispatch(Dispatch.MessageCreate, message("100", { channel_id: "20" }));
  dispatch(Dispatch.ThreadDelete, { id: "20", guild_id: GUILD, parent_id: "10", type: thread.type });
  await stop();
  expect(heard).toMatchObject([
    ["channel", GUILD, saved],
    ["channel", GUILD, { ...saved, name: "plot twist" }],
    ["channel", GUILD, saved],
    ["saved", GUILD, { id: "100", accessChannelId: "20" }, saved],
    ["channel deleted", GUILD, "20"],
  ]);
  expect(requests).toEqual([]);
});

test("channels are reported when they appear, are renamed or go; categories are not", async () => {
  const { dispatch, heard, stop } = setUp();
  const channel = { id: "11", type: ChannelType.GuildAnnouncement, name: "news", guild_id: GUILD, parent_id: "12" };
  const category = { id: "12", type: ChannelType.GuildCategory, name: "stuff", guild_id: GUILD };
  dispatch(Dispatch.ChannelCreate, category);
  dispatch(Dispatch.ChannelCreate, channel);
  dispatch(Dispatch.ChannelUpdate, { ...channel, name: "old news" });
  dispatch(Dispatch.ChannelDelete, channel);
  dispatch(Dispatch.ChannelDelete, category);
  await stop();
  expect(heard).toEqual([
    ["channel", GUILD, { id: "11", name: "news", type: "announcement", accessChannelId: "11", categoryId: "12" }],
    ["channel", GUILD, { id: "11", name: "old news", type: "announcement", accessChannelId: "11", categoryId: "12" }],
    ["channel deleted", GUILD, "11"],
  ]);
});

test("a guild is left when the bot was removed, not when Discord has an outage", async () => {
  const { dispatch, heard, stop } = setUp();
  dispatch(Dispatch.GuildDelete, { id: "2", unavailable: true });
  dispatch(Dispatch.GuildDelete, { id: GUILD });
  await stop();
  expect(heard).toEqual([["left", GUILD]]);
});

test("stopping hears nothing further and leaves the host's own listeners alone", async () => {
  const { client, dispatch, heard, stop } = setUp();
  let hostHeard = 0;
  client.ws.on(Dispatch.MessageDelete, () => hostHeard++);
  await stop();
  dispatch(Dispatch.MessageDelete, { id: "100", channel_id: "10", guild_id: GUILD });
  expect(heard).toEqual([]);
  expect(hostHeard).toBe(1);
  expect(client.ws.listenerCount(Dispatch.MessageCreate)).toBe(0);
});
