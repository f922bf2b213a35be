// Hears what happens in guilds. Reads the raw gateway dispatches, because discord.js drops edits and deletes of messages it has not
// cached (and, even with partials, of uncached threads); so it works on any host's client, whatever it caches.

import {
  type APIMessage,
  type APIThreadChannel,
  type Client,
  type GatewayChannelDeleteDispatchData,
  GatewayDispatchEvents,
  type GatewayGuildDeleteDispatchData,
  type GatewayMessageDeleteBulkDispatchData,
  type GatewayMessageDeleteDispatchData,
  type GatewayThreadDeleteDispatchData,
  type GatewayThreadListSyncDispatchData,
  Routes,
} from "discord.js";
import type { GuildEvents } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";
import { type DiscordChannel, toChannelInfo } from "./channel-info.ts";
import type { Directory } from "./directory.ts";
import { DiscordCode, hasCode, translateDiscordError } from "./discord-errors.ts";
import { createEventOrder, type EventOrderParts } from "./event-order.ts";
import { hasWords, type ReceivedMessage, toRecord } from "./message-record.ts";

type GuildMessage = ReceivedMessage & { readonly guild_id?: Snowflake };
type GuildChannel = DiscordChannel & { readonly guild_id?: Snowflake };
/** An edit may come without what did not change. */
type MessageEdit = Partial<GuildMessage> & Pick<GuildMessage, "id" | "channel_id">;

export interface Listening {
  /** Resolves when what was heard of a guild until now has been handled. */
  settled(guildId: Snowflake): Promise<void>;
  /** Stops listening (removing nobody else's listeners); resolves when what was heard until then has been handled. */
  stop(): Promise<void>;
}

/**
 * Reports a client's guild events, those of one guild one after the other (see event-order.ts). The bot's own messages, announcements, ephemeral messages and direct messages are not reported.
 */
export function listenToGuilds(
  client: Client,
  events: GuildEvents,
  { directory, ...orderParts }: EventOrderParts & { readonly directory: Directory },
): Listening {
  const order = createEventOrder(orderParts);

  function inOrder(
    guildId: Snowflake | undefined,
    subject: Record<string, unknown>,
    handle: () => Promise<void>,
  ): void {
    if (guildId !== undefined) order.add(guildId, subject, handle);
  }

  async function saveMessage(guildId: Snowflake, message: GuildMessage): Promise<void> {
    if (message.author.id === client.user?.id || !hasWords(message)) return;
    const channel = await directory.channel(message.channel_id);
    await events.messageSaved(guildId, toRecord(message, channel, directory.names(guildId)), channel);
  }

  async function fetchMessage(edit: MessageEdit): Promise<GuildMessage | undefined> {
    try {
      return (await client.rest.get(Routes.channelMessage(edit.channel_id, edit.id))) as APIMessage;
    } catch (error) {
      // Deleted meanwhile: the deletion is on its way.
      if (hasCode(error, DiscordCode.unknownMessage, DiscordCode.unknownChannel)) return undefined;
      throw translateDiscordError(error, `read an edited message in <#${edit.channel_id}>`);
    }
  }

  function heardMessage(message: GuildMessage): void {
    const guildId = message.guild_id;
    for (const { id, member } of [...message.mentions, { id: message.author.id, member: message.member }]) {
      if (guildId && member?.nick !== undefined) directory.rememberNickname(guildId, id, member.nick);
    }
    inOrder(guildId, { messageId: message.id }, async () => {
      if (guildId) await saveMessage(guildId, message);
    });
  }

  function heardEdit(edit: MessageEdit): void {
    if (isWhole(edit)) {
      heardMessage(edit);
      return;
    }
    const guildId = edit.guild_id;
    inOrder(guildId, { messageId: edit.id }, async () => {
      const message = await fetchMessage(edit);
      if (guildId && message) await saveMessage(guildId, message);
    });
  }

  function heardDeletion(guildId: Snowflake | undefined, ids: readonly Snowflake[]): void {
    inOrder(guildId, { messageIds: ids.slice(0, 5) }, async () => {
      if (guildId) await events.messagesDeleted(guildId, ids);
    });
  }

  function heardChannel(channel: GuildChannel, guildId = channel.guild_id): void {
    const info = toChannelInfo(channel);
    if (!info) return;
    directory.remember(info);
    inOrder(guildId, { channelId: info.id }, async () => {
      if (guildId) await events.channelSaved(guildId, info);
    });
  }

  function heardChannelDeletion(channel: GuildChannel): void {
    const guildId = channel.guild_id;
    if (!toChannelInfo(channel)) return;
    inOrder(guildId, { channelId: channel.id }, async () => {
      directory.forget(channel.id);
      if (guildId) await events.channelDeleted(guildId, channel.id);
    });
  }

  const listeners: readonly (readonly [GatewayDispatchEvents, (data: never) => void])[] = [
    [GatewayDispatchEvents.MessageCreate, heardMessage],
    [GatewayDispatchEvents.MessageUpdate, heardEdit],
    [
      GatewayDispatchEvents.MessageDelete,
      (data: GatewayMessageDeleteDispatchData) => heardDeletion(data.guild_id, [data.id]),
    ],
    [
      GatewayDispatchEvents.MessageDeleteBulk,
      (data: GatewayMessageDeleteBulkDispatchData) => heardDeletion(data.guild_id, data.ids),
    ],
    [GatewayDispatchEvents.ChannelCreate, (data: GuildChannel) => heardChannel(data)],
    [GatewayDispatchEvents.ChannelUpdate, (data: GuildChannel) => heardChannel(data)],
    [GatewayDispatchEvents.ChannelDelete, (data: GatewayChannelDeleteDispatchData) => heardChannelDeletion(data)],
    [GatewayDispatchEvents.ThreadCreate, (data: APIThreadChannel) => heardChannel(data)],
    [GatewayDispatchEvents.ThreadUpdate, (data: APIThreadChannel) => heardChannel(data)],
    [GatewayDispatchEvents.ThreadDelete, (data: GatewayThreadDeleteDispatchData) => heardChannelDeletion(data)],
    [
      GatewayDispatchEvents.ThreadListSync,
      (data: GatewayThreadListSyncDispatchData) => {
        for (const thread of data.threads) heardChannel(thread as APIThreadChannel, data.guild_id);
      },
    ],
    [
      GatewayDispatchEvents.GuildDelete,
      (data: GatewayGuildDeleteDispatchData) => {
        // An outage, not a farewell.
        if (!data.unavailable) inOrder(data.id, {}, () => events.guildLeft(data.id));
      },
    ],
  ];

  for (const [event, listener] of listeners) client.ws.on(event, listener as (data: unknown) => void);
  return {
    settled: order.settled,
    async stop() {
      for (const [event, listener] of listeners) client.ws.off(event, listener as (data: unknown) => void);
      await order.stop();
    },
  };
}

function isWhole(edit: MessageEdit): edit is GuildMessage {
  return edit.author !== undefined && edit.content !== undefined && edit.type !== undefined;
}
