// When the bot comes back: what was written while it was away, and the recent past compared for edits and deletions, at once. The
// rest is compared slowly afterwards (recheck.ts); history from before the bot ever listened is collect.ts's. What is complete is
// stored per channel (see completeness.ts), and only moved over what is in the archive.

import PQueue from "p-queue";
import { toError } from "../errors.ts";
import type { HearingMark, HistoryChannel, Stretch } from "../ports/discord.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE, newest, type Snowflake, snowflakeAfter } from "../snowflake.ts";
import { asInfo, CHANNELS_AT_ONCE } from "./collect.ts";
import { type CompareParts, comparePage, PER_REQUEST, requireContent } from "./compare-page.ts";
import { beginListening, readCompleteness } from "./completeness.ts";
import { fetchChannels, fetchPage } from "./fetch-history.ts";

/** A channel in which each page shows edits or deletions is compared this far at once, and the rest later. */
const PAGES_AT_ONCE = 20;
/** Where nothing is missing and nothing was written for so long before the guild's newest message, edits are looked for later. */
const RECENT_IDS = (7n * 24n * 3_600_000n) << 22n;

export interface CatchUpParts extends CompareParts {
  /** True only when Discord says that there is no such channel or thread (any more). */
  isGone(channelId: Snowflake): Promise<boolean>;
  /** Told of all channels and threads that Discord lists. */
  onListed?(channels: readonly HistoryChannel[]): Promise<void>;
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
  /** Those that could not be read to the end now. */
  readonly failed: readonly Snowflake[];
}

/** Channels and threads in which something is, or may be, missing. */
export interface OpenGaps {
  add(channelId: Snowflake): unknown;
  delete(channelId: Snowflake): unknown;
}

const NOTHING = { saved: 0, removed: 0 };

/**
 * Catches up with what happened while the bot was away: in each channel everything after what is known to be complete, and the
 * pages up to it once more until one has no edits or deletions. What is found is marked pending. A channel in which Discord shows
 * nothing new costs no request of its own, unless it was written in lately.
 * @param stretch of listening that has begun: what is written from now on is heard
 * @throws UserError when the guild is not to be seen; a channel that cannot be read is logged and left out
 */
export async function catchUp(
  parts: CatchUpParts,
  guildId: Snowflake,
  stretch: Stretch,
  open: OpenGaps,
  stop: AbortSignal,
): Promise<CaughtUp> {
  const { archive, logger } = parts;
  const mark = stretch.mark();
  const stored = await archive.channels(guildId);
  const channels = await fetchChannels(parts, guildId, stop);
  await parts.onListed?.(channels);
  await archive.saveChannels(guildId, channels.map(asInfo));
  await beginListening(archive, guildId, channels, stretch.firstHeardId);
  const completeTo = await readCompleteness(archive, guildId);
  const leftOut = await archive.channelsLeftOut(guildId, [...stored, ...channels]);
  const lately = latelyIn(channels);
  const totals = { saved: 0, removed: 0, gone: 0, failed: new Set<Snowflake>() };

  async function lookAt(channel: HistoryChannel, isMissing: boolean): Promise<void> {
    const from = completeTo(channel.id);
    const written = isMissing ? await closeGap(parts, guildId, channel, { from, stretch, mark }, stop) : 0;
    open.delete(channel.id);
    const compared = await compareUpTo(parts, guildId, channel, from, stop);
    totals.saved += written + compared.saved;
    totals.removed += compared.removed;
    if (written > 0) await parts.onMarked([]);
  }

  async function lookFor(channelId: Snowflake): Promise<void> {
    if (!(await parts.isGone(channelId))) return;
    await parts.onGone(channelId);
    totals.gone += 1;
  }

  const queue = new PQueue({ concurrency: CHANNELS_AT_ONCE });
  const inTurn = (channelId: Snowflake, look: () => Promise<void>) => async () => {
    if (stop.aborted) return;
    await look().catch((thrown: unknown) => {
      if (stop.aborted) return;
      logger.warn("catch-up:failed", { guildId, channelId, reason: toError(thrown).message });
      totals.failed.add(channelId);
    });
  };
  // A forum's messages are in its threads.
  const readable = channels.filter(
    (channel) =>
      channel.unreadable === undefined &&
      channel.type !== "forum" &&
      !leftOut.has(channel.id) &&
      !stretch.isComplete(channel),
  );
  const isMissing = (channel: HistoryChannel) => isWrittenIn(channel, completeTo(channel.id));
  const missing = readable.filter(isMissing);
  const quiet = readable.filter((channel) => !isMissing(channel));
  for (const { id } of missing) open.add(id);
  for (const { id } of quiet) stretch.completed(id, mark);
  const there = new Set([...leftOut, ...channels.map(({ id }) => id)]);
  await queue.addAll([
    ...missing.map((channel) => inTurn(channel.id, () => lookAt(channel, true))),
    ...quiet.filter(lately).map((channel) => inTurn(channel.id, () => lookAt(channel, false))),
    // Private threads that cannot be listed are absent too, so Discord is asked about each.
    ...stored.filter(({ id }) => !there.has(id)).map(({ id }) => inTurn(id, () => lookFor(id))),
  ]);
  return { ...totals, failed: [...totals.failed] };
}

