// The left side: the server, its channels and threads, and who one is.

import { html, nothing, type TemplateResult } from "lit";
import type { Directory, Person, Place } from "../wire.ts";
import type { Menu } from "./popup-menu.ts";
import { avatarOf, cssColor, hashOf } from "./scene.ts";

export interface SidebarOptions {
  readonly directory: Directory;
  readonly currentId: string | undefined;
  readonly unread: ReadonlySet<string>;
  readonly isLight: boolean;
  openMenu(menu: Menu): void;
  switchTo(memberId: string): void;
  switchTheme(): void;
}

const MARKS: Readonly<Record<Place["kind"], string>> = {
  text: "#",
  announcement: "📣",
  voice: "🔊",
  forum: "💬",
  category: "",
  thread: "",
};

export function sidebar(options: SidebarOptions): TemplateResult {
  const { directory } = options;
  const top = directory.places.filter(({ kind }) => kind !== "thread");
  const threadsOf = (id: string) =>
    directory.places.filter(({ kind, parentId }) => kind === "thread" && parentId === id);
  return html`<nav class="sidebar" aria-label="Channels of ${directory.guild.name}">
    <header class="bar server">${directory.guild.name}</header>
    <ul class="channels">
      ${top.map((place) => {
        const threads = threadsOf(place.id);
        return html`<li>
          ${channelLink(place, options)}
          ${
            threads.length > 0
              ? html`<ul class="threads">
                  ${threads.map((thread) => html`<li>${channelLink(thread, options)}</li>`)}
                </ul>`
              : nothing
          }
        </li>`;
      })}
    </ul>
    ${viewerPanel(options)}
  </nav>`;
}

function channelLink(place: Place, { currentId, unread }: SidebarOptions): TemplateResult {
  const isUnread = unread.has(place.id);
  const label = [
    place.name,
    place.kind === "thread" ? "thread" : `${place.kind} channel`,
    ...(place.private ? ["private"] : []),
    ...(isUnread ? ["unread"] : []),
  ].join(", ");
  return html`<a
    href=${hashOf(place.id)}
    class="channel ${isUnread ? "unread" : ""}"
    aria-label=${label}
    aria-current=${place.id === currentId ? "page" : nothing}
    ><span class="mark" aria-hidden="true">${MARKS[place.kind]}</span>${place.name}${
      place.private ? html`<span class="lock" aria-hidden="true" title="private">🔒</span>` : nothing
    }</a
  >`;
}

function viewerPanel({ directory, isLight, openMenu, switchTo, switchTheme }: SidebarOptions): TemplateResult {
  const viewer = directory.people.find(({ id }) => id === directory.viewerId);
  const open = (event: Event) =>
    openMenu({
      label: "See and do everything as",
      at: event.currentTarget as Element,
      items: membersFirst(directory).map((person, index) => ({
        label: person.name,
        detail: describe(person),
        picture: avatarOf(person.id, person.name),
        color: cssColor(person.color),
        checked: person.id === directory.viewerId,
        ...(index === 0 && { group: "See and do everything as" }),
        ...(index === directory.suggestedIds.length && { group: "Everybody else" }),
        run: () => switchTo(person.id),
      })),
    });
  return html`<div class="viewer">
    ${
      viewer
        ? html`<button type="button" aria-haspopup="menu" aria-label="You are ${viewer.name}. Switch member" @click=${open}>
            <img class="avatar" src=${avatarOf(viewer.id, viewer.name)} alt="" />
            <span><b>${viewer.name}</b><small>${describe(viewer)}</small></span>
            <span aria-hidden="true">⇅</span>
          </button>`
        : nothing
    }
    <button type="button" class="theme" aria-pressed=${isLight} aria-label="Light theme" @click=${switchTheme}>
      ${isLight ? "☀️" : "🌙"}
    </button>
  </div>`;
}

function describe({ owner, roles }: Person): string {
  return [...(owner ? ["owner"] : []), ...roles].join(", ") || "no role";
}

function membersFirst({ people, suggestedIds }: Directory): Person[] {
  const known = people.filter(({ bot, member }) => member && !bot);
  const suggested = suggestedIds.flatMap((id) => known.find((person) => person.id === id) ?? []);
  return [...suggested, ...known.filter(({ id }) => !suggestedIds.includes(id))];
}
