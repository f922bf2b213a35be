// A message as Discord shows it: author, words, attachments, and who may see it. Embeds and components have files of their own.

import { type APIAttachment, type APIMessage, MessageFlags, MessageType } from "discord-api-types/v10";
import { html, nothing, type TemplateResult } from "lit";
import { componentRows } from "./components-view.ts";
import { embedView } from "./embed-view.ts";
import { plainText } from "./markdown.ts";
import { inlineMarkdown, markdown } from "./markdown-view.ts";
import { avatarOf, cssColor, hashOf, type Scene } from "./scene.ts";
import { formatTime, messageTime } from "./when.ts";

export interface MessageSetting {
  /** Follows the same author's message closely: only the words are shown. */
  readonly continues: boolean;
  /** What a jump link led to. */
  readonly isTarget: boolean;
  /** The one message that Tab reaches. */
  readonly isFocusable: boolean;
}

const NOTICES: Partial<Record<MessageType, readonly [icon: "join" | "pin" | "thread", words: string]>> = {
  [MessageType.UserJoin]: ["join", "joined the server."],
  [MessageType.ChannelPinnedMessage]: ["pin", "pinned a message to this channel."],
  [MessageType.ThreadCreated]: ["thread", "started a thread."],
};

export function authorOf(message: APIMessage, scene: Scene) {
  const { id, username, global_name, bot = false } = message.author;
  const person = scene.person(id);
  const name = person?.name ?? global_name ?? username;
  return { id, name, bot, color: cssColor(person?.color), avatar: avatarOf(id, name, bot) };
}

function hasFlag(message: APIMessage, flag: MessageFlags): boolean {
  return ((message.flags ?? 0) & flag) !== 0;
}

export function isEphemeral(message: APIMessage): boolean {
  return hasFlag(message, MessageFlags.Ephemeral);
}

