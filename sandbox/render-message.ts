// How Discord's API shows a message, and what a bot without the MESSAGE CONTENT intent gets of it.

import {
  type APIAttachment,
  type APIMessage,
  type APIMessageInteractionMetadata,
  ApplicationIntegrationType,
  InteractionType,
  MessageReferenceType,
} from "discord-api-types/v10";
import { type Snowflake, snowflakeTime } from "../src/snowflake.ts";
import type { Attachment, Message, MessageOrigin } from "./model.ts";
import { renderUser } from "./render-guild.ts";
import { findChannel, getUser, isoTimeOf, type State } from "./state.ts";

/** Where attachments are served; the server tells its own address. */
export interface RenderContext {
  readonly state: State;
  /** Without a trailing slash, e.g. "http://127.0.0.1:4000". */
  readonly filesUrl: string;
}

export function attachmentUrl(context: RenderContext, message: Message, attachment: Attachment): string {
  return `${context.filesUrl}/attachments/${message.channelId}/${attachment.id}/${encodeURIComponent(attachment.filename)}`;
}

function renderAttachment(context: RenderContext, message: Message, attachment: Attachment): APIAttachment {
  const url = attachmentUrl(context, message, attachment);
  return {
    id: attachment.id,
    filename: attachment.filename,
    ...(attachment.title ? { title: attachment.title } : {}),
    size: attachment.sizeBytes,
    content_type: attachment.contentType,
    url,
    proxy_url: url,
    ...(attachment.description ? { description: attachment.description } : {}),
    ...(attachment.contentType.startsWith("image/") ? { width: 800, height: 400 } : {}),
    ...(message.ephemeralFor ? { ephemeral: true } : {}),
  };
}

function mentionedUserIds(message: Message): Snowflake[] {
  if (!message.content.includes("<@")) return [];
  return [...new Set([...message.content.matchAll(/<@!?(\d+)>/g)].map((match) => match[1] ?? ""))];
}

function mentionedRoleIds(message: Message): Snowflake[] {
  if (!message.content.includes("<@&")) return [];
  return [...new Set([...message.content.matchAll(/<@&(\d+)>/g)].map((match) => match[1] ?? ""))];
}

/** Embeds with `attachment://name` turned into the file's address; those files are then not listed as attachments. */
function renderEmbeds(context: RenderContext, message: Message): Pick<APIMessage, "embeds" | "attachments"> {
  const shown = new Set<string>();
  const resolve = <Media extends { url: string }>(
    media: Media | undefined,
  ): { media?: Media & { proxy_url: string } } => {
    if (!media) return {};
    const name = media.url.startsWith("attachment://") ? media.url.slice("attachment://".length) : undefined;
    const file = name && message.attachments?.find(({ filename }) => filename === name);
    if (!file) return { media: { ...media, proxy_url: media.url } };
    shown.add(file.id);
    const url = attachmentUrl(context, message, file);
    const alt = file.description ? { description: file.description } : {};
    return { media: { ...media, url, proxy_url: url, width: 800, height: 400, ...alt } };
  };
  const embeds = (message.embeds ?? []).map((embed) => {
    const image = resolve(embed.image).media;
    const thumbnail = resolve(embed.thumbnail).media;
    return { ...embed, ...(image ? { image } : {}), ...(thumbnail ? { thumbnail } : {}) };
  });
  const attachments = (message.attachments ?? []).filter(({ id }) => !shown.has(id));
  return { embeds, attachments: attachments.map((attachment) => renderAttachment(context, message, attachment)) };
}

function renderOrigin(state: State, message: Message, origin: MessageOrigin): APIMessageInteractionMetadata {
  const base = {
    id: origin.id,
    user: renderUser(getUser(state, origin.userId)),
    authorizing_integration_owners: { [ApplicationIntegrationType.GuildInstall]: message.guildId },
  };
  switch (origin.type) {
    case InteractionType.MessageComponent:
      return { ...base, type: origin.type, interacted_message_id: origin.messageId ?? message.id };
    case InteractionType.ModalSubmit:
      return {
        ...base,
        type: origin.type,
        triggering_interaction_metadata: { ...base, type: InteractionType.ApplicationCommand },
      };
    default:
      return {
        ...base,
        type: InteractionType.ApplicationCommand,
        ...(origin.messageId ? { target_message_id: origin.messageId } : {}),
      };
  }
}

