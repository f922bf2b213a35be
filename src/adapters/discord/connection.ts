// Whether a client is connected: when it is ready, when it may have missed what happened, which guilds invited the bot, and what
// it did not ask Discord for.

import { type Client, Events, GatewayIntentBits, type Guild, Status } from "discord.js";
import type { IntentName } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";

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
  // Not after a resume: then Discord sends all that was missed.
  const onReady = () => events.connected();
  const onGuild = (guild: Guild) => events.invited(guild.id);
  const onAvailable = (guild: Guild) => events.available(guild.id);

  client.on(Events.ShardReady, onReady);
  client.on(Events.GuildCreate, onGuild);
  client.on(Events.GuildAvailable, onAvailable);
  return () => {
    client.off(Events.ShardReady, onReady);
    client.off(Events.GuildCreate, onGuild);
    client.off(Events.GuildAvailable, onAvailable);
  };
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
