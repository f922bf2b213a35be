// Whether a client is connected: when it is ready, when it may have missed what happened, which guilds invited the bot, and what
// it did not ask Discord for.

import { type Client, Events, GatewayIntentBits, Status } from "discord.js";
import type { IntentName } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";
import { listen } from "./listen.ts";

export interface ConnectionEvents {
  /** A session of the gateway has begun: the first, or another one because the last could not be resumed. */
  connected(): void;
  /** The bot was invited to a guild, perhaps not for the first time. */
  invited(guildId: Snowflake): void;
  /** A guild that was out of service is back. */
  available(guildId: Snowflake): void;
}

/** @returns stops listening, removing nobody else's listeners */
export function listenToConnection(client: Client, events: ConnectionEvents): () => void {
  return listen(client, {
    // Not after a resume: then Discord sends all that was missed.
    [Events.ShardReady]: () => events.connected(),
    [Events.GuildCreate]: (guild) => events.invited(guild.id),
    [Events.GuildAvailable]: (guild) => events.available(guild.id),
  });
}

/** Every shard of this process has its gateway connection at this moment. */
export function isConnected(client: Client): boolean {
  return client.isReady() && client.ws.shards.every((shard) => shard.status === Status.Ready);
}

/** Resolves when the client is ready, or when the signal aborts. */
export async function clientReady(client: Client, signal: AbortSignal): Promise<void> {
  if (client.isReady() || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      client.off(Events.ClientReady, done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    client.on(Events.ClientReady, done);
    signal.addEventListener("abort", done);
  });
}

const NEEDED: readonly IntentName[] = ["Guilds", "GuildMessages", "MessageContent"];

/** Which of the intents that are needed a client did not ask for. The application may have the privilege all the same. */
export function lackingIntents(client: Client): IntentName[] {
  return NEEDED.filter((name) => !client.options.intents.has(GatewayIntentBits[name]));
}
