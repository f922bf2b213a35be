// When the bot comes back: what was written while it was away, and the recent past compared for edits and deletions, at once. The
// rest is compared slowly afterwards (recheck.ts); history from before the bot ever listened is collect.ts's.

import PQueue from "p-queue";
import { toError } from "../errors.ts";
import type { HistoryChannel } from "../ports/discord.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE, type Snowflake, snowflakeAfter } from "../snowflake.ts";
import { asInfo, CHANNELS_AT_ONCE } from "./collect.ts";
import { type CompareParts, comparePage, PER_REQUEST } from "./compare-page.ts";
import { fetchChannels, fetchPage } from "./fetch-history.ts";

/** A channel in which each page shows edits or deletions is compared this far at once, and the rest later. */
const PAGES_AT_ONCE = 20;

export interface CatchUpParts extends CompareParts {
  /** True only when Discord says that there is no such channel or thread (any more). */
  isGone(channelId: Snowflake): Promise<boolean>;
  /** Told of each channel and thread that is stored and gone. */
  onGone(channelId: Snowflake): Promise<void>;
  /** Told of new pending marks, and which of them are for messages that are gone or were edited. */
  onMarked(outdated: readonly Snowflake[]): Promise<void>;
}

export interface CaughtUp {
  readonly saved: number;
  readonly removed: number;
  /** Channels and threads that are gone. */
  readonly gone: number;
}

const NOTHING = { saved: 0, removed: 0 };

/**
 * Catches up with what happened while the bot was away: in each channel everything after the newest message that was archived
 * before `awaySinceId`, and the pages up to it once more until one has no edits or deletions. What is found is marked pending.
 * @throws UserError when the guild is not to be seen; a channel that cannot be read is logged and left out
 */
export async function catchUp(
  parts: CatchUpParts,
  guildId: Snowflake,
  awaySinceId: Snowflake,
  stop: AbortSignal,
): Promise<CaughtUp> {
  const { archive, logger } = parts;
  const stored = await archive.channels(guildId);
  const channels = await fetchChannels(parts, guildId, stop);
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
    if (found.saved > 0) await parts.onMarked([]);
  }

  async function lookFor(channelId: Snowflake): Promise<void> {
    if (!(await parts.isGone(channelId))) return;
    await parts.onGone(channelId);
    gone += 1;
  }

  const queue = new PQueue({ concurrency: CHANNELS_AT_ONCE });
  const inTurn = (channelId: Snowflake, look: () => Promise<void>) => async () => {
    if (stop.aborted) return;
    await look().catch((thrown: unknown) => {
      if (!stop.aborted) logger.warn("catch-up:failed", { guildId, channelId, reason: toError(thrown).message });
    });
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
    const written = await saveAfter(parts, guildId, channel, last.record.id, stop);
    const compared = await compareUpTo(parts, guildId, channel, last.record.id, stop);
    return { saved: compared.saved + written, removed: compared.removed };
  }
  // Nothing of it is archived: it was silent, or it is new, or its history waits for a backfill. Of the many old threads, only
  // those are asked about whose history is known to be empty.
  if (listenedUntil === undefined) return NOTHING;
  const isOldThread = channel.parentId !== undefined && compareSnowflakes(channel.id, listenedUntil) < 0;
  if (isOldThread && (await archive.cursor(guildId, channel.id)) === undefined) return NOTHING;
  return { saved: await saveAfter(parts, guildId, channel, listenedUntil, stop), removed: 0 };
}

/** Edits and deletions among the messages up to this one, back to the first hundred without any. */
async function compareUpTo(
  parts: CatchUpParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  newestId: Snowflake,
  stop: AbortSignal,
): Promise<{ saved: number; removed: number }> {
  let { saved, removed } = NOTHING;
  let before = snowflakeAfter(newestId);
  for (let pages = 0; pages < PAGES_AT_ONCE && !stop.aborted; pages += 1) {
    const page = await comparePage(parts, guildId, channel, before, "between", stop);
    saved += page.created + page.changed;
    removed += page.removed;
    if (page.outdated.length > 0) await parts.onMarked(page.outdated);
    if (page.complete || page.created + page.changed + page.removed === 0) break;
    before = page.oldestId;
  }
  return { saved, removed };
}

/** @returns how many messages after this one were new or changed */
async function saveAfter(
  parts: CatchUpParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  afterId: Snowflake,
  stop: AbortSignal,
): Promise<number> {
  const { archive } = parts;
  let saved = 0;
  for (let after = afterId; !stop.aborted; ) {
    const asOf = archive.reading(guildId);
    try {
      const page = await fetchPage(parts, channel, { after }, stop);
      const { created, changed } = await archive.save(guildId, page, { pending: true, asOf });
      saved += created + changed;
      const newest = page.at(-1);
      if (newest !== undefined && created > 0) await markNext(parts, guildId, channel.id, newest.id);
      if (newest === undefined || page.length < PER_REQUEST) break;
      after = newest.id;
    } finally {
      asOf.release();
    }
  }
  return saved;
}

/** A message heard live while its predecessors were not archived yet has another context now. */
async function markNext({ archive }: CatchUpParts, guildId: Snowflake, channelId: Snowflake, id: Snowflake) {
  const [next] = await archive.neighbours(guildId, channelId, id, "after", 1);
  if (next !== undefined) await archive.markPending(guildId, "message", [next.record.id]);
}
