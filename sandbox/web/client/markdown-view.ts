// The tree of markdown.ts as Discord shows it. Texts go in as texts: lit escapes them, and nothing here writes HTML.

import { html, nothing, type TemplateResult } from "lit";
import { type Block, type Inline, parseInline, parseMarkdown } from "./markdown.ts";
import { cssColor, hashOf, type Scene } from "./scene.ts";
import { formatTime } from "./when.ts";

type Shown = TemplateResult | string | typeof nothing;

/** The community's own emoji, which the page has no pictures of. */
const EMOJI: Readonly<Record<string, string>> = {
  yay: "🎉",
  sawdust: "🪵",
  magicsmoke: "💨",
  benchy: "🚤",
  duct_tape: "🩹",
  sadkettle: "🫖",
};

const JUMP_LINK = /^https:\/\/(?:\w+\.)?discord\.com\/channels\/(\d+)\/(\d+)(?:\/(\d+))?$/;

export function markdown(text: string, scene: Scene, isEmbed = false): Shown[] {
  return parseMarkdown(text).map((block) => blockView(block, scene, isEmbed));
}

/** One line, without blocks, e.g. of a message replied to. */
export function inlineMarkdown(text: string, scene: Scene): Shown[] {
  return parseInline(text.replaceAll("\n", " ")).map((part) => inlineView(part, scene));
}

function blockView(block: Block, scene: Scene, isEmbed: boolean): Shown {
  const inner = (parts: readonly Inline[]) => parts.map((part) => inlineView(part, scene));
  switch (block.kind) {
    case "paragraph":
      return html`<span class="paragraph">${inner(block.inner)}</span>`;
    case "subtext":
      return html`<small class="subtext">${inner(block.inner)}</small>`;
    case "heading":
      return html`<discord-header level=${block.level}>${inner(block.inner)}</discord-header>`;
    case "quote":
      return html`<blockquote>${block.blocks.map((each) => blockView(each, scene, isEmbed))}</blockquote>`;
    case "fence":
      return html`<discord-code multiline ?embed=${isEmbed}>${block.text}</discord-code>`;
    case "list": {
      const items = block.items.map((item) => html`<li data-depth=${item.depth}>${inner(item.inner)}</li>`);
      return block.ordered
        ? html`<ol start=${block.first}>
            ${items}
          </ol>`
        : html`<ul>
            ${items}
          </ul>`;
    }
    default:
      return block satisfies never;
  }
}

function inlineView(part: Inline, scene: Scene): Shown {
  const inner = (parts: readonly Inline[]) => parts.map((each) => inlineView(each, scene));
  switch (part.kind) {
    case "text":
      return part.text;
    case "bold":
      return html`<b>${inner(part.inner)}</b>`;
    case "italic":
      return html`<em>${inner(part.inner)}</em>`;
    case "underline":
      return html`<u>${inner(part.inner)}</u>`;
    case "strike":
      return html`<s>${inner(part.inner)}</s>`;
    case "spoiler":
      return spoiler(inner(part.inner));
    case "code":
      return html`<discord-code>${part.text}</discord-code>`;
    case "link":
      return link(part.url, part.inner && inner(part.inner), scene);
    case "user": {
      const isViewer = part.id === scene.directory.viewerId;
      const name = scene.person(part.id)?.name ?? "unknown-user";
      return html`<discord-mention type="user" ?highlight=${isViewer}>${name}</discord-mention>`;
    }
    case "role": {
      const role = scene.role(part.id);
      const color = cssColor(role?.color);
      return html`<discord-mention type="role" .color=${color}>${role?.name ?? "unknown-role"}</discord-mention>`;
    }
    case "channel":
      return channelMention(part.id, scene);
    case "time": {
      const full = formatTime(part.timeMs, "F", scene.nowMs);
      return html`<discord-time title=${full}>${formatTime(part.timeMs, part.style, scene.nowMs)}</discord-time>`;
    }
    case "emoji":
      return html`<span class="emoji" role="img" aria-label=${part.text}>${EMOJI[part.text] ?? `:${part.text}:`}</span>`;
    case "command":
      return html`<discord-mention type="slash">${part.text}</discord-mention>`;
    case "everyone":
      return html`<discord-mention type="role">${part.text.slice(1)}</discord-mention>`;
    default:
      return part satisfies never;
  }
}

function spoiler(inner: Shown[]): TemplateResult {
  const reveal = (event: Event) => {
    const element = event.currentTarget as HTMLElement & { activated: boolean };
    element.activated = true;
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === " ") reveal(event);
  };
  return html`<discord-spoiler tabindex="0" role="button" aria-label="Spoiler: reveal" @click=${reveal} @keydown=${onKey}
    >${inner}</discord-spoiler
  >`;
}

function channelMention(id: string, scene: Scene): TemplateResult {
  const place = scene.place(id);
  if (!place) return html`<discord-mention type="locked"><i>No Access</i></discord-mention>`;
  const type = place.kind === "thread" ? "thread" : "channel";
  return html`<a class="bare" href=${hashOf(id)}><discord-mention type=${type}>${place.name}</discord-mention></a>`;
}

function link(url: string, label: Shown[] | undefined, scene: Scene): TemplateResult {
  const [, guildId, channelId = "", messageId] = JUMP_LINK.exec(url) ?? [];
  if (guildId !== scene.directory.guild.id) {
    return html`<discord-link href=${url} target="_blank" rel="noopener noreferrer">${label ?? url}</discord-link>`;
  }
  const place = scene.place(channelId);
  if (!place) return html`<discord-mention type="locked"><i>No Access</i></discord-mention>`;
  const href = hashOf(channelId, messageId);
  if (label) return html`<a href=${href}>${label}</a>`;
  const type = place.kind === "thread" ? "thread" : "channel";
  const what = messageId ? `Jump to the message in ${place.name}` : place.name;
  return html`<a class="bare jump" href=${href} aria-label=${what}
    ><discord-mention type=${type}>${place.name}${messageId ? " › 💬" : nothing}</discord-mention></a
  >`;
}
