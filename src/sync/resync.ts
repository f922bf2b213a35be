// Makes up for the bot's absences, guild by guild: what was written, and the recent past, at once (catch-up.ts); then, slowly, all
// that is archived (recheck.ts). Goes on until it is done, whatever Discord answers in between, or the guild is left. Also closes the
// gaps of single channels: those that failed, or in which something is heard although not all before it is archived.

import { setMaxListeners } from "node:events";
import PQueue from "p-queue";
import { levelOf, toError, UserError } from "../errors.ts";
import type { LiveIndexing } from "../indexing/live/live.ts";
import type { ChannelInfo } from "../ports/archive.ts";
import type { Hearing, HistoryChannel, Stretch } from "../ports/discord.ts";
import type { Snowflake } from "../snowflake.ts";
import { catchUp, closeGap } from "./catch-up.ts";
import type { CompareParts } from "./compare-page.ts";
import { readCompleteness } from "./completeness.ts";
import { type Rechecking, recheck } from "./recheck.ts";
import { refetchAll } from "./refetch.ts";

const AGAIN_MS = 30_000;
/** Thousands of guilds come back at once; Discord's limit is the same for all of them together. */
const GUILDS_AT_ONCE = 8;
const LOOKS_AT_ONCE = 8;
/** Whether contents are readable is the application's affair, not a guild's. */
const READABLE_KNOWN_MS = 30_000;

export interface ResyncParts extends CompareParts {
  /** Told of all channels and threads of a guild that Discord lists. */
  onListed?(guildId: Snowflake, channels: readonly HistoryChannel[]): Promise<void>;
  readonly live: Pick<LiveIndexing, "channelDeleted" | "kick" | "changed">;
  readonly hearing: Hearing;
  /** @throws UserError when there is no such channel or the bot may not see it */
  channel(channelId: Snowflake): Promise<ChannelInfo>;
  /** Resolves when the events heard of a guild until now are archived: an older one must not come after what Discord says now. */
  settled(guildId: Snowflake): Promise<void>;
  /** True only when Discord says that there is no such channel (any more). */
  isGone(channelId: Snowflake): Promise<boolean>;
  /** True only when Discord says that the bot is not in the guild (any more). */
  hasLeft(guildId: Snowflake): Promise<boolean>;
  /** Told when it turns out that the bot was removed from the guild while it was away. */
  onLeft(guildId: Snowflake): Promise<void>;
}

export interface Resync {
  /** The bot is back in a guild, or sees more of it than before. */
  begin(guildId: Snowflake): void;
  /** Something is, or may be, missing in this channel or thread before what was just heard there. */
  look(guildId: Snowflake, channelId: Snowflake): void;
  /** The bot has left the guild: nothing more is asked about it. */
  leave(guildId: Snowflake): void;
  /** How far everything archived has been compared since the last absence; undefined when that is done. */
  rechecking(guildId: Snowflake): Rechecking | undefined;
  /** What is, or may be, missing of what was written since the bot began to listen to the guild. */
  gaps(guildId: Snowflake): Gaps;
  /** Resolves when everything is made up for. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface Gaps {
  /** False until Discord has said where something was written since. */
  readonly isKnown: boolean;
  /** Channels and threads with a gap that are known by now. */
  readonly channels: number;
}

interface GuildWork {
  readonly left: AbortController;
  /** Channels and threads with a gap. */
  readonly open: Set<Snowflake>;
  /** In which something was heard that is not to be stored. */
  readonly leftOut: Set<Snowflake>;
  /** Those that are looked at one by one. */
  readonly looks: Map<Snowflake, Promise<void>>;
  /** In which something was heard while all of them were being looked at. */
  readonly heard: Set<Snowflake>;
  /** In which all channels have been looked at. */
  stretch: Stretch | undefined;
  /** Aborted by the next absence, after which everything is to be compared anew. */
  rechecking: AbortController;
  progress: Rechecking | undefined;
  done: Promise<void>;
}

