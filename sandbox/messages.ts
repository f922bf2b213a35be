// Messages come, change and go: the driver's hand (as members), and the doors that the bot's REST requests share with it.

import {
  type APIEmbed,
  type APIMessageTopLevelComponent,
  type APIPoll,
  MessageFlags,
  MessageType,
  StickerFormatType,
} from "discord-api-types/v10";
import { compareSnowflakes, type Snowflake } from "../src/snowflake.ts";
import { type AttachmentInput, newAttachment } from "./attachments.ts";
import { type LooseComponent, storedComponents, storedEmbeds } from "./message-body.ts";
import type { Channel, Guild, Message } from "./model.ts";
import { canReadHistory, channelPermissions, sendPermission } from "./permissions.ts";
import { getChannel, getMessage, getUser, isoTimeOf, type State } from "./state.ts";

/** Members with Nitro may write this much; bots 2,000. */
const MEMBER_CONTENT_LIMIT = 4000;

export interface PostInput {
  readonly channelId: Snowflake;
  /** A member must be allowed to write here; a user who is no member (gone, or a webhook) may always. */
  readonly authorId: Snowflake;
  readonly content?: string;
  readonly replyTo?: Snowflake;
  readonly attachments?: readonly AttachmentInput[];
  readonly embeds?: readonly APIEmbed[];
  readonly components?: readonly APIMessageTopLevelComponent[];
  readonly poll?: { readonly question: string; readonly answers: readonly string[] };
  /** Names of its stickers. */
  readonly stickers?: readonly string[];
  /** Id of the message this one forwards. */
  readonly forward?: Snowflake;
  /** For Discord's own notices (a member joined, a message was pinned), which may be wordless. */
  readonly type?: MessageType;
  /** When it was written, in milliseconds since 1970. Default: now. */
  readonly timestamp?: number;
  /** Default: a fresh id at `timestamp`. */
  readonly id?: Snowflake;
}

/** A message of the past for `loadMessages`. */
export interface HistoricMessage {
  readonly id: Snowflake;
  readonly channelId: Snowflake;
  readonly authorId: Snowflake;
  readonly content: string;
  readonly type?: MessageType;
  readonly editedAt?: number;
  readonly replyTo?: Snowflake;
  readonly attachments?: readonly AttachmentInput[];
  readonly embeds?: readonly APIEmbed[];
}

export interface MessageActions {
  /** Writes a message. @throws Error when the author may not write there, or the message is empty or too long */
  postMessage(input: PostInput): Message;
  /** Loads history quietly: no event, no permission asked, any order. Authors and channels must exist. */
  loadMessages(messages: Iterable<HistoricMessage>): { loaded: number };
  editMessage(messageId: Snowflake, change: { content?: string; embeds?: readonly APIEmbed[] }): Message;
  pinMessage(messageId: Snowflake): Message;
  deleteMessage(messageId: Snowflake): void;
  /** Deletes messages of one channel in one event, as moderators' tools do. */
  deleteMessages(channelId: Snowflake, messageIds: readonly Snowflake[]): void;
  /** What a user sees in a channel, newest first, ephemeral replies to them included. */
  visibleMessages(
    userId: Snowflake,
    channelId: Snowflake,
    page?: { before?: Snowflake; after?: Snowflake; around?: Snowflake; limit?: number },
  ): Message[];
}

