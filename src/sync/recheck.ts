// After an absence, every archived message is compared with Discord once more, slowly, in the background: in the end whatever was
// edited or deleted while the bot was away is noticed, however old. One cursor per channel, so that a restart goes on.

import type PQueue from "p-queue";
import { toError, UserError } from "../errors.ts";
import type { ChannelInfo } from "../ports/archive.ts";
import { compareSnowflakes, LAST_SNOWFLAKE, type Snowflake } from "../snowflake.ts";
import type { CatchUpParts } from "./catch-up.ts";
import { type ComparedPage, comparePage } from "./compare-page.ts";
import { oldestKept } from "./completeness.ts";

/** Between two requests: at most a tenth of the 50 a second that Discord allows a bot for everything it does. */
export const PAUSE_MS = 200;

export interface RecheckParts extends CatchUpParts {
  /** Takes one request at a time, of whichever guild. */
  readonly requests: PQueue;
}

/** How far it is; channels include threads. */
export interface Rechecking {
  readonly channels: number;
  readonly channelsDone: number;
  /** Messages compared in this process. */
  readonly messages: number;
  readonly changed: number;
  readonly removed: number;
}

/**
 * Compares every channel that has not been compared completely since `absentUntil`, a page of each in turn, newest first.
 * @param absentUntil milliseconds since 1970
 * @returns how far it came; all channels are done unless it was stopped or one cannot be read
 */
export async function recheck(
  parts: RecheckParts,
  guildId: Snowflake,
  absentUntil: number,
  stop: AbortSignal,
  onProgress: (rechecking: Rechecking) => void,
): Promise<Rechecking> {
  // A forum's messages are in its threads.
  const all = (await parts.archive.channels(guildId)).filter(({ type }) => type !== "forum");
  const leftOut = await parts.archive.channelsLeftOut(guildId, all);
  const channels = all.filter(({ id }) => !leftOut.has(id));
  let progress = { channels: channels.length, channelsDone: 0, messages: 0, changed: 0, removed: 0 };

  async function readOn(channel: ChannelInfo): Promise<boolean> {
    const page = await readNext(parts, guildId, channel, absentUntil, stop);
    if (page === undefined) return false;
    progress = {
      ...progress,
      messages: progress.messages + page.read,
      changed: progress.changed + page.created + page.changed,
      removed: progress.removed + page.removed,
    };
    if (page.created + page.changed + page.removed > 0) await parts.onMarked(page.outdated);
    return true;
  }

  for (let open = channels; open.length > 0 && !stop.aborted; ) {
    const unfinished: ChannelInfo[] = [];
    for (const channel of open) {
      if (stop.aborted) break;
      try {
        if (await readOn(channel)) unfinished.push(channel);
        else progress = { ...progress, channelsDone: progress.channelsDone + 1 };
      } catch (thrown) {
        if (stop.aborted) break;
        if (!(thrown instanceof UserError)) throw thrown;
        // Its cursor stays where it is: the next time the bot comes back it is tried again.
        parts.logger.warn("recheck:unreadable", { guildId, channelId: channel.id, reason: toError(thrown).message });
        if (await parts.isGone(channel.id)) await parts.onGone(channel.id);
      }
      onProgress(progress);
    }
    open = unfinished;
  }
  return progress;
}

/** @returns undefined when nothing of the channel is left to be compared */
async function readNext(
  parts: RecheckParts,
  guildId: Snowflake,
  channel: ChannelInfo,
  absentUntil: number,
  stop: AbortSignal,
): Promise<ComparedPage | undefined> {
  const { archive, clock, requests } = parts;
  for (;;) {
    const cursor = await archive.recheckCursor(guildId, channel.id);
    // A machine's clock may be set back: nothing was compared in the future, and a round never begins before it was called for.
    const now = Math.max(clock.now(), absentUntil);
    const isDone = cursor !== undefined && cursor.reachedId === undefined;
    if (isDone && cursor.since >= absentUntil && cursor.since <= now) return undefined;
    // A round begun before the latest absence is finished first, and then another begins: even a bot that is restarted every
    // hour gets to its oldest messages.
    const round = cursor === undefined || isDone ? { since: now, reachedId: LAST_SNOWFLAKE } : cursor;
    const before = round.reachedId ?? LAST_SNOWFLAKE;
    // Where all there was has been collected, what is not archived is missing, wherever it is.
    const isCollected = (await archive.cursor(guildId, channel.id))?.complete === true;
    const [next] = isCollected ? [channel] : await archive.neighbours(guildId, channel.id, before, "before", 1);
    if (next === undefined) {
      await archive.saveRecheckCursor(guildId, channel.id, { since: round.since });
      continue;
    }
    return await requests.add(async () => {
      if (stop.aborted) return undefined;
      const page = await comparePage(parts, guildId, channel, before, isCollected ? "marked" : "between", stop);
      // What is older is not kept.
      const isPast = compareSnowflakes(page.oldestId, await oldestKept(archive, guildId)) <= 0;
      const reached = page.complete || isPast ? {} : { reachedId: page.oldestId };
      await archive.saveRecheckCursor(guildId, channel.id, { since: round.since, ...reached });
      await clock.sleep(PAUSE_MS, stop);
      return page;
    });
  }
}
