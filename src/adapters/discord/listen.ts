// Listeners of a client, put on together and taken off together.

import type { Client, ClientEvents, GatewayDispatchEvents, GatewayDispatchPayload } from "discord.js";

export type Listeners = { readonly [Event in keyof ClientEvents]?: (...args: ClientEvents[Event]) => void };

type Dispatched<Event, Payload = GatewayDispatchPayload> = Payload extends {
  readonly t: infer T;
  readonly d: infer Data;
}
  ? Event extends T
    ? Data
    : never
  : never;
export type DispatchListeners = { readonly [Event in GatewayDispatchEvents]?: (data: Dispatched<Event>) => void };

/** @returns stops listening, removing nobody else's listeners */
export function listen(client: Client, listeners: Listeners): () => void {
  const all = Object.entries(listeners) as [keyof ClientEvents, (...args: unknown[]) => void][];
  for (const [event, listener] of all) client.on(event, listener);
  return () => {
    for (const [event, listener] of all) client.off(event, listener);
  };
}

/** The same of what the gateway itself sends, whatever discord.js makes of it. */
export function listenToGateway({ ws }: Client, listeners: DispatchListeners): () => void {
  const all = Object.entries(listeners) as [GatewayDispatchEvents, (data: unknown) => void][];
  for (const [event, listener] of all) ws.on(event, listener);
  return () => {
    for (const [event, listener] of all) ws.off(event, listener);
  };
}