export function createMessageActions(state: State): MessageActions {
  function mayWrite(guild: Guild, channel: Channel, authorId: Snowflake): boolean {
    if (!guild.members.has(authorId)) return true;
    return (channelPermissions(guild, channel, authorId) & sendPermission(channel)) !== 0n;
  }

  function historic(input: HistoricMessage): Message {
    const { id, channelId, authorId, content, type, editedAt, replyTo, attachments, embeds } = input;
    getUser(state, authorId);
    const { guild } = getChannel(state, channelId);
    return {
      id,
      guildId: guild.id,
      channelId,
      authorId,
      type: type ?? (replyTo ? MessageType.Reply : MessageType.Default),
      content,
      flags: 0,
      ...(editedAt === undefined ? {} : { editedAt }),
      ...(replyTo ? { replyTo: { guildId: guild.id, channelId, messageId: replyTo } } : {}),
      ...(attachments ? { attachments: attachments.map((file) => newAttachment(state, file)) } : {}),
      ...(embeds ? { embeds: storedEmbeds(embeds) } : {}),
    };
  }

  return {
    postMessage(input) {
      const { guild, channel } = getChannel(state, input.channelId);
      const author = getUser(state, input.authorId);
      const content = input.content ?? "";
      if (!mayWrite(guild, channel, author.id)) throw new Error(`${author.username} may not write in #${channel.name}`);
      if (content.length > MEMBER_CONTENT_LIMIT) throw new Error(`a message holds ${MEMBER_CONTENT_LIMIT} characters`);
      const { attachments = [], embeds = [], stickers = [] } = input;
      const isEmpty =
        !content && attachments.length + embeds.length + stickers.length === 0 && !input.poll && !input.forward;
      if (isEmpty && input.type === undefined)
        throw new Error("a message needs content, an attachment, an embed, a poll, a sticker or a forwarded message");
      const id = input.id ?? (input.timestamp === undefined ? state.nextId() : state.idAt(input.timestamp));
      const forwarded = input.forward ? getMessage(state, input.forward) : undefined;
      const replied = input.replyTo ? getMessage(state, input.replyTo) : undefined;
      return insertMessage(state, {
        id,
        guildId: guild.id,
        channelId: channel.id,
        authorId: author.id,
        type: input.type ?? (replied ? MessageType.Reply : MessageType.Default),
        content,
        flags: forwarded ? MessageFlags.HasSnapshot : 0,
        ...(replied ? { replyTo: refTo(replied) } : {}),
        ...(input.attachments ? { attachments: input.attachments.map((file) => newAttachment(state, file)) } : {}),
        ...(input.embeds ? { embeds: storedEmbeds(input.embeds) } : {}),
        ...(input.components ? { components: storedComponents(input.components as unknown as LooseComponent[]) } : {}),
        ...(input.poll ? { poll: newPoll(input.poll, state.now()) } : {}),
        ...(stickers.length > 0
          ? { stickers: stickers.map((name) => ({ id: state.nextId(), name, format_type: StickerFormatType.PNG })) }
          : {}),
        ...(forwarded ? { forwardOf: refTo(forwarded), snapshot: snapshotOf(forwarded) } : {}),
      });
    },
    loadMessages(inputs) {
      const byChannel = new Map<Snowflake, Message[]>();
      let loaded = 0;
      for (const input of inputs) {
        const list = byChannel.get(input.channelId) ?? [];
        if (list.length === 0) byChannel.set(input.channelId, list);
        list.push(historic(input));
        loaded++;
      }
      for (const [channelId, messages] of byChannel) {
        const { channel } = getChannel(state, channelId);
        channel.messages.load(messages);
        if (channel.thread) channel.thread.totalSent += messages.length;
      }
      return { loaded };
    },
    editMessage: (messageId, { embeds, ...change }) =>
      changeMessage(state, getMessage(state, messageId), {
        ...change,
        ...(embeds ? { embeds: storedEmbeds(embeds) } : {}),
      }),
    pinMessage: (messageId) => changeMessage(state, getMessage(state, messageId), { pinned: true }, { isEdit: false }),
    deleteMessage: (messageId) => removeMessage(state, getMessage(state, messageId)),
    deleteMessages: (channelId, messageIds) => removeMessages(state, channelId, messageIds),
    visibleMessages(userId, channelId, { before, after, around, limit = 50 } = {}) {
      const { guild, channel } = getChannel(state, channelId);
      if (!canReadHistory(guild, channel, userId)) return [];
      const own = [...state.ephemeralMessages.values()].filter(
        (message) =>
          message.channelId === channelId &&
          message.ephemeralFor === userId &&
          (!before || compareSnowflakes(message.id, before) < 0) &&
          (!after || compareSnowflakes(message.id, after) > 0),
      );
      if (around) return channel.messages.page({ around }, limit);
      if (after) {
        const next = [...channel.messages.page({ after }, limit), ...own];
        return next.sort((a, b) => compareSnowflakes(b.id, a.id)).slice(-limit);
      }
      const shown = channel.messages.page(before ? { before } : undefined, limit);
      return [...shown, ...own].sort((a, b) => compareSnowflakes(b.id, a.id)).slice(0, limit);
    },
  };
}