export function createResync(parts: ResyncParts): Resync {
  const { archive, hearing, history, live, clock, logger } = parts;
  const stopped = new AbortController();
  const requests = new PQueue({ concurrency: 1 });
  const catchingUp = new PQueue({ concurrency: GUILDS_AT_ONCE });
  const looking = new PQueue({ concurrency: LOOKS_AT_ONCE });
  let readable: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  const guilds = new Map<Snowflake, GuildWork>();

  const failed = (event: string, about: object) => (thrown: unknown) =>
    logger[levelOf(thrown)](event, { ...about, error: toError(thrown).message });

  const partsOf = (guildId: Snowflake) => ({
    archive,
    history,
    clock,
    logger,
    isGone: parts.isGone,
    requests,
    onListed: async (channels: readonly HistoryChannel[]) => await parts.onListed?.(guildId, channels),
    onGone: (channelId: Snowflake) => live.channelDeleted(guildId, channelId),
    onMarked: (outdated: readonly Snowflake[]) => live.changed(guildId, outdated),
  });

  function canReadContent(): Promise<boolean> {
    const at = clock.elapsed();
    if (readable === undefined || at - readable.at > READABLE_KNOWN_MS)
      readable = { at, answer: history.canReadContent() };
    return readable.answer;
  }

  async function catchUpOnce(guildId: Snowflake, work: GuildWork, stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    const stretch = hearing.of(guildId);
    work.open.clear();
    for (const channelId of work.looks.keys()) work.open.add(channelId);
    const { failed, ...found } = await catchUp(partsOf(guildId), guildId, stretch, work.open, stop);
    if (stop.aborted) return;
    if (found.saved + found.removed + found.gone > 0) logger.info("catch-up:done", { guildId, ...found });
    work.stretch = stretch;
    for (const channelId of failed) look(guildId, channelId, work, true);
    // They may have come into sight after all were listed.
    for (const channelId of work.heard) look(guildId, channelId, work);
    work.heard.clear();
    live.kick(guildId);
  }

  /** @param isLater not at once: it has just failed */
  function look(guildId: Snowflake, channelId: Snowflake, work: GuildWork, isLater = false): void {
    if (stopped.signal.aborted || work.left.signal.aborted || work.looks.has(channelId)) return;
    // Nothing is missing there, as far as is known.
    if (!work.leftOut.has(channelId)) work.open.add(channelId);
    const leaving = AbortSignal.any([stopped.signal, work.left.signal]);
    const looked = (async () => {
      if (await isLeftOut(guildId, channelId)) {
        work.leftOut.add(channelId);
        work.open.delete(channelId);
        return;
      }
      work.leftOut.delete(channelId);
      work.open.add(channelId);
      if (isLater) await clock.sleep(AGAIN_MS, leaving);
      const once = () => looking.add(() => lookOnce(guildId, channelId, leaving));
      if (await persist("gap", guildId, once, leaving)) work.open.delete(channelId);
    })();
    work.looks.set(
      channelId,
      looked.catch(failed("gap:failed", { guildId, channelId })).finally(() => work.looks.delete(channelId)),
    );
  }

  /** Nothing is missing there. */
  async function isLeftOut(guildId: Snowflake, channelId: Snowflake): Promise<boolean> {
    const channel = await archive.channel(guildId, channelId);
    return channel !== undefined && (await archive.channelsLeftOut(guildId, [channel])).has(channelId);
  }

  async function lookOnce(guildId: Snowflake, channelId: Snowflake, stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    const stretch = hearing.of(guildId);
    const mark = stretch.mark();
    try {
      const channel = await parts.channel(channelId);
      if (channel.type === "forum" || stretch.isComplete(channel)) return;
      await archive.saveChannels(guildId, [channel]);
      if (await isLeftOut(guildId, channelId)) return;
      const completeTo = await readCompleteness(archive, guildId);
      const gap = { from: completeTo(channelId), stretch, mark };
      const saved = await closeGap(partsOf(guildId), guildId, channel, gap, stop);
      if (saved === 0) return;
      logger.info("gap:closed", { guildId, channelId, saved });
      await live.changed(guildId, []);
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      // Gone, or not for the bot to see: when it is shown again, everything is looked at.
      logger.info("gap:out-of-sight", { guildId, channelId, reason: thrown.message });
    }
  }

  async function recheckAll(
    guildId: Snowflake,
    absentUntil: number,
    work: GuildWork,
    stop: AbortSignal,
  ): Promise<void> {
    const found = await recheck(partsOf(guildId), guildId, absentUntil, stop, (progress) => {
      work.progress = progress;
    });
    work.progress = undefined;
    if (!stop.aborted && found.messages > 0) logger.info("recheck:done", { guildId, ...found });
  }

  /** Does it again after a pause if it fails. @returns whether it has been done */
  async function persist(
    what: string,
    guildId: Snowflake,
    act: () => Promise<void>,
    stop: AbortSignal,
  ): Promise<boolean> {
    while (!stop.aborted) {
      try {
        // Without the intent messages read as empty, and would empty what is stored of them.
        if (!(await canReadContent())) return false;
        await act();
        return !stop.aborted;
      } catch (thrown) {
        readable = undefined;
        if (stop.aborted) break;
        logger.warn(`${what}:retry`, { guildId, error: toError(thrown).message });
        if (await isLeft(guildId)) {
          await parts.onLeft(guildId);
          break;
        }
        await clock.sleep(AGAIN_MS, stop);
      }
    }
    return false;
  }

  async function isLeft(guildId: Snowflake): Promise<boolean> {
    try {
      return await parts.hasLeft(guildId);
    } catch (thrown) {
      logger.debug("guild:unknown", { guildId, error: toError(thrown).message });
      return false;
    }
  }

  async function resync(guildId: Snowflake, absentUntil: number, work: GuildWork, rechecking: AbortSignal) {
    const leaving = AbortSignal.any([stopped.signal, work.left.signal]);
    // Every channel being read listens: that is no leak to be warned of.
    setMaxListeners(0, leaving);
    await parts.settled(guildId);
    const inTurn = () => catchingUp.add(() => catchUpOnce(guildId, work, leaving));
    await persist("catch-up", guildId, inTurn, leaving);
    const stop = AbortSignal.any([leaving, rechecking]);
    await persist("refetch", guildId, () => refetchAll(partsOf(guildId), guildId, stop), stop);
    await persist("recheck", guildId, () => recheckAll(guildId, absentUntil, work, stop), stop);
  }

  async function idle(): Promise<void> {
    const ends = () => [...guilds.values()].flatMap(({ done, looks }) => [done, ...looks.values()]);
    await Promise.all(ends());
    // Passes leave looks.
    await Promise.all(ends());
  }

  return {
    begin(guildId) {
      if (stopped.signal.aborted) return;
      const known = guilds.get(guildId);
      const isKnown = known !== undefined && !known.left.signal.aborted;
      known?.rechecking.abort();
      const work = isKnown
        ? known
        : {
            left: new AbortController(),
            open: new Set<Snowflake>(),
            leftOut: new Set<Snowflake>(),
            heard: new Set<Snowflake>(),
            looks: new Map<Snowflake, Promise<void>>(),
            stretch: undefined,
            rechecking: new AbortController(),
            progress: undefined,
            done: known?.done ?? Promise.resolve(),
          };
      work.rechecking = new AbortController();
      work.stretch = undefined;
      guilds.set(guildId, work);
      const { signal } = work.rechecking;
      const absentUntil = clock.now();
      // One absence after the other.
      work.done = work.done
        .then(() => resync(guildId, absentUntil, work, signal))
        .catch(failed("catch-up:failed", { guildId }));
    },
    look(guildId, channelId) {
      const work = guilds.get(guildId);
      if (work?.stretch !== undefined) look(guildId, channelId, work);
      else work?.heard.add(channelId);
    },
    leave(guildId) {
      guilds.get(guildId)?.left.abort();
    },
    gaps(guildId) {
      const work = guilds.get(guildId);
      const isKnown = work?.stretch !== undefined && work.stretch === hearing.of(guildId);
      return { isKnown, channels: work?.open.size ?? 0 };
    },
    rechecking: (guildId) => guilds.get(guildId)?.progress,
    idle,
    async stop() {
      stopped.abort();
      await idle();
    },
  };
}
