// Which of Discord's shards a client has: all of them, or, where several processes share the work, some. Known once it is ready.
// Source: https://discord.com/developers/docs/events/gateway#sharding

import { type Client, ShardClientUtil } from "discord.js";
import type { Snowflake } from "../../snowflake.ts";

const countOf = (client: Client) => Math.max(1, client.options.shardCount ?? 1);

/** Whether what happens in a guild is told to this client, and not to one of another process. */
export function isOfShards(client: Client, guildId: Snowflake): boolean {
  return client.ws.shards.has(ShardClientUtil.shardIdForGuildId(guildId, countOf(client)));
}

/** What must be done once for all of an application's processes is done where its first shard is. */
export function hasFirstShard(client: Client): boolean {
  return client.ws.shards.has(0);
}

/** Its part of what Discord allows to all of an application's processes together; more than 0, at most 1. */
export function shareOfLimits(client: Client): number {
  return Math.min(1, Math.max(1, client.ws.shards.size) / countOf(client));
}
