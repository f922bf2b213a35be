// REST: reading, writing, editing and deleting messages in channels and threads.

import {
  ChannelType,
  MessageFlags,
  MessageReferenceType,
  MessageType,
  PermissionFlagsBits,
} from "discord-api-types/v10";
import { type Snowflake, snowflakeTime } from "../src/snowflake.ts";
import { newAttachment } from "./attachments.ts";
import { errors } from "./discord-error.ts";
import { checkMessageBody, checkNotEmpty, type MessageBody, storedComponents, storedEmbeds } from "./message-body.ts";
import type { HistoryAnchor } from "./message-log.ts";
import { changeMessage, insertMessage, newPoll, refTo, removeMessage, removeMessages, snapshotOf } from "./messages.ts";
import type { Attachment, Message } from "./model.ts";
import { canReadHistory, sendPermission } from "./permissions.ts";
import type { OldEditLimit } from "./rate-limits.ts";
import { messageAgeMs, type RenderContext, renderMessage, withoutContent } from "./render-message.ts";
import {
  botMay,
  messageIn,
  type Place,
  queryNumber,
  type RestRequest,
  type Route,
  requirePermission,
  visiblePlace,
} from "./routes.ts";
import { findChannel, type State } from "./state.ts";

const HOUR_MS = 3_600_000;
const BULK_DELETE_MAX_AGE_MS = 14 * 24 * HOUR_MS;
/** Everything a bot may set on a message it writes or edits. */
const SETTABLE_FLAGS = MessageFlags.SuppressEmbeds | MessageFlags.SuppressNotifications | MessageFlags.IsComponentsV2;

interface CreateBody extends MessageBody {
  readonly message_reference?: {
    readonly message_id: Snowflake;
    readonly channel_id?: Snowflake;
    readonly type?: number;
    readonly fail_if_not_exists?: boolean;
  };
  readonly nonce?: string | number;
  readonly enforce_nonce?: boolean;
}

export function createMessageRoutes(context: RenderContext, oldEdits: OldEditLimit): Route[] {
  const { state } = context;

  const show = (message: Message) => {
    const shown = renderMessage(context, message);
    return state.privilegedIntents.messageContent ? shown : withoutContent(shown, state.bot.id);
  };

  function listMessages(request: RestRequest) {
    const place = visiblePlace(state, request.param("channel_id"));
    const limit = queryNumber(request, "limit", 50, 1, 100);
    // Without "read message history" Discord answers with an empty list, not with an error.
    if (!canReadHistory(place.guild, place.channel, state.bot.id)) return { status: 200, body: [] };
    return { status: 200, body: place.channel.messages.page(anchorOf(request.query), limit).map(show) };
  }

  function createMessage(request: RestRequest) {
    const place = visiblePlace(state, request.param("channel_id"));
    const body = (request.body ?? {}) as CreateBody;
    checkWriting(state, place, body, request.files.length);
    checkMessageBody(body);
    if (body.message_reference?.type !== MessageReferenceType.Forward) checkNotEmpty(body, request.files.length);
    const repeated =
      body.enforce_nonce && place.channel.messages.page(undefined, 25).find(({ nonce }) => nonce === body.nonce);
    if (repeated) return { status: 200, body: show(repeated) };
    const message = insertMessage(state, {
      id: state.nextId(),
      guildId: place.guild.id,
      channelId: place.channel.id,
      authorId: state.bot.id,
      content: body.content ?? "",
      ...storedParts(state, body, request.files),
      ...referenceOf(state, place, body),
      ...(body.nonce === undefined || body.nonce === null ? {} : { nonce: body.nonce }),
    });
    return { status: 200, body: show(message) };
  }

  function editMessage(request: RestRequest) {
    const place = visiblePlace(state, request.param("channel_id"));
    const message = messageIn(place, request.param("message_id"));
    const body = (request.body ?? {}) as MessageBody;
    if (message.authorId !== state.bot.id) throw errors.notYourMessage();
    if (place.channel.thread?.archived) throw errors.threadArchived();
    checkMessageBody(body);
    if (messageAgeMs(state, message) > HOUR_MS) oldEdits.take(place.channel.id);
    return { status: 200, body: show(changeMessage(state, message, editedParts(state, message, body, request.files))) };
  }

  function deleteMessage(request: RestRequest) {
    const place = visiblePlace(state, request.param("channel_id"));
    const message = messageIn(place, request.param("message_id"));
    if (message.authorId !== state.bot.id) requirePermission(state, place, PermissionFlagsBits.ManageMessages);
    removeMessage(state, message);
    return { status: 204 };
  }

  function bulkDelete(request: RestRequest) {
    const place = visiblePlace(state, request.param("channel_id"));
    requirePermission(state, place, PermissionFlagsBits.ManageMessages);
    const { messages: ids } = request.body as { messages: Snowflake[] };
    if (ids.length < 2 || ids.length > 100) throw errors.bulkDeleteCount();
    if (ids.some((id) => state.now() - snowflakeTime(id) > BULK_DELETE_MAX_AGE_MS)) throw errors.bulkDeleteTooOld();
    removeMessages(state, place.channel.id, ids);
    return { status: 204 };
  }

  const list = "/channels/{channel_id}/messages";
  const one = `${list}/{message_id}`;
  return [
    { method: "GET", path: list, handle: listMessages },
    { method: "POST", path: list, handle: createMessage },
    { method: "POST", path: `${list}/bulk-delete`, handle: bulkDelete },
    {
      method: "GET",
      path: one,
      handle: (request) => {
        const place = visiblePlace(state, request.param("channel_id"));
        if (!canReadHistory(place.guild, place.channel, state.bot.id)) throw errors.missingAccess();
        return { status: 200, body: show(messageIn(place, request.param("message_id"))) };
      },
    },
    { method: "PATCH", path: one, handle: editMessage },
    { method: "DELETE", path: one, handle: deleteMessage },
    {
      method: "POST",
      path: "/channels/{channel_id}/typing",
      handle: (request) => {
        const place = visiblePlace(state, request.param("channel_id"));
        requirePermission(state, place, sendPermission(place.channel));
        return { status: 204 };
      },
    },
  ];
}