export function messageView(message: APIMessage, scene: Scene, setting: MessageSetting): TemplateResult {
  const author = authorOf(message, scene);
  const timeMs = Date.parse(message.timestamp);
  const notice = NOTICES[message.type];
  if (notice) {
    const [icon, words] = notice;
    return html`<discord-system-message data-id=${message.id} type=${icon} timestamp=${messageTime(timeMs, scene.nowMs)}>
      <b>${author.name}</b> ${words}
    </discord-system-message>`;
  }
  const when = setting.continues ? formatTime(timeMs, "t", scene.nowMs) : messageTime(timeMs, scene.nowMs);
  const mentionsViewer = message.mentions.some(({ id }) => id === scene.directory.viewerId);
  const openMenu = (event: MouseEvent) => {
    // A link keeps the browser's own menu.
    if (event.composedPath().some((part) => part instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    scene.openMenu(message, event);
  };
  return html`<discord-message
    data-id=${message.id}
    role="article"
    tabindex=${setting.isFocusable ? 0 : -1}
    aria-label=${labelOf(message, author.name, when)}
    class=${setting.isTarget ? "target" : ""}
    author=${author.name}
    avatar=${author.avatar}
    role-color=${author.color ?? ""}
    timestamp=${when}
    ?bot=${author.bot}
    ?edited=${message.edited_timestamp !== null}
    ?ephemeral=${isEphemeral(message)}
    ?highlight=${setting.isTarget || mentionsViewer}
    ?message-body-only=${setting.continues}
    .dismissMessageClicked=${() => scene.dismiss(message.id)}
    @contextmenu=${openMenu}
  >
    ${replyView(message, scene)}<span class="markup">${wordsView(message, scene)}</span>
    <button
      class="more"
      type="button"
      tabindex=${setting.isFocusable ? 0 : -1}
      aria-label="More"
      aria-haspopup="menu"
      @click=${(event: Event) => scene.openMenu(message, event.currentTarget as Element)}
    >
      ⋯
    </button>
    ${attachmentsView(message.attachments)} ${message.embeds.map((embed) => embedView(embed, scene))}
    ${pollView(message)} ${componentRows(message, scene)} ${threadView(message, scene)}
  </discord-message>`;
}

function labelOf(message: APIMessage, author: string, when: string): string {
  const titles = message.embeds.flatMap(({ title }) => (title ? [plainText(title)] : []));
  const words = [plainText(message.content), ...titles].filter(Boolean).join(". ");
  const seen = isEphemeral(message) ? ", only you can see this" : "";
  return `${author}, ${when}${seen}: ${words.slice(0, 200)}`;
}

function wordsView(message: APIMessage, scene: Scene) {
  if (hasFlag(message, MessageFlags.Loading)) {
    return html`<span class="thinking" role="status"
      ><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span> ${authorOf(message, scene).name} is thinking…</span
    >`;
  }
  const starter = message.type === MessageType.ThreadStarterMessage ? message.referenced_message : undefined;
  const forwarded = message.message_snapshots?.[0]?.message;
  if (forwarded) {
    return html`<blockquote><i>↪ Forwarded</i><br />${markdown(forwarded.content, scene)}</blockquote>`;
  }
  return markdown((starter ?? message).content, scene);
}

function replyView(message: APIMessage, scene: Scene) {
  const used = message.interaction;
  if (used) {
    const user = scene.person(used.user.id);
    const name = user?.name ?? used.user.username;
    const isMenu = message.type === MessageType.ContextMenuCommand;
    const about = isMenu ? message.referenced_message : undefined;
    const author = about && authorOf(about, scene);
    return html`<discord-command
      slot="reply"
      author=${name}
      avatar=${avatarOf(used.user.id, name)}
      role-color=${cssColor(user?.color) ?? ""}
      command=${used.name}
      type=${isMenu ? "message_command" : "slash_command"}
      ?context-message-deleted=${isMenu && !about}
      .contextUserName=${author?.name ?? ""}
      .contextUserAvatar=${author?.avatar ?? ""}
      .contextUserRoleColor=${author?.color ?? ""}
      context-message-reply=${about ? plainText(about.content) || "Click to see attachment" : nothing}
      ?context-attachment-reply=${(about?.attachments.length ?? 0) > 0}
    ></discord-command>`;
  }
  const replied = message.type === MessageType.Reply ? message.referenced_message : undefined;
  if (replied === undefined) return nothing;
  if (replied === null) return html`<discord-reply slot="reply" deleted></discord-reply>`;
  const author = authorOf(replied, scene);
  const words = replied.content ? inlineMarkdown(replied.content, scene) : "Click to see attachment";
  return html`<discord-reply
    slot="reply"
    author=${author.name}
    avatar=${author.avatar}
    role-color=${author.color ?? ""}
    ?bot=${author.bot}
    ?attachment=${replied.attachments.length > 0}
    ><a class="bare" href=${hashOf(replied.channel_id, replied.id)}>${words}</a></discord-reply
  >`;
}

function attachmentsView(attachments: readonly APIAttachment[]) {
  if (attachments.length === 0) return nothing;
  return html`<discord-attachments slot="attachments">${attachments.map(attachmentView)}</discord-attachments>`;
}

function attachmentView(file: APIAttachment): TemplateResult {
  const { url, size, content_type = "", description } = file;
  // As Discord's own client: the title and the ending of the file's name.
  const name = file.title ? file.title + (/\.\w+$/.exec(file.filename)?.[0] ?? "") : file.filename;
  if (content_type.startsWith("image/")) {
    return html`<discord-image-attachment custom-image-element url=${url} alt=${description ?? name}
      ><a href=${url} target="_blank" rel="noopener"
        ><img class="picture" src=${url} alt=${description ?? name} title=${description ?? nothing} loading="lazy" /></a
    ></discord-image-attachment>`;
  }
  const [amount, unit] = size < 1_024 ? [size, "bytes"] : [Math.round(size / 1_024), "KB"];
  return html`<discord-file-attachment
    name=${name}
    bytes=${amount}
    bytes-unit=${unit}
    href=${url}
    target="_blank"
    rel="noopener"
    type=${content_type}
  ></discord-file-attachment>`;
}

/** Votes are not part of the stand-in, so it is a picture only. */
function pollView({ poll }: APIMessage) {
  if (!poll) return nothing;
  const answers = poll.answers.map(
    ({ poll_media }) => html`<discord-poll-answer answer=${poll_media.text ?? ""} .votes=${0}></discord-poll-answer>`,
  );
  return html`<discord-poll slot="embeds" inert question=${poll.question.text ?? ""} time-end="24h">${answers}</discord-poll>`;
}

/** A public thread has the id of the message it began from. */
function threadView(message: APIMessage, scene: Scene) {
  const thread = hasFlag(message, MessageFlags.HasThread) ? scene.place(message.id) : undefined;
  if (!thread) return nothing;
  const cta = `${thread.messages} Message${thread.messages === 1 ? "" : "s"}`;
  return html`<a slot="thread" class="bare" href=${hashOf(thread.id)} aria-label="Thread ${thread.name}, ${cta}"
    ><discord-thread name=${thread.name} cta=${cta}>Open the thread</discord-thread></a
  >`;
}
