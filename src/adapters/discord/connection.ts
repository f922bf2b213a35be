// Whether a client is connected: when it is ready, since when it may have missed what happened, which guilds invited the bot,
// and what it did not ask Discord for.

import { type Client, Events, GatewayIntentBits, type Guild, Status } from "discord.js";
import type { Clock } from "../../ports/clock.ts";
import type { Snowflake } from "../../snowflake.ts";

export interface ConnectionEvents {
  /** The gateway was lost and could not be resumed; it is connected anew. @param awaySince milliseconds since 1970 */
  reconnected(awaySince: number): void;
  /** The bot was invited to a guild, perhaps not for the first time. @param joinedAt milliseconds since 1970 */
  invited(guildId: Snowflake, joinedAt: number): void;
}

/** @returns stops listening, removing nobody else's listeners */
export function listenToConnection(client: Client, events: ConnectionEvents, clock: Pick<Clock, "now">): () => void {
  let awaySince: number | undefined;

  const onLost = () => {
    awaySince ??= clock.now();
  };
  // Discord sends all that was missed.
  const onResumed = () => {
    awaySince = undefined;
  };
  const onReady = () => {
    if (awaySince === undefined) return;
    const since = awaySince;
    awaySince = undefined;
    events.reconnected(since);
  };
  const onGuild = (guild: Guild) => events.invited(guild.id, guild.joinedTimestamp);

  client.on(Events.ShardReconnecting, onLost);
  client.on(Events.ShardResume, onResumed);
  client.on(Events.ShardReady, onReady);
  client.on(Events.GuildCreate, onGuild);
  return () => {
    client.off(Events.ShardReconnecting, onLost);
    client.off(Events.ShardResume, onResumed);
    client.off(Events.ShardReady, onReady);
    client.off(Events.GuildCreate, onGuild);
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

const NEEDED = ["Guilds", "GuildMessages", "MessageContent"] as const;

/** Which of the intents that are needed a client did not ask for. The application may have the privilege all the same. */
export function lackingIntents(client: Client): string[] {
  return NEEDED.filter((name) => !client.options.intents.has(GatewayIntentBits[name]));
}
