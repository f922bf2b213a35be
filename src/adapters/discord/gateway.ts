// Hears what happens in guilds. Reads the raw gateway dispatches, because discord.js drops edits and deletes of messages it has not
// cached (and, even with partials, of uncached threads); so it works on any host's client, whatever it caches.

import {
  type APIMessage,
  type APIThreadChannel,
  type Client,
  GatewayDispatchEvents,
  type GatewayThreadMembersUpdateDispatchData,
  Routes,
} from "discord.js";
import type { GuildEvents, Hearing, Stretch } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";
import { type DiscordChannel, toChannelInfo } from "./channel-info.ts";
import type { Directory } from "./directory.ts";
import { DiscordCode, hasCode, translateDiscordError } from "./discord-errors.ts";
import { createEventOrder, type EventOrderParts } from "./event-order.ts";
import { listenToGateway } from "./listen.ts";
import { hasWords, type ReceivedMessage, toRecord } from "./message-record.ts";

type GuildMessage = ReceivedMessage & { readonly guild_id?: Snowflake };
type GuildChannel = DiscordChannel & { readonly guild_id?: Snowflake };
/** An edit may come without what did not change. */
type MessageEdit = Partial<GuildMessage> & Pick<GuildMessage, "id" | "channel_id">;
type NewThread = APIThreadChannel & { readonly newly_created?: boolean };

export interface Listening {
  /** Resolves when what was heard of a guild, or of any, until now has been handled. */
  settled(guildId?: Snowflake): Promise<void>;
  /** Stops listening (removing nobody else's listeners); resolves when what was heard until then has been handled. */
  stop(): Promise<void>;
}

export interface ListeningParts extends Omit<EventOrderParts, "onLetGo"> {
  readonly directory: Directory;
  readonly hearing: Hearing;
  /** Told of a channel or thread in which something is, or may be, missing before what was just heard there. */
  onGap(guildId: Snowflake, channelId: Snowflake): void;
}

/**
 * Reports a client's guild events, those of one guild one after the other (see event-order.ts). The bot's own messages, announcements, ephemeral messages and direct messages are not reported.
 */
export function listenToGuilds(
  client: Client,
  events: GuildEvents,
  { directory, hearing, onGap, ...orderParts }: ListeningParts,
): Listening {
  const order = createEventOrder({ ...orderParts, onLetGo: hearing.interrupted });

  function inOrder(
    guildId: Snowflake | undefined,
    subject: Record<string, unknown>,
    handle: () => Promise<void>,
    onFailed?: () => void,
  ): void {
    if (guildId !== undefined) order.add(guildId, subject, handle, onFailed);
  }

  /** @param stretch in which it was written; undefined: it was edited */
  async function saveMessage(guildId: Snowflake, message: GuildMessage, stretch?: Stretch): Promise<void> {
    if (message.author.id === client.user?.id || !hasWords(message)) return;
    const channel = await directory.channel(message.channel_id);
    const completes = stretch?.isComplete(channel) ?? false;
    await events.messageSaved(guildId, toRecord(message, channel, directory.names(guildId)), channel, completes);
    if (stretch !== undefined && !completes) onGap(guildId, channel.id);
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
    if (guildId === undefined) return;
    rememberNames(guildId, message);
    const stretch = hearing.of(guildId);
    stretch.heard(message.id);
    const save = () => saveMessage(guildId, message, stretch);
    inOrder(guildId, { messageId: message.id }, save, () => {
      stretch.lost(message.channel_id);
      onGap(guildId, message.channel_id);
    });
  }

  function rememberNames(guildId: Snowflake, message: GuildMessage): void {
    for (const { id, member } of [...message.mentions, { id: message.author.id, member: message.member }]) {
      if (member?.nick !== undefined) directory.rememberNickname(guildId, id, member.nick);
    }
  }

  function heardEdit(edit: MessageEdit): void {
    const guildId = edit.guild_id;
    if (guildId === undefined) return;
    if (isWhole(edit)) rememberNames(guildId, edit);
    inOrder(guildId, { messageId: edit.id }, async () => {
      const message = isWhole(edit) ? edit : await fetchMessage(edit);
      if (message) await saveMessage(guildId, message);
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

  function heardThread(thread: NewThread): void {
    const guildId = thread.guild_id;
    // Nothing can be missing of what has only just been made. One that is heard of because the bot was added may be old.
    if (guildId && thread.newly_created) {
      const stretch = hearing.of(guildId);
      stretch.completed(thread.id, stretch.mark());
    }
    heardChannel(thread);
    const info = toChannelInfo(thread);
    if (guildId && info && !hearing.of(guildId).isComplete(info)) {
      inOrder(guildId, { channelId: thread.id }, async () => onGap(guildId, thread.id));
    }
  }

  function heardThreadMembers({ guild_id, id, removed_member_ids }: GatewayThreadMembersUpdateDispatchData): void {
    if (client.user && removed_member_ids?.includes(client.user.id)) hearing.of(guild_id).lost(id);
  }

  function heardChannelDeletion(channel: GuildChannel): void {
    const guildId = channel.guild_id;
    if (!toChannelInfo(channel)) return;
    inOrder(guildId, { channelId: channel.id }, async () => {
      directory.forget(channel.id);
      if (guildId) await events.channelDeleted(guildId, channel.id);
    });
  }

  const stopListening = listenToGateway(client, {
    [GatewayDispatchEvents.MessageCreate]: heardMessage,
    [GatewayDispatchEvents.MessageUpdate]: heardEdit,
    [GatewayDispatchEvents.MessageDelete]: ({ guild_id, id }) => heardDeletion(guild_id, [id]),
    [GatewayDispatchEvents.MessageDeleteBulk]: ({ guild_id, ids }) => heardDeletion(guild_id, ids),
    [GatewayDispatchEvents.ChannelCreate]: (channel) => heardChannel(channel),
    [GatewayDispatchEvents.ChannelUpdate]: (channel) => heardChannel(channel),
    [GatewayDispatchEvents.ChannelDelete]: heardChannelDeletion,
    [GatewayDispatchEvents.ThreadCreate]: heardThread,
    [GatewayDispatchEvents.ThreadUpdate]: (thread) => heardChannel(thread),
    [GatewayDispatchEvents.ThreadDelete]: heardChannelDeletion,
    [GatewayDispatchEvents.ThreadMembersUpdate]: heardThreadMembers,
    [GatewayDispatchEvents.ThreadListSync]({ threads, guild_id }) {
      for (const thread of threads) heardChannel(thread as APIThreadChannel, guild_id);
    },
    // A new session, or an outage is over: what came in between was not heard.
    [GatewayDispatchEvents.GuildCreate]: ({ id }) => hearing.interrupted(id),
    [GatewayDispatchEvents.GuildDelete]({ id, unavailable }) {
      // An outage, not a farewell.
      if (!unavailable) inOrder(id, {}, () => events.guildLeft(id));
    },
  });
  return {
    settled: order.settled,
    async stop() {
      stopListening();
      await order.stop();
    },
  };
}

function isWhole(edit: MessageEdit): edit is GuildMessage {
  return edit.author !== undefined && edit.content !== undefined && edit.type !== undefined;
}
