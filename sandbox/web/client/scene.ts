// What the pictures of messages need to know besides the message: who is who, what is where, and what can be done.

import type { APIMessage } from "discord-api-types/v10";
import type { Action, Directory, Person, Place } from "../wire.ts";

export interface Scene {
  readonly directory: Directory;
  readonly viewer: Person | undefined;
  readonly isLight: boolean;
  /** For relative times. Milliseconds since 1970. */
  readonly nowMs: number;
  person(id: string): Person | undefined;
  place(id: string): Place | undefined;
  role(id: string): Directory["roles"][number] | undefined;
  act(action: Action): void;
  /** Opens the menu of a message, at the pointer or below the element. */
  openMenu(message: APIMessage, at: MouseEvent | Element): void;
  dismiss(messageId: string): void;
}

/** "#rrggbb", or undefined for no colour. */
export function cssColor(color: number | undefined): string | undefined {
  return color ? `#${color.toString(16).padStart(6, "0")}` : undefined;
}

/** A round picture with the name's first letter; the same colour for the same id. */
export function avatarOf(id: string, name: string, bot = false): string {
  const hue = Number(BigInt(/^\d+$/.test(id) ? id : "0") % 360n);
  const letter = bot ? "🤖" : (name.match(/[\p{L}\p{N}]/u)?.[0] ?? "?").toUpperCase();
  const fill = bot ? "#5865f2" : `hsl(${hue} 42% 46%)`;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="${fill}"/>` +
    `<text x="20" y="21" fill="#fff" font-family="sans-serif" font-size="18" font-weight="600" text-anchor="middle" ` +
    `dominant-baseline="central">${letter}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Where the page shows a channel, or a message in it. */
export function hashOf(channelId: string, messageId?: string): string {
  return messageId ? `#${channelId}/${messageId}` : `#${channelId}`;
}
