// Forgets guilds that the bot was removed from while no process listened, where that is set. Only on Discord's word: a guild that is
// out of service is not in sight either; those of other processes' shards are theirs to ask about. And only those that this very bot was
// in: another one started on the same data folder is in none of them, and what was imported belongs to nobody yet.

import { toError } from "../errors.ts";
import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Snowflake } from "../snowflake.ts";

const ASK_AGAIN_MS = 30_000;

export interface ForgetLeftParts {
  readonly archive: Pick<Archive, "guilds" | "settings" | "unfinishedRemovals" | "beginRemoval">;
  readonly botId: Snowflake | undefined;
  /** Whether leaving a guild deletes what is stored of it. */
  readonly forgetOnLeave: boolean;
  /** True for guilds that this process would see if the bot were in them and they were in service; no request. */
  isOutOfSight(guildId: Snowflake): boolean;
  /** True only when Discord says that the bot is not in the guild. @throws TransientError when it does not answer */
  hasLeft(guildId: Snowflake): Promise<boolean>;
  /** Looks after a guild, which finishes what was begun there; and ends that. */
  enter(guildId: Snowflake): Promise<void>;
  leave(guildId: Snowflake): Promise<void>;
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
    const settings = await archive.settings(guildId);
    if (settings.botId !== botId) await archive.saveSettings(guildId, { ...settings, botId });
  }
}

/** Also finishes what the end of an earlier process cut off. */
export async function forgetLeft(parts: ForgetLeftParts, stop: AbortSignal): Promise<void> {
  const { archive, forgetOnLeave, enter, leave, logger } = parts;
  for (const guildId of await archive.guilds()) {
    if (stop.aborted) return;
    if (!parts.isOutOfSight(guildId)) continue;
    const isBegun = (await archive.unfinishedRemovals(guildId)).some(({ by }) => by === "guild");
    if (!isBegun && !(forgetOnLeave && (await isOurs(parts, guildId)) && (await hasLeft(parts, guildId, stop))))
      continue;
    logger.info("guild:forgotten", { guildId });
    if (!isBegun) await archive.beginRemoval(guildId, { by: "guild" });
    await enter(guildId);
    await leave(guildId);
  }
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
