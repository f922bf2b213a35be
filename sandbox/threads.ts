// The driver's hand on threads: begun, archived, joined and left.

import { ChannelType, MessageFlags, MessageType } from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import { insertChannel } from "./guilds.ts";
import { createMessageLog } from "./message-log.ts";
import { changeMessage, insertMessage, refTo } from "./messages.ts";
import type { Channel, Message } from "./model.ts";
import { getChannel, type State } from "./state.ts";

export interface ThreadInput {
  readonly parentId: Snowflake;
  readonly name: string;
  /** Default: public. */
  readonly private?: boolean;
  /** Who has joined. The owner always has. */
  readonly memberIds?: readonly Snowflake[];
  /** Default: the guild's owner. */
  readonly ownerId?: Snowflake;
  readonly archived?: boolean;
  /** For a thread that began from a message: that message's id. */
  readonly id?: Snowflake;
}

export interface ThreadActions {
  addThread(input: ThreadInput): Channel;
  updateThread(threadId: Snowflake, change: { name?: string; archived?: boolean; locked?: boolean }): Channel;
  addThreadMember(threadId: Snowflake, userId: Snowflake): void;
  removeThreadMember(threadId: Snowflake, userId: Snowflake): void;
}

export function createThreadActions(state: State): ThreadActions {
  function getThread(threadId: Snowflake) {
    const { guild, channel } = getChannel(state, threadId);
    if (!channel.thread) throw new Error(`channel ${threadId} is not a thread`);
    return { guild, channel, thread: channel.thread };
  }

  /** Discord marks the message a thread begins from, and opens the thread with a wordless pointer to it. */
  function beginFrom(starter: Message, { id, guildId }: Channel): void {
    changeMessage(state, starter, { flags: starter.flags | MessageFlags.HasThread }, { isEdit: false });
    insertMessage(state, {
      id: state.nextId(),
      guildId,
      channelId: id,
      authorId: starter.authorId,
      type: MessageType.ThreadStarterMessage,
      content: "",
      flags: 0,
      replyTo: refTo(starter),
    });
  }

  return {
    addThread({ parentId, name, private: isPrivate = false, memberIds = [], ownerId, archived = false, id }) {
      const { guild, channel: parent } = getChannel(state, parentId);
      if (parent.thread) throw new Error("a thread cannot have threads");
      const isAnnouncement = parent.type === ChannelType.GuildAnnouncement;
      const publicType = isAnnouncement ? ChannelType.AnnouncementThread : ChannelType.PublicThread;
      const now = state.now();
      const owner = ownerId ?? guild.ownerId;
      const channel = insertChannel(guild, {
        id: id ?? state.nextId(),
        guildId: guild.id,
        type: isPrivate ? ChannelType.PrivateThread : publicType,
        name,
        topic: null,
        parentId,
        position: 0,
        overwrites: [],
        ageRestricted: false,
        messages: createMessageLog(),
        thread: {
          ownerId: owner,
          archived,
          locked: false,
          archivedAt: now,
          createdAt: now,
          members: new Map([owner, ...memberIds].map((userId) => [userId, now])),
          totalSent: 0,
        },
      });
      state.emit({ type: "thread:created", guild, channel });
      const starter = id ? parent.messages.get(id) : undefined;
      if (starter) beginFrom(starter, channel);
      return channel;
    },
    updateThread(threadId, { name, archived, locked }) {
      const { guild, channel, thread } = getThread(threadId);
      if (name !== undefined) channel.name = name;
      if (locked !== undefined) thread.locked = locked;
      if (archived !== undefined && archived !== thread.archived) {
        thread.archived = archived;
        thread.archivedAt = state.now();
      }
      state.emit({ type: "thread:updated", guild, channel });
      return channel;
    },
    addThreadMember(threadId, userId) {
      const { guild, channel, thread } = getThread(threadId);
      if (thread.members.has(userId)) return;
      thread.members.set(userId, state.now());
      state.emit({ type: "thread:members", guild, channel, added: [userId], removed: [] });
    },
    removeThreadMember(threadId, userId) {
      const { guild, channel, thread } = getThread(threadId);
      if (!thread.members.delete(userId)) return;
      state.emit({ type: "thread:members", guild, channel, added: [], removed: [userId] });
    },
  };
}