function anchorOf(query: URLSearchParams): HistoryAnchor | undefined {
  const [around, before, after] = [query.get("around"), query.get("before"), query.get("after")];
  if (around) return { around };
  if (before) return { before };
  return after ? { after } : undefined;
}

/** @throws DiscordError 50008, 50083, 50013, 160002 */
function checkWriting(state: State, place: Place, body: CreateBody, fileCount: number): void {
  const { channel } = place;
  if (channel.type === ChannelType.GuildCategory || channel.type === ChannelType.GuildForum)
    throw errors.notATextChannel();
  requirePermission(state, place, sendPermission(channel));
  const isLocked = channel.thread?.locked && !botMay(state, place, PermissionFlagsBits.ManageThreads);
  if (isLocked) throw errors.threadArchived();
  if (body.embeds?.length) requirePermission(state, place, PermissionFlagsBits.EmbedLinks);
  if (fileCount > 0) requirePermission(state, place, PermissionFlagsBits.AttachFiles);
  const isReply = body.message_reference && body.message_reference.type !== MessageReferenceType.Forward;
  if (isReply && !botMay(state, place, PermissionFlagsBits.ReadMessageHistory)) throw errors.replyNeedsHistory();
}

function referenceOf(state: State, { guild, channel }: Place, body: CreateBody) {
  const reference = body.message_reference;
  if (!reference) return { type: MessageType.Default };
  const source = findChannel(state, reference.channel_id ?? channel.id)?.channel ?? channel;
  const target = source.messages.get(reference.message_id);
  if (!target) {
    if (reference.fail_if_not_exists ?? true) throw errors.unknownReference();
    return { type: MessageType.Default };
  }
  if (reference.type === MessageReferenceType.Forward) {
    return { type: MessageType.Default, forwardOf: refTo(target), snapshot: snapshotOf(target) };
  }
  return { type: MessageType.Reply, replyTo: { guildId: guild.id, channelId: source.id, messageId: target.id } };
}

/** Files of an upload, with the names and alt texts that `attachments` gives them. */
function storedFiles(state: State, body: MessageBody, files: RestRequest["files"]): Attachment[] {
  return files.map((file) => {
    const details = body.attachments?.find(({ id }) => String(id) === String(file.index));
    return newAttachment(state, {
      ...file,
      filename: details?.filename ?? file.filename,
      ...(details?.description ? { description: details.description } : {}),
    });
  });
}

/** What a new message keeps of its body, beside content and type. */
export function storedParts(state: State, body: MessageBody, files: RestRequest["files"]) {
  return {
    flags: (body.flags ?? 0) & SETTABLE_FLAGS,
    ...(files.length > 0 ? { attachments: storedFiles(state, body, files) } : {}),
    ...(body.embeds?.length ? { embeds: storedEmbeds(body.embeds) } : {}),
    ...(body.components?.length ? { components: storedComponents(body.components) } : {}),
    ...(body.poll
      ? {
          poll: newPoll(
            {
              question: body.poll.question.text ?? "",
              answers: body.poll.answers.map(({ poll_media }) => poll_media.text ?? ""),
            },
            state.now(),
          ),
        }
      : {}),
  };
}

/** What an edit changes: only what the body names; `attachments` lists the files that stay, uploads are added. */
export function editedParts(state: State, message: Message, body: MessageBody, files: RestRequest["files"]) {
  const stays = (file: Attachment) => !body.attachments || body.attachments.some(({ id }) => String(id) === file.id);
  const kept = (message.attachments ?? []).filter(stays);
  const attachments = [...kept, ...storedFiles(state, body, files)];
  const edited = {
    ...(body.content === undefined ? {} : { content: body.content ?? "" }),
    ...(body.embeds === undefined ? {} : { embeds: storedEmbeds(body.embeds) }),
    ...(body.components === undefined ? {} : { components: storedComponents(body.components) }),
    ...(body.attachments === undefined && files.length === 0 ? {} : { attachments }),
    ...(body.flags === undefined || body.flags === null
      ? {}
      : { flags: (message.flags & ~SETTABLE_FLAGS) | (body.flags & SETTABLE_FLAGS) }),
  };
  const after = { ...message, ...edited };
  checkNotEmpty(
    {
      content: after.content,
      embeds: after.embeds ?? [],
      ...(after.components ? { components: after.components as never } : {}),
    },
    after.attachments?.length ?? 0,
  );
  return edited;
}
