// The messages of one channel: loaded by the page, kept live, scrolled, and walked through with the arrow keys.

import { type APIMessage, MessageType } from "discord-api-types/v10";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { Happening, History, Place } from "../wire.ts";
import { isEphemeral, messageView } from "./message-view.ts";
import { hashOf, type Scene } from "./scene.ts";
import type { Session } from "./session.ts";
import { formatTime, startOfDay } from "./when.ts";

/** What the address names: a channel, and perhaps a message in it. */
export interface Target {
  readonly channelId: string;
  readonly messageId?: string;
}

const CONTINUES_WITHIN_MS = 7 * 60_000;
const AT_END_PX = 60;
const LOAD_AHEAD_PX = 500;
/** Far more than anybody scrolls back; the other end is dropped beyond it and loaded again when needed. */
const MOST_KEPT = 400;

@customElement("chat-log")
export class ChatLog extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @property({ attribute: false }) accessor scene: Scene | undefined;
  @property({ attribute: false }) accessor place: Place | undefined;
  @property({ attribute: false }) accessor target: Target | undefined;
  @property({ attribute: false }) accessor dismissed: ReadonlySet<string> = new Set();
  @state() private accessor history: History | undefined;
  @state() private accessor problem = "";
  @state() private accessor focusedId: string | undefined;
  private shownChannelId = "";
  private shownSession: Session | undefined;
  private isAtEnd = true;
  private lastTop = 0;
  private isLoading = false;
  private readonly growth = new ResizeObserver(() => {
    if (this.isAtEnd) this.scrollToEnd();
  });

  protected override createRenderRoot() {
    return this;
  }

  override disconnectedCallback(): void {
    this.growth.disconnect();
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("session") || changed.has("target")) void this.show();
  }

  protected override updated(): void {
    const messages = this.querySelector("discord-messages");
    if (messages) this.growth.observe(messages);
  }

  private get scroller(): HTMLElement | null {
    return this.querySelector(".scroller");
  }

  private scrollToEnd(): void {
    const { scroller } = this;
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  }

  /** Shows the target: the newest messages of a channel, or one message among its neighbours. */
  private async show(): Promise<void> {
    const { session, target } = this;
    if (!session || !target) return;
    const { channelId, messageId } = target;
    const isElsewhere = channelId !== this.shownChannelId || session !== this.shownSession;
    const isHere = !isElsewhere && messageId && this.history?.messages.some(({ id }) => id === messageId);
    if (!isHere) {
      if (isElsewhere) this.history = undefined;
      try {
        const history = await session.history(channelId, messageId ? { around: messageId } : {});
        if (this.target !== target || this.session !== session) return;
        this.history = history;
        this.problem = "";
        this.shownChannelId = channelId;
        this.shownSession = session;
      } catch (thrown) {
        this.history = undefined;
        this.problem = thrown instanceof Error ? thrown.message : String(thrown);
        return;
      }
    }
    this.isAtEnd = messageId === undefined;
    this.focusedId = messageId;
    await this.updateComplete;
    await new Promise(requestAnimationFrame);
    if (messageId) this.elementOf(messageId)?.scrollIntoView({ block: "center" });
    else this.scrollToEnd();
    if (messageId) this.elementOf(messageId)?.focus({ preventScroll: true });
  }

  /** After a break: what happened meanwhile was missed. */
  async reload(): Promise<void> {
    if (this.isAtEnd) await this.show();
  }

  /** Something happened; it may concern another channel. */
  happened(happening: Happening): void {
    const { history } = this;
    if (!history || happening.type === "directory") return;
    if (happening.type === "gone") {
      this.history = { ...history, messages: history.messages.filter(({ id }) => !happening.ids.includes(id)) };
      return;
    }
    const { message, isNew } = happening;
    if (message.channel_id !== this.shownChannelId) return;
    const at = history.messages.findIndex(({ id }) => id === message.id);
    if (at >= 0) this.history = { ...history, messages: history.messages.with(at, message) };
    else if (isNew) this.arrived(message, history);
  }

  /** What one does oneself leads to the end; what others do shows there and moves nothing. */
  private arrived(message: APIMessage, history: History): void {
    const { viewerId } = this.scene?.directory ?? {};
    const isOwn = isEphemeral(message) || [message.author.id, message.interaction?.user.id].includes(viewerId);
    if (history.hasNewer) {
      if (isOwn) location.hash = hashOf(message.channel_id);
      return;
    }
    this.isAtEnd ||= isOwn;
    const kept = this.isAtEnd ? history.messages.slice(-MOST_KEPT) : history.messages;
    const hasOlder = history.hasOlder || kept.length < history.messages.length;
    this.history = { ...history, messages: [...kept, message], hasOlder };
  }

  private readonly onScroll = (): void => {
    const { scroller, history } = this;
    if (!scroller || !history) return;
    const toEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    // Growth moves the end away, too; only who scrolls up leaves it.
    if (toEnd < AT_END_PX) this.isAtEnd = !history.hasNewer;
    else if (scroller.scrollTop < this.lastTop) this.isAtEnd = false;
    this.lastTop = scroller.scrollTop;
    if (scroller.scrollTop < LOAD_AHEAD_PX && history.hasOlder) void this.loadMore("before");
    else if (toEnd < LOAD_AHEAD_PX && history.hasNewer) void this.loadMore("after");
  };

  private async loadMore(side: "before" | "after"): Promise<void> {
    const { session, history } = this;
    const edge = side === "before" ? history?.messages[0] : history?.messages.at(-1);
    if (this.isLoading || !session || !edge) return;
    this.isLoading = true;
    try {
      const more = await session.history(this.shownChannelId, { [side]: edge.id });
      const now = this.history;
      const nowEdge = side === "before" ? now?.messages[0] : now?.messages.at(-1);
      if (!now || nowEdge?.id !== edge.id) return;
      this.history =
        side === "before"
          ? { ...now, messages: [...more.messages, ...now.messages], hasOlder: more.hasOlder }
          : { ...now, messages: [...now.messages, ...more.messages], hasNewer: more.hasNewer };
    } catch (thrown) {
      this.problem = thrown instanceof Error ? thrown.message : String(thrown);
    } finally {
      this.isLoading = false;
    }
  }

  private elementOf(messageId: string): HTMLElement | null {
    return this.querySelector(`[data-id="${CSS.escape(messageId)}"]`);
  }

  /** Up and down walk from message to message; Enter opens the menu. */
  private readonly onKey = (event: KeyboardEvent): void => {
    const from = event.target;
    if (!(from instanceof HTMLElement) || from.dataset.id === undefined) return;
    const all = [...this.querySelectorAll<HTMLElement>("discord-message[data-id]")];
    const at = all.indexOf(from);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      this.focusedId = all[to]?.dataset.id ?? this.focusedId;
      all[to]?.focus();
    } else if (event.key === "Enter" || event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      const message = this.history?.messages.find(({ id }) => id === from.dataset.id);
      if (message) this.scene?.openMenu(message, from);
    } else return;
    event.preventDefault();
  };

  protected override render() {
    const { scene, place, history } = this;
    if (!scene || !place) return nothing;
    if (this.problem) return html`<p class="problem" role="alert">${this.problem}</p>`;
    const shown = (history?.messages ?? []).filter(({ id }) => !this.dismissed.has(id));
    return html`<div
        class="scroller"
        role="log"
        aria-label="Messages in ${place.name}"
        aria-busy=${history === undefined}
        @scroll=${this.onScroll}
        @keydown=${this.onKey}
      >
        ${history && !history.hasOlder ? welcomeView(place) : nothing}
        ${keyed(
          `${scene.isLight} ${this.shownChannelId}`,
          html`<discord-messages ?light-theme=${scene.isLight} no-background
            >${repeat(
              shown,
              ({ id }) => id,
              (message, index) => this.entryView(message, shown[index - 1], index === shown.length - 1, scene),
            )}</discord-messages
          >`,
        )}
      </div>
      ${
        history?.hasNewer
          ? html`<a class="present" href="#${place.id}">You are viewing older messages. <b>Jump to present</b></a>`
          : nothing
      }`;
  }

  private entryView(
    message: APIMessage,
    before: APIMessage | undefined,
    isLast: boolean,
    scene: Scene,
  ): TemplateResult {
    const timeMs = Date.parse(message.timestamp);
    const beforeMs = before ? Date.parse(before.timestamp) : 0;
    const isNewDay = startOfDay(timeMs) !== startOfDay(beforeMs);
    const continues =
      before?.author.id === message.author.id &&
      before.type !== MessageType.UserJoin &&
      message.embeds.length === 0 &&
      timeMs - beforeMs < CONTINUES_WITHIN_MS &&
      !isNewDay &&
      !message.message_reference &&
      !message.interaction;
    const day = formatTime(timeMs, "D", scene.nowMs);
    const view = messageView(message, scene, {
      continues,
      isTarget: message.id === this.target?.messageId,
      isFocusable: this.focusedId === undefined ? isLast : this.focusedId === message.id,
    });
    return html`${isNewDay ? html`<div class="day" role="separator" aria-label=${day}><span>${day}</span></div>` : nothing}${view}`;
  }
}

function welcomeView({ name, kind, topic }: Place) {
  const mark = kind === "thread" ? "🧵" : "#";
  return html`<div class="welcome">
    <div class="mark" aria-hidden="true">${mark}</div>
    <h2>Welcome to ${kind === "thread" ? "" : "#"}${name}!</h2>
    <p>This is the start of ${kind === "thread" ? "the thread" : "the channel"}. ${topic}</p>
  </div>`;
}
