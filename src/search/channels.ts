// Which channels "in:" means to somebody.

import type { ChannelInfo } from "../ports/archive.ts";
import type { Snowflake } from "../snowflake.ts";
import { nameKey } from "../tags.ts";

/**
 * @param wanted an id, or a channel's or thread's name in lower case
 * @param accessChannelIds what the asker can read; of other channels not even the name is known
 * @returns the channels of that id or name, with their threads; where none has just this name, those that differ in decorations only
 */
export function channelsMeant(
  channels: readonly ChannelInfo[],
  wanted: string,
  accessChannelIds: readonly Snowflake[],
): Snowflake[] {
  const readable = new Set(accessChannelIds);
  const known = channels.filter((channel) => readable.has(channel.accessChannelId));
  const exactly = known.filter((channel) => channel.id === wanted || channel.name.toLowerCase() === wanted);
  const key = nameKey(wanted);
  const named = exactly.length > 0 || key === "" ? exactly : known.filter(({ name }) => nameKey(name) === key);
  // A channel nobody has written in yet is not in the archive; who names it by its id means it all the same.
  const ids = new Set([...named.map((channel) => channel.id), ...(readable.has(wanted) ? [wanted] : [])]);
  const threads = known.filter((channel) => channel.parentId !== undefined && ids.has(channel.parentId));
  return [...new Set([...ids, ...threads.map((thread) => thread.id)])];
}
