// The page as a whole: who one is, where one is, what is open, and the line to the server.

import type { APIMessage } from "discord-api-types/v10";
import { html, LitElement, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { Action, Directory, Happening, Outcome } from "../wire.ts";
import type { ChatLog, Target } from "./chat-log.ts";
import "./chat-log.ts";
import "./message-box.ts";
import { isEphemeral } from "./message-view.ts";
import "./modal-form.ts";
import type { Menu, MenuItem } from "./popup-menu.ts";
import "./popup-menu.ts";
import { hashOf, type Scene } from "./scene.ts";
import { createSession, type Session } from "./session.ts";
import { sidebar } from "./sidebar.ts";

/** How often relative times are brought up to date. */
const TICK_MS = 15_000;
/** Several channels may change at once. */
const DIRECTORY_PAUSE_MS = 100;

@customElement("sandbox-app")
export class SandboxApp extends LitElement {
  @state() private accessor session: Session = createSession(sessionStorage.getItem("member") ?? undefined);
  @state() private accessor directory: Directory | undefined;
  @state() private accessor target: Target | undefined;
  @state() private accessor unread: ReadonlySet<string> = new Set();
  @state() private accessor dismissed: ReadonlySet<string> = new Set();
  @state() private accessor isLight = preferredTheme() === "light";
  @state() private accessor menu: Menu | undefined;
  @state() private accessor modal: Outcome["modal"];
  @state() private accessor replyTo: APIMessage | undefined;
  @state() private accessor notice = "";
  @state() private accessor nowMs = Date.now();
  private unfollow = () => {};
  private directoryTimer: ReturnType<typeof setTimeout> | undefined;

  protected override createRenderRoot() {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.replaceChildren();
    addEventListener("hashchange", () => this.readAddress());
    setInterval(() => {
      this.nowMs = Date.now();
    }, TICK_MS);
    this.follow();
  }

  private follow(): void {
    this.unfollow();
    this.unfollow = this.session.follow({
      happened: (happening) => this.happened(happening),
      opened: () => {
        this.notice = "";
        void this.loadDirectory().then(() => this.log?.reload());
      },
      lost: () => {
        this.notice = "The connection to the demo is lost. Trying again…";
      },
    });
  }

  private get log(): ChatLog | null {
    return this.querySelector<ChatLog>("chat-log");
  }

  private async loadDirectory(): Promise<void> {
    const { session } = this;
    try {
      const directory = await session.directory();
      if (session !== this.session) return;
      this.directory = directory;
      document.title = `${directory.guild.name} · Backscroll sandbox`;
      this.readAddress();
    } catch (thrown) {
      // The member may be one of an earlier demo: begin as whoever is offered first.
      if (session.viewerId !== undefined) this.switchTo(undefined);
      else this.notice = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  /** Goes where the address says, or to the start if this member cannot. */
  private readAddress(): void {
    const { directory } = this;
    if (!directory) return;
    const [channelId = "", messageId] = location.hash.slice(1).split("/");
    const known = directory.places.some(({ id }) => id === channelId);
    const to = known ? { channelId, ...(messageId && { messageId }) } : { channelId: directory.startId ?? "" };
    if (!known) history.replaceState(null, "", hashOf(to.channelId));
    if (to.channelId === this.target?.channelId && messageId === this.target.messageId) return;
    this.target = to;
    this.replyTo = undefined;
    this.unread = new Set([...this.unread].filter((id) => id !== to.channelId));
  }

  private happened(happening: Happening): void {
    this.nowMs = Date.now();
    if (happening.type === "directory") {
      clearTimeout(this.directoryTimer);
      this.directoryTimer = setTimeout(() => void this.loadDirectory(), DIRECTORY_PAUSE_MS);
      return;
    }
    this.log?.happened(happening);
    if (happening.type !== "message" || !happening.isNew) return;
    const channelId = happening.message.channel_id;
    if (channelId !== this.target?.channelId) this.unread = new Set([...this.unread, channelId]);
  }

  private switchTo(memberId: string | undefined): void {
    if (memberId === undefined) sessionStorage.removeItem("member");
    else sessionStorage.setItem("member", memberId);
    this.session = createSession(memberId);
    // Where this member can be shows with their directory.
    this.target = undefined;
    this.unread = new Set();
    this.replyTo = undefined;
    this.follow();
  }

  private switchTheme(): void {
    this.isLight = !this.isLight;
    localStorage.setItem("theme", this.isLight ? "light" : "dark");
  }

  private async act(action: Action): Promise<void> {
    this.outcome(await this.session.act(action));
  }

  private outcome({ problem = "", modal }: Outcome): void {
    this.notice = problem;
    if (modal) this.modal = modal;
  }

  private scene(directory: Directory): Scene {
    const people = new Map(directory.people.map((person) => [person.id, person]));
    const places = new Map(directory.places.map((place) => [place.id, place]));
    const roles = new Map(directory.roles.map((role) => [role.id, role]));
    return {
      directory,
      viewer: people.get(directory.viewerId),
      isLight: this.isLight,
      nowMs: this.nowMs,
      person: (id) => people.get(id),
      place: (id) => places.get(id),
      role: (id) => roles.get(id),
      act: (action) => void this.act(action),
      openMenu: (message, at) => void this.openMessageMenu(message, at),
      dismiss: (messageId) => {
        this.dismissed = new Set([...this.dismissed, messageId]);
      },
    };
  }

  private async openMessageMenu(message: APIMessage, at: MouseEvent | Element): Promise<void> {
    const { session, directory } = this;
    if (!directory) return;
    const { menu: apps } = await session.commands(message.channel_id);
    const link = `https://discord.com/channels/${directory.guild.id}/${message.channel_id}/${message.id}`;
    const own: MenuItem[] = isEphemeral(message)
      ? [{ label: "Dismiss message", run: () => this.scene(directory).dismiss(message.id) }]
      : [
          { label: "Reply", run: () => this.reply(message) },
          { label: "Copy message link", run: () => void navigator.clipboard.writeText(link) },
        ];
    const ofApps = isEphemeral(message) ? [] : apps;
    const items = ofApps.map((name, index) => ({
      label: name,
      ...(index === 0 && { group: "Apps" }),
      run: () => void this.act({ do: "menu", messageId: message.id, name }),
    }));
    this.menu = { label: "Message", at, items: [...own, ...items] };
  }

  private reply(message: APIMessage): void {
    this.replyTo = message;
  }

  /** A link to where one is already changes no address, and still is a wish to be led there. */
  private readonly onClick = (event: Event): void => {
    const link = event.composedPath().find((part) => part instanceof HTMLAnchorElement);
    if (link?.hash && link.hash === location.hash && this.target) this.target = { ...this.target };
  };

  /** The channel one is in can be seen in the list, wherever a link has led. */
  protected override updated(changed: Map<string, unknown>): void {
    if (!changed.has("target") && !changed.has("directory")) return;
    this.querySelector(".channel[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  protected override render() {
    const { directory } = this;
    document.documentElement.dataset.theme = this.isLight ? "light" : "dark";
    if (!directory) return html`<p class="starting">${this.notice || "Starting…"}</p>`;
    const scene = this.scene(directory);
    const place = scene.place(this.target?.channelId ?? "");
    const parent = scene.place(place?.parentId ?? "");
    const mark = place?.kind === "thread" ? "🧵" : "#";
    return html`<div class="layout" @click=${this.onClick}>
        ${sidebar({
          directory,
          currentId: place?.id,
          unread: this.unread,
          isLight: this.isLight,
          openMenu: (menu) => {
            this.menu = menu;
          },
          switchTo: (memberId) => this.switchTo(memberId),
          switchTheme: () => this.switchTheme(),
        })}
        <main>
          <header class="bar place">
            <h1><span aria-hidden="true">${mark}</span> ${place?.name ?? ""}</h1>
            <p>${parent ? html`in <a href=${hashOf(parent.id)}>#${parent.name}</a>` : place?.topic}</p>
          </header>
          <chat-log
            .session=${this.session}
            .scene=${scene}
            .place=${place}
            .target=${this.target}
            .dismissed=${this.dismissed}
          ></chat-log>
          ${this.notice ? html`<p class="notice" role="alert">${this.notice}</p>` : nothing}
          <message-box
            .session=${this.session}
            .scene=${scene}
            .place=${place}
            .replyTo=${this.replyTo}
            @reply-dropped=${() => {
              this.replyTo = undefined;
            }}
            @outcome=${(event: CustomEvent<Outcome>) => this.outcome({ ...event.detail, problem: "" })}
          ></message-box>
        </main>
      </div>
      <popup-menu
        .menu=${this.menu}
        @closed=${() => {
          this.menu = undefined;
        }}
      ></popup-menu>
      <modal-form
        .session=${this.session}
        .modal=${this.modal}
        .botName=${scene.person(directory.botId)?.name ?? "the bot"}
        @closed=${() => {
          this.modal = undefined;
        }}
      ></modal-form>`;
  }
}

function preferredTheme(): string {
  return localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}