export function refTo({ guildId, channelId, id }: Message) {
  return { guildId, channelId, messageId: id };
}

/** Puts a message where it belongs and tells of it. A thread wakes from the archive and is joined by the author. */
export function insertMessage(state: State, message: Message): Message {
  const { guild, channel } = getChannel(state, message.channelId);
  if (message.ephemeralFor) state.ephemeralMessages.set(message.id, message);
  else channel.messages.add(message);
  const { thread } = channel;
  if (thread && !message.ephemeralFor) {
    thread.totalSent++;
    if (thread.archived && !thread.locked) {
      thread.archived = false;
      thread.archivedAt = state.now();
      state.emit({ type: "thread:updated", guild, channel });
    }
    if (!thread.members.has(message.authorId)) {
      thread.members.set(message.authorId, state.now());
      state.emit({ type: "thread:members", guild, channel, added: [message.authorId], removed: [] });
    }
  }
  state.emit({ type: "message:created", guild, channel, message });
  return message;
}

/** Changes a message, marks it as edited (unless it was only loading until now) and tells of it. */
export function changeMessage(
  state: State,
  message: Message,
  change: Partial<Pick<Message, "content" | "embeds" | "components" | "attachments" | "flags" | "pinned">>,
  { isEdit = true } = {},
): Message {
  const { guild, channel } = getChannel(state, message.channelId);
  const wasLoading = (message.flags & MessageFlags.Loading) !== 0;
  Object.assign(message, change, isEdit && !wasLoading ? { editedAt: state.now() } : {});
  message.flags &= ~MessageFlags.Loading;
  state.emit({ type: "message:updated", guild, channel, message });
  return message;
}

export function removeMessage(state: State, message: Message): void {
  const { guild, channel } = getChannel(state, message.channelId);
  if (!state.ephemeralMessages.delete(message.id)) channel.messages.remove(message.id);
  state.emit({ type: "message:deleted", guild, channel, message });
}

/** Ids that do not exist are passed over. */
export function removeMessages(state: State, channelId: Snowflake, messageIds: readonly Snowflake[]): void {
  const { guild, channel } = getChannel(state, channelId);
  const messages = messageIds.flatMap((id) => channel.messages.remove(id) ?? []);
  if (messages.length > 0) state.emit({ type: "messages:deleted", guild, channel, messages });
}

export function newPoll(
  poll: { readonly question: string; readonly answers: readonly string[] },
  now: number,
): APIPoll {
  return {
    question: { text: poll.question },
    answers: poll.answers.map((text, index) => ({ answer_id: index + 1, poll_media: { text } })),
    expiry: new Date(now + 24 * 3_600_000).toISOString(),
    allow_multiselect: false,
    layout_type: 1,
    results: { is_finalized: false, answer_counts: [] },
  };
}

export function snapshotOf(message: Message): NonNullable<Message["snapshot"]> {
  return {
    message: {
      type: message.type,
      content: message.content,
      embeds: [...(message.embeds ?? [])],
      attachments: [],
      timestamp: isoTimeOf(message.id),
      edited_timestamp: message.editedAt === undefined ? null : new Date(message.editedAt).toISOString(),
      flags: message.flags,
      mentions: [],
      mention_roles: [],
      components: [],
    },
  };
}
