// Forgets guilds that the bot has left, some days later, or at once where that is set. Only on Discord's word: a guild that is
// out of service is not in sight either; those of other processes' shards are theirs to ask about. And only those that this very bot was
// in: another one started on the same data folder is in none of them, and what was imported belongs to nobody yet.

import { toError } from "../errors.ts";
import type { Archive, OutOfReach } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Snowflake } from "../snowflake.ts";

import { lookAtExpiry } from "./expiry.ts";

const ASK_AGAIN_MS = 30_000;

export interface ForgetLeftParts {
  readonly archive: Pick<Archive, "guilds" | "settings" | "saveSettings" | "unfinishedRemovals" | "beginRemoval">;
  readonly botId: Snowflake | undefined;
  /** How long what is stored of a guild that the bot has left is kept. 0: it goes at once; Infinity: it stays. */
  readonly keepLeftDays: number;
  /** What time it is, by Discord's clock where it is known. Milliseconds since 1970. */
  now(): number;
  /** True for guilds that this process would see if the bot were in them and they were in service; no request. */
  isOutOfSight(guildId: Snowflake): boolean;
  /** True only when Discord says that the bot is not in the guild. @throws TransientError when it does not answer */
  hasLeft(guildId: Snowflake): Promise<boolean>;
  /** Looks after a guild, which finishes what was begun there; and ends that. */
  enter(guildId: Snowflake): Promise<void>;
  leave(guildId: Snowflake, isForgotten: boolean): Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** This bot is in these guilds, and may forget them once it has left. One after the other: nobody waits for it. */
export async function rememberBot(
  archive: Pick<Archive, "settings" | "saveSettings">,
  guildIds: readonly Snowflake[],
  botId: Snowflake | undefined,
  stop?: AbortSignal,
): Promise<void> {
  for (const guildId of guildIds) {
    if (botId === undefined || stop?.aborted) return;
    const { left, ...settings } = await archive.settings(guildId);
    if (settings.botId !== botId || left !== undefined) await archive.saveSettings(guildId, { ...settings, botId });
  }
}

/** Also finishes what the end of an earlier process cut off. */
export async function forgetLeft(parts: ForgetLeftParts, stop: AbortSignal): Promise<void> {
  const { archive, enter, leave, logger } = parts;
  for (const guildId of await archive.guilds()) {
    if (stop.aborted) return;
    if (!parts.isOutOfSight(guildId)) continue;
    const isBegun = (await archive.unfinishedRemovals(guildId)).some(({ by }) => by === "guild");
    if (!isBegun && !(await isOver(parts, guildId, stop))) continue;
    logger.info("guild:forgotten", { guildId });
    if (!isBegun) await archive.beginRemoval(guildId, { by: "guild" });
    await enter(guildId);
    await leave(guildId, true);
  }
}

/** Remembers since when the bot is not in a guild. */
export async function rememberLeft(
  archive: Pick<Archive, "settings" | "saveSettings">,
  guildId: Snowflake,
  now: number,
): Promise<OutOfReach> {
  const settings = await archive.settings(guildId);
  const left = settings.left ?? { since: now };
  if (settings.left === undefined) await archive.saveSettings(guildId, { ...settings, left });
  return left;
}

/** Whether the bot has left a guild for so long that it is forgotten. Whoever runs the bot reads in the log when that will be. */
async function isOver(parts: ForgetLeftParts, guildId: Snowflake, stop: AbortSignal): Promise<boolean> {
  const { archive, keepLeftDays, logger } = parts;
  if (!Number.isFinite(keepLeftDays)) return false;
  if (!(await isOurs(parts, guildId)) || !(await hasLeft(parts, guildId, stop))) return false;
  const left = await rememberLeft(archive, guildId, parts.now());
  const { state, isDue } = await lookAtExpiry(left, keepLeftDays, parts.now(), async (at) => {
    logger.warn("guild:expires", { guildId, at: new Date(at).toISOString(), reason: "the bot has left it" });
    return true;
  });
  if (!isDue && state !== left)
    await archive.saveSettings(guildId, { ...(await archive.settings(guildId)), left: state });
  return isDue;
}

async function isOurs({ archive, botId, logger }: ForgetLeftParts, guildId: Snowflake): Promise<boolean> {
  const isOurs = botId !== undefined && (await archive.settings(guildId)).botId === botId;
  const reason = "this bot was never in it; another one stored it, or it was imported";
  if (!isOurs) logger.info("guild:kept", { guildId, reason });
  return isOurs;
}

async function hasLeft(
  { hasLeft, clock, logger }: ForgetLeftParts,
  guildId: Snowflake,
  stop: AbortSignal,
): Promise<boolean> {
  while (!stop.aborted) {
    try {
      return await hasLeft(guildId);
    } catch (thrown) {
      logger.warn("forget:retry", { guildId, error: toError(thrown).message });
      await clock.sleep(ASK_AGAIN_MS, stop);
    }
  }
  return false;
}
