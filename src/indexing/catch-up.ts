// When the bot comes back: what was written, edited or deleted while it was away, found by comparing Discord with the archive.
// History from before the bot ever listened is collect.ts's.

import PQueue from "p-queue";
import { toError } from "../errors.ts";
import type { ArchivedRecord, HistoryChannel } from "../ports.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE, type Snowflake, snowflakeAfter } from "../snowflake.ts";
import { asInfo, CHANNELS_AT_ONCE, type CollectParts, fetchPage, PER_REQUEST } from "./collect.ts";

export interface CatchUpParts extends CollectParts {
  /** True only when Discord says that there is no such channel or thread (any more). */
  isGone(channelId: Snowflake): Promise<boolean>;
  /** Told of each channel and thread that is stored and gone. */
  onGone(channelId: Snowflake): Promise<void>;
}

export interface CaughtUp {
  readonly saved: number;
  readonly removed: number;
  /** Channels and threads that are gone. */
  readonly gone: number;
}

/**
 * Catches up with what happened while the bot was away: in each channel everything after the newest message that was archived
 * before `awaySinceId`, and the hundred messages up to it once more, for edits and deletions. What is found is marked pending.
 * @throws TransientError when Discord does not say which channels there are; a channel that cannot be read is logged and left out
 */
export async function catchUp(
  parts: CatchUpParts,
  guildId: Snowflake,
  awaySinceId: Snowflake,
  stop: AbortSignal,
): Promise<CaughtUp> {
  const { archive, history, logger } = parts;
  const stored = await archive.channels(guildId);
  const channels = await history.channels(guildId);
  await archive.saveChannels(guildId, channels.map(asInfo));
  const range = { newestId: awaySinceId, oldestId: FIRST_SNOWFLAKE };
  const listenedUntil = (await archive.page(guildId, "message", range, 1)).records[0]?.record.id;
  let saved = 0;
  let removed = 0;
  let gone = 0;

  async function lookAt(channel: HistoryChannel): Promise<void> {
    const found = await catchUpChannel(parts, guildId, channel, awaySinceId, listenedUntil, stop);
    saved += found.saved;
    removed += found.removed;
  }

  async function lookFor(channelId: Snowflake): Promise<void> {
    if (!(await parts.isGone(channelId))) return;
    await parts.onGone(channelId);
    gone += 1;
  }

  const queue = new PQueue({ concurrency: CHANNELS_AT_ONCE });
  const inTurn = (channelId: Snowflake, look: () => Promise<void>) => async () => {
    if (stop.aborted) return;
    await look().catch((thrown: unknown) =>
      logger.warn("catch-up:failed", { guildId, channelId, reason: toError(thrown).message }),
    );
  };
  const there = new Set(channels.map(({ id }) => id));
  await queue.addAll([
    ...channels
      .filter(({ unreadable }) => unreadable === undefined)
      .map((channel) => inTurn(channel.id, () => lookAt(channel))),
    // Private threads that cannot be listed are absent too, so Discord is asked about each.
    ...stored.filter(({ id }) => !there.has(id)).map(({ id }) => inTurn(id, () => lookFor(id))),
  ]);
  return { saved, removed, gone };
}

/** @param listenedUntil the newest message of the whole guild from before the bot was away */
async function catchUpChannel(
  parts: CatchUpParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  awaySinceId: Snowflake,
  listenedUntil: Snowflake | undefined,
  stop: AbortSignal,
): Promise<{ saved: number; removed: number }> {
  const { archive } = parts;
  const [last] = await archive.neighbours(guildId, channel.id, awaySinceId, "before", 1);
  if (last !== undefined) {
    const compared = await compareUpTo(parts, guildId, channel, last.record.id, stop);
    const written = await saveAfter(parts, guildId, channel, last.record.id, stop);
    return { saved: compared.saved + written, removed: compared.removed };
  }
  // Nothing of it is archived: it was silent, or it is new, or its history waits for a backfill. Of the many old threads, only
  // those are asked about whose history is known to be empty.
  if (listenedUntil === undefined) return { saved: 0, removed: 0 };
  const isOldThread = channel.parentId !== undefined && compareSnowflakes(channel.id, listenedUntil) < 0;
  if (isOldThread && (await archive.cursor(guildId, channel.id)) === undefined) return { saved: 0, removed: 0 };
  return { saved: await saveAfter(parts, guildId, channel, listenedUntil, stop), removed: 0 };
}

/** Edits and deletions among the hundred messages up to this one. */
async function compareUpTo(
  parts: CatchUpParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  newestId: Snowflake,
  stop: AbortSignal,
): Promise<{ saved: number; removed: number }> {
  const recent = await fetchPage(parts, channel, { before: snowflakeAfter(newestId) }, stop);
  const { created, changed } = await parts.archive.save(guildId, recent, { pending: true });
  const oldest = recent.length < PER_REQUEST ? undefined : recent.at(-1);
  const removed = await removeAbsent(parts, guildId, channel.id, recent, newestId, oldest?.id);
  return { saved: created + changed, removed };
}

/** @returns how many messages after this one were new or changed */
async function saveAfter(
  parts: CatchUpParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  afterId: Snowflake,
  stop: AbortSignal,
): Promise<number> {
  let saved = 0;
  for (let after = afterId; !stop.aborted; ) {
    const page = await fetchPage(parts, channel, { after }, stop);
    const { created, changed } = await parts.archive.save(guildId, page, { pending: true });
    saved += created + changed;
    const newest = page.at(-1);
    if (newest === undefined || page.length < PER_REQUEST) break;
    after = newest.id;
  }
  return saved;
}

/** Archived messages of a refetched range that Discord no longer has were deleted while nobody listened. */
async function removeAbsent(
  { archive }: CatchUpParts,
  guildId: Snowflake,
  channelId: Snowflake,
  present: readonly ArchivedRecord[],
  newestId: Snowflake,
  oldestId: Snowflake | undefined,
): Promise<number> {
  const there = new Set(present.map(({ id }) => id));
  const range = { newestId, oldestId: oldestId ?? FIRST_SNOWFLAKE };
  const archived = await archive.idsInChannel(guildId, channelId, range);
  const absent = archived.filter((id) => !there.has(id));
  if (absent.length > 0) await archive.remove(guildId, "message", absent);
  return absent.length;
}
