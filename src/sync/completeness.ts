// Up to where each channel of a guild is known to be complete. The rule for those of which nothing is stored: what was written before
// the bot began to listen to the guild waits for a backfill, everything since is to be fetched. What is too old to be kept is not missing.

import type { Archive } from "../ports/archive.ts";
import type { HistoryChannel } from "../ports/discord.ts";
import { FIRST_SNOWFLAKE, newest, oldest, type Snowflake, snowflakeAfter, snowflakeBefore } from "../snowflake.ts";

type CompletenessArchive = Pick<
  Archive,
  "channels" | "completeTo" | "cursors" | "listenedSince" | "neighbours" | "saveCompleteTo" | "saveListenedSince"
>;

/** @returns up to where a channel or thread is complete; `beginListening` comes first */
export async function readCompleteness(
  archive: Pick<Archive, "completeTo" | "exclusions" | "listenedSince">,
  guildId: Snowflake,
): Promise<(channelId: Snowflake) => Snowflake> {
  const since = (await archive.listenedSince(guildId)) ?? FIRST_SNOWFLAKE;
  const known = await archive.completeTo(guildId);
  const tooOld = snowflakeBefore(await oldestKept(archive, guildId));
  return (channelId) => newest([tooOld, known.get(channelId) ?? newest([since, snowflakeBefore(channelId)])]);
}

/** Older messages are not kept. */
export async function oldestKept(archive: Pick<Archive, "exclusions">, guildId: Snowflake): Promise<Snowflake> {
  return (await archive.exclusions(guildId)).find((each) => each.by === "age")?.beforeId ?? FIRST_SNOWFLAKE;
}

/**
 * Remembers where the bot's listening to a guild begins, if that is not known yet.
 * @param channels all there are, as Discord lists them
 * @param firstHeardId the first message heard since before they were listed
 */
export async function beginListening(
  archive: CompletenessArchive,
  guildId: Snowflake,
  channels: readonly HistoryChannel[],
  firstHeardId: Snowflake | undefined,
): Promise<void> {
  if ((await archive.listenedSince(guildId)) !== undefined) return;
  const there = newest([guildId, ...channels.flatMap(({ id, lastMessageId }) => [id, lastMessageId ?? id])]);
  const heardBefore = firstHeardId === undefined ? there : oldest([there, snowflakeBefore(firstHeardId)]);
  const since = (await adoptEarlierVersions(archive, guildId)) ?? heardBefore;
  // Last, so that whoever is cut off before does it again.
  await archive.saveListenedSince(guildId, since);
}

/**
 * Versions that stored no such thing took the newest message they had of a guild for the end of what they had missed, and lost
 * what lay before it. What they may have lost is fetched again: everything since a channel's history was collected, or else since
 * the first message they kept.
 * @returns undefined when none of them has listened to the guild
 */
async function adoptEarlierVersions(archive: CompletenessArchive, guildId: Snowflake): Promise<Snowflake | undefined> {
  const cursors = await archive.cursors(guildId);
  for (const [channelId, { newestId, complete }] of cursors) {
    if (!complete) continue;
    // The bound of a collection came from this machine's clock, which may have been ahead: what is archived is certain.
    const [last] = await archive.neighbours(guildId, channelId, snowflakeAfter(newestId), "before", 1);
    await archive.saveCompleteTo(guildId, channelId, last?.record.id ?? FIRST_SNOWFLAKE);
  }
  if (cursors.size > 0) return oldest([...cursors.values()].map(({ newestId }) => newestId));
  // An import has said up to where it reaches.
  if ((await archive.completeTo(guildId)).size > 0) return undefined;
  const kept: Snowflake[] = [];
  for (const { id } of await archive.channels(guildId)) {
    const [first] = await archive.neighbours(guildId, id, FIRST_SNOWFLAKE, "after", 1);
    if (first !== undefined) kept.push(first.record.id);
  }
  return kept.length > 0 ? snowflakeBefore(oldest(kept)) : undefined;
}
