// What admins had left out and take in again is fetched from Discord: a channel or category in full, bots' and older messages as far back as
// their channels had been read. Slowly, in the background; the archive remembers how far it came, so that a restart goes on.

import { toError, UserError } from "../errors.ts";
import type { ChannelInfo, Exclusion, Refetch } from "../ports/archive.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE, LAST_SNOWFLAKE, newest, type Snowflake } from "../snowflake.ts";
import { comparePage } from "./compare-page.ts";
import { oldestKept } from "./completeness.ts";
import { PAUSE_MS, type RecheckParts } from "./recheck.ts";

/** What is being removed of the same scope would take what is fetched with it. */
const REMOVED_YET_MS = 1_000;

/** Fetches all that is remembered as to be fetched. @throws as `fetchPage`, but for channels that cannot be read */
export async function refetchAll(parts: RecheckParts, guildId: Snowflake, stop: AbortSignal): Promise<void> {
  for (const wish of await parts.archive.refetches(guildId)) {
    if (stop.aborted) return;
    await refetch(parts, guildId, wish, stop);
  }
}

async function refetch(parts: RecheckParts, guildId: Snowflake, wish: Refetch, stop: AbortSignal): Promise<void> {
  const { archive, clock, logger } = parts;
  while ((await archive.unfinishedRemovals(guildId)).some(({ by }) => by === wish.scope.by || by === "guild")) {
    await clock.sleep(REMOVED_YET_MS, stop);
    if (stop.aborted) return;
  }
  const isWanted = async () =>
    !stop.aborted && (await archive.refetches(guildId)).some(({ scope }) => isSame(scope, wish.scope));
  let messages = 0;
  for (const channel of await channelsOf(parts, guildId, wish)) {
    if (!(await isWanted())) return;
    try {
      messages += await readChannel(parts, guildId, channel, wish, isWanted, stop);
    } catch (thrown) {
      if (stop.aborted) return;
      if (!(thrown instanceof UserError)) throw thrown;
      logger.warn("refetch:unreadable", { guildId, channelId: channel.id, reason: toError(thrown).message });
      if (await parts.isGone(channel.id)) await parts.onGone(channel.id);
    }
  }
  if (!(await isWanted())) return;
  await archive.finishRefetch(guildId, wish.scope);
  logger.info("refetch:done", { guildId, scope: wish.scope.by, messages });
}

const isSame = (one: Exclusion, other: Exclusion) =>
  one.by === other.by && ("id" in one ? one.id : "") === ("id" in other ? other.id : "");

/** Those that are still to be read, by their ids. */
async function channelsOf({ archive }: RecheckParts, guildId: Snowflake, { scope, reached }: Refetch) {
  const all = await archive.channels(guildId);
  const leftOut = await archive.channelsLeftOut(guildId, all);
  const byId = new Map(all.map((channel) => [channel.id, channel]));
  const isWithin = ({ id, parentId, categoryId }: ChannelInfo) => {
    if (scope.by !== "channel") return true;
    const above = parentId === undefined ? undefined : byId.get(parentId);
    return [id, parentId, categoryId, above?.categoryId].includes(scope.id);
  };
  return all
    .filter((channel) => channel.type !== "forum" && !leftOut.has(channel.id) && isWithin(channel))
    .filter(({ id }) => reached === undefined || compareSnowflakes(id, reached.channelId) >= 0)
    .sort((one, other) => compareSnowflakes(one.id, other.id));
}

/** How far back a channel is read. */
async function lowerEnd({ archive }: RecheckParts, guildId: Snowflake, channelId: Snowflake, scope: Exclusion) {
  const kept = await oldestKept(archive, guildId);
  if (scope.by === "channel") return kept;
  const cursor = await archive.cursor(guildId, channelId);
  const read = cursor?.complete ? FIRST_SNOWFLAKE : (cursor?.oldestId ?? (await archive.listenedSince(guildId)));
  return newest([kept, read ?? FIRST_SNOWFLAKE]);
}

/** @returns messages added */
async function readChannel(
  parts: RecheckParts,
  guildId: Snowflake,
  channel: ChannelInfo,
  { scope, reached }: Refetch,
  isWanted: () => Promise<boolean>,
  stop: AbortSignal,
): Promise<number> {
  const { archive, clock, requests } = parts;
  const lowest = await lowerEnd(parts, guildId, channel.id, scope);
  let before = reached?.channelId === channel.id ? reached.beforeId : LAST_SNOWFLAKE;
  let added = 0;
  for (let isOver = false; !isOver && (await isWanted()); ) {
    await requests.add(async () => {
      if (stop.aborted) return;
      const page = await comparePage(parts, guildId, channel, before, "marked", stop);
      added += page.created;
      if (page.created + page.changed + page.removed > 0) await parts.onMarked(page.outdated);
      before = page.oldestId;
      isOver = page.complete || compareSnowflakes(before, lowest) <= 0;
      await archive.saveRefetch(guildId, { scope, reached: { channelId: channel.id, beforeId: before } });
      await clock.sleep(PAUSE_MS, stop);
    });
  }
  return added;
}
