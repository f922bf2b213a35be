// Which channels "in:" means.

import type { ChannelInfo } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";

/**
 * @param wanted an id, or a channel's or thread's name in lower case
 * @returns the channels of that id or name, with their threads
 */
export function channelsMeant(channels: readonly ChannelInfo[], wanted: string): Snowflake[] {
  const named = channels.filter((channel) => channel.id === wanted || channel.name.toLowerCase() === wanted);
  const ids = new Set(named.map((channel) => channel.id));
  const threads = channels.filter((channel) => channel.parentId !== undefined && ids.has(channel.parentId));
  return [...new Set([...ids, ...threads.map((thread) => thread.id)])];
}