/** A message in full, as someone with the MESSAGE CONTENT intent gets it. */
export function renderMessage(context: RenderContext, message: Message, options = { withReference: true }): APIMessage {
  const { state } = context;
  const replied = message.replyTo && options.withReference ? referencedMessage(context, message.replyTo) : undefined;
  const reference = message.replyTo ?? message.forwardOf;
  const mentions = mentionedUserIds(message).flatMap((id) => state.users.get(id) ?? []);
  const repliedAuthor = message.replyTo && findMessageIn(state, message.replyTo)?.authorId;
  if (repliedAuthor && !mentions.some(({ id }) => id === repliedAuthor)) mentions.push(getUser(state, repliedAuthor));
  return {
    id: message.id,
    channel_id: message.channelId,
    type: message.type,
    content: message.content,
    author: renderUser(getUser(state, message.authorId)),
    timestamp: isoTimeOf(message.id),
    edited_timestamp: message.editedAt === undefined ? null : new Date(message.editedAt).toISOString(),
    tts: false,
    pinned: message.pinned ?? false,
    mention_everyone: message.content.includes("@everyone"),
    mentions: mentions.map(renderUser),
    mention_roles: mentionedRoleIds(message),
    ...renderEmbeds(context, message),
    components: [...(message.components ?? [])],
    flags: message.flags,
    ...(message.nonce === undefined ? {} : { nonce: message.nonce }),
    ...(message.stickers ? { sticker_items: [...message.stickers] } : {}),
    ...(message.poll ? { poll: message.poll } : {}),
    ...(message.snapshot ? { message_snapshots: [message.snapshot] } : {}),
    ...(reference
      ? {
          message_reference: {
            type: message.forwardOf ? MessageReferenceType.Forward : MessageReferenceType.Default,
            guild_id: reference.guildId,
            channel_id: reference.channelId,
            message_id: reference.messageId,
          },
        }
      : {}),
    ...(replied === undefined ? {} : { referenced_message: replied }),
    ...(message.origin
      ? {
          application_id: state.applicationId,
          webhook_id: state.applicationId,
          interaction_metadata: renderOrigin(state, message, message.origin),
          ...(message.origin.name
            ? {
                interaction: {
                  id: message.origin.id,
                  type: message.origin.type,
                  name: message.origin.name,
                  user: renderUser(getUser(state, message.origin.userId)),
                },
              }
            : {}),
        }
      : {}),
  };
}

function findMessageIn(
  state: State,
  ref: { readonly channelId: Snowflake; readonly messageId: Snowflake },
): Message | undefined {
  return findChannel(state, ref.channelId)?.channel.messages.get(ref.messageId);
}

/** null tells that it was deleted. */
function referencedMessage(context: RenderContext, ref: NonNullable<Message["replyTo"]>): APIMessage | null {
  const message = findMessageIn(context.state, ref);
  return message ? renderMessage(context, message, { withReference: false }) : null;
}

/**
 * What a bot without MESSAGE CONTENT gets: no content, embeds, attachments, components or poll, unless it wrote the message
 * or is mentioned in it. Source: https://discord.com/developers/docs/events/gateway#message-content-intent
 */
export function withoutContent(message: APIMessage, botId: Snowflake): APIMessage {
  if (message.author.id === botId || message.mentions.some(({ id }) => id === botId)) return message;
  const { poll: _poll, message_snapshots: _snapshots, referenced_message: referenced, ...rest } = message;
  return {
    ...rest,
    content: "",
    embeds: [],
    attachments: [],
    components: [],
    ...(referenced === undefined ? {} : { referenced_message: referenced && withoutContent(referenced, botId) }),
  };
}

/** Age of a message in milliseconds, by the world's clock. */
export function messageAgeMs(state: State, message: Message): number {
  return state.now() - snowflakeTime(message.id);
}
