// Makes up for the bot's absences, guild by guild: what was written, and the recent past, at once (catch-up.ts); then, slowly, all
// that is archived (recheck.ts). Goes on until it is done, whatever Discord answers in between, or the guild is left.

import { setMaxListeners } from "node:events";
import PQueue from "p-queue";
import { toError } from "../errors.ts";
import type { LiveIndexing } from "../indexing/live/live.ts";
import type { Snowflake } from "../snowflake.ts";
import { snowflakeAt } from "../snowflake.ts";
import { catchUp } from "./catch-up.ts";
import type { CompareParts } from "./compare-page.ts";
import { type Rereading, reread } from "./recheck.ts";

const AGAIN_MS = 30_000;
/** Thousands of guilds come back at once; Discord's limit is the same for all of them together. */
const GUILDS_AT_ONCE = 8;
/** Whether contents are readable is the application's affair, not a guild's. */
const READABLE_KNOWN_MS = 30_000;

export interface MakeUpParts extends CompareParts {
  readonly live: Pick<LiveIndexing, "channelDeleted" | "kick" | "changed">;
  /** Resolves when the events heard of a guild until now are archived: an older one must not come after what Discord says now. */
  settled(guildId: Snowflake): Promise<void>;
  /** True only when Discord says that there is no such channel (any more). */
  isGone(channelId: Snowflake): Promise<boolean>;
  /** True only when Discord says that the bot is not in the guild (any more). */
  hasLeft(guildId: Snowflake): Promise<boolean>;
  /** Told when it turns out that the bot was removed from the guild while it was away. */
  onLeft(guildId: Snowflake): Promise<void>;
}

export interface MakeUp {
  /** The bot is back in a guild. @param awaySince milliseconds since 1970 */
  begin(guildId: Snowflake, awaySince: number): void;
  /** The bot has left the guild: nothing more is asked about it. */
  leave(guildId: Snowflake): void;
  /** How far everything archived has been compared since the last absence; undefined when that is done. */
  rereading(guildId: Snowflake): Rereading | undefined;
  /** Resolves when everything is made up for. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

interface GuildWork {
  readonly left: AbortController;
  /** Aborted by the next absence, after which everything is to be compared anew. */
  rereading: AbortController;
  progress: Rereading | undefined;
  done: Promise<void>;
}

export function createMakeUp(parts: MakeUpParts): MakeUp {
  const { history, live, clock, logger } = parts;
  const stopped = new AbortController();
  const requests = new PQueue({ concurrency: 1 });
  const catchingUp = new PQueue({ concurrency: GUILDS_AT_ONCE });
  let readable: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  const guilds = new Map<Snowflake, GuildWork>();

  const partsOf = (guildId: Snowflake) => ({
    ...parts,
    requests,
    onGone: (channelId: Snowflake) => live.channelDeleted(guildId, channelId),
    onMarked: (outdated: readonly Snowflake[]) => live.changed(guildId, outdated),
  });

  function canReadContent(): Promise<boolean> {
    const at = clock.elapsed();
    if (readable === undefined || at - readable.at > READABLE_KNOWN_MS)
      readable = { at, answer: history.canReadContent() };
    return readable.answer;
  }

  async function catchUpOnce(guildId: Snowflake, awaySince: number, stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    const found = await catchUp(partsOf(guildId), guildId, snowflakeAt(awaySince), stop);
    if (found.saved + found.removed + found.gone > 0) logger.info("catch-up:done", { guildId, ...found });
    live.kick(guildId);
  }

  async function rereadAll(guildId: Snowflake, absentUntil: number, work: GuildWork, stop: AbortSignal): Promise<void> {
    const found = await reread(partsOf(guildId), guildId, absentUntil, stop, (progress) => {
      work.progress = progress;
    });
    work.progress = undefined;
    if (!stop.aborted && found.messages > 0) logger.info("reread:done", { guildId, ...found });
  }

  /** Does it again after a pause if it fails. */
  async function persist(what: string, guildId: Snowflake, act: () => Promise<void>, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        // Without the intent messages read as empty, and would empty what is stored of them.
        if (await canReadContent()) await act();
        return;
      } catch (thrown) {
        readable = undefined;
        if (stop.aborted) return;
        logger.warn(`${what}:retry`, { guildId, error: toError(thrown).message });
        if (await isLeft(guildId)) return await parts.onLeft(guildId);
        await clock.sleep(AGAIN_MS, stop);
      }
    }
  }

  async function isLeft(guildId: Snowflake): Promise<boolean> {
    try {
      return await parts.hasLeft(guildId);
    } catch (thrown) {
      logger.debug("guild:unknown", { guildId, error: toError(thrown).message });
      return false;
    }
  }

  async function makeUp(
    guildId: Snowflake,
    awaySince: number,
    absentUntil: number,
    work: GuildWork,
    rereading: AbortSignal,
  ) {
    const leaving = AbortSignal.any([stopped.signal, work.left.signal]);
    // Every channel being read listens: that is no leak to be warned of.
    setMaxListeners(0, leaving);
    await parts.settled(guildId);
    const inTurn = () => catchingUp.add(() => catchUpOnce(guildId, awaySince, leaving));
    await persist("catch-up", guildId, inTurn, leaving);
    const stop = AbortSignal.any([leaving, rereading]);
    await persist("reread", guildId, () => rereadAll(guildId, absentUntil, work, stop), stop);
  }

  const idle = async () => void (await Promise.all([...guilds.values()].map(({ done }) => done)));

  return {
    begin(guildId, awaySince) {
      if (stopped.signal.aborted) return;
      const known = guilds.get(guildId);
      const isKnown = known !== undefined && !known.left.signal.aborted;
      known?.rereading.abort();
      const work = isKnown
        ? known
        : {
            left: new AbortController(),
            rereading: new AbortController(),
            progress: undefined,
            done: known?.done ?? Promise.resolve(),
          };
      work.rereading = new AbortController();
      guilds.set(guildId, work);
      const { signal } = work.rereading;
      const absentUntil = clock.now();
      // One absence after the other: each begins at what was archived before it.
      work.done = work.done
        .then(() => makeUp(guildId, awaySince, absentUntil, work, signal))
        .catch((thrown: unknown) => logger.error("catch-up:failed", { guildId, error: toError(thrown).message }));
    },
    leave(guildId) {
      guilds.get(guildId)?.left.abort();
    },
    rereading: (guildId) => guilds.get(guildId)?.progress,
    idle,
    async stop() {
      stopped.abort();
      await idle();
    },
  };
}