/** What is known of a channel before Discord is asked for what comes after. */
export interface Gap {
  /** Complete up to here. */
  readonly from: Snowflake;
  readonly stretch: Stretch;
  /** Of the stretch, taken before `from` was read. */
  readonly mark: HearingMark;
}

/** Fetches all that follows; from then on the channel is complete. @returns how many messages were new or changed */
export async function closeGap(
  parts: CatchUpParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  { from, stretch, mark }: Gap,
  stop: AbortSignal,
): Promise<number> {
  const { archive } = parts;
  let saved = 0;
  for (let after = from; ; ) {
    const asOf = archive.reading(guildId);
    try {
      const page = await fetchPage(parts, channel, { after }, stop);
      const known = await archive.get(
        guildId,
        "message",
        page.map(({ id }) => id),
      );
      await requireContent(
        parts,
        known,
        page.filter(({ id }) => known.has(id)),
      );
      const { created, changed } = await archive.save(guildId, page, { pending: true, asOf });
      saved += created + changed;
      const last = page.at(-1);
      if (last !== undefined) {
        if (created > 0) await markNext(parts, guildId, channel.id, last.id);
        await archive.saveCompleteTo(guildId, channel.id, last.id);
        after = last.id;
      }
      if (page.length < PER_REQUEST) break;
    } finally {
      asOf.release();
    }
    stop.throwIfAborted();
  }
  // The last one may be deleted, or Discord's own, or the bot's: nothing is missing up to it all the same.
  if (channel.lastMessageId) await archive.saveCompleteTo(guildId, channel.id, channel.lastMessageId);
  stretch.completed(channel.id, mark);
  return saved;
}

function isWrittenIn({ lastMessageId }: HistoryChannel, completeTo: Snowflake): boolean {
  if (lastMessageId === null) return false;
  return lastMessageId === undefined || compareSnowflakes(lastMessageId, completeTo) > 0;
}

/** Which channels were written in shortly before the guild's newest message. */
function latelyIn(channels: readonly HistoryChannel[]): (channel: HistoryChannel) => boolean {
  const lastOf = ({ lastMessageId }: HistoryChannel) => lastMessageId ?? FIRST_SNOWFLAKE;
  const since = BigInt(newest([FIRST_SNOWFLAKE, ...channels.map(lastOf)])) - RECENT_IDS;
  return (channel) => BigInt(lastOf(channel)) > since;
}

/** Edits and deletions among the archived messages up to this one, back to the first hundred without any. */
async function compareUpTo(
  parts: CatchUpParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  newestId: Snowflake,
  stop: AbortSignal,
): Promise<{ saved: number; removed: number }> {
  let { saved, removed } = NOTHING;
  const [last] = await parts.archive.neighbours(guildId, channel.id, snowflakeAfter(newestId), "before", 1);
  if (last === undefined) return NOTHING;
  let before = snowflakeAfter(last.record.id);
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

/** A message heard live while its predecessors were not archived yet has another context now. */
async function markNext({ archive }: CatchUpParts, guildId: Snowflake, channelId: Snowflake, id: Snowflake) {
  const [next] = await archive.neighbours(guildId, channelId, id, "after", 1);
  if (next !== undefined) await archive.markPending(guildId, "message", [next.record.id]);
}
