// Listeners of a client, put on together and taken off together.

import type { Client, ClientEvents } from "discord.js";

export type Listeners = { readonly [Event in keyof ClientEvents]?: (...args: ClientEvents[Event]) => void };

/** @returns stops listening, removing nobody else's listeners */
export function listen(client: Client, listeners: Listeners): () => void {
  const all = Object.entries(listeners) as [keyof ClientEvents, (...args: unknown[]) => void][];
  for (const [event, listener] of all) client.on(event, listener);
  return () => {
    for (const [event, listener] of all) client.off(event, listener);
  };
}
