// Which guilds the bot is in, and which it has left: remembered, and after some time forgotten.

import type { Client } from "discord.js";
import { isOfShards } from "../adapters/discord/shards.ts";
import type { Archive } from "../ports/archive.ts";
import type { DiscordTime } from "../ports/discord.ts";
import type { Snowflake } from "../snowflake.ts";
import { type ForgetLeftParts, forgetLeft, rememberBot, rememberLeft } from "../sync/forget-left.ts";
import { everyDay } from "./every-day.ts";

/** By default, what is stored of a server that the bot has left is kept for so long. */
const KEEP_LEFT_DAYS = 30;

export function keepLeftDaysOf(options: {
  readonly keepLeftDays?: number | undefined;
  readonly forgetOnLeave?: boolean | undefined;
}): number {
  return options.keepLeftDays ?? (options.forgetOnLeave ? 0 : KEEP_LEFT_DAYS);
}

interface MembershipParts extends Pick<ForgetLeftParts, "keepLeftDays" | "hasLeft" | "clock" | "logger"> {
  readonly archive: Archive;
  readonly time: DiscordTime;
}

export interface GuildMembership {
  /** The bot is in these. */
  remember(guildIds: readonly Snowflake[]): Promise<void>;
  /** The bot has just left it. @returns whether what is stored of it is to go at once */
  left(guildId: Snowflake): Promise<boolean>;
  /** Forgets those that it has left long enough ago: now, and from then on every day, until it is stopped. */
  forget(guilds: Pick<ForgetLeftParts, "enter" | "leave">): Promise<void>;
}

export function createGuildMembership(
  client: Client,
  { archive, keepLeftDays, hasLeft, time, clock, logger }: MembershipParts,
  stop: AbortSignal,
): GuildMembership {
  const isOutOfSight = (guildId: Snowflake) => isOfShards(client, guildId) && !client.guilds.cache.has(guildId);
  const now = () => clock.now() - (time.aheadMs() ?? 0);
  let current: Pick<ForgetLeftParts, "enter" | "leave"> | undefined;

  async function look(): Promise<void> {
    if (current === undefined) return;
    const { enter, leave } = current;
    const botId = client.user?.id;
    await forgetLeft({ archive, botId, keepLeftDays, now, isOutOfSight, hasLeft, enter, leave, clock, logger }, stop);
  }

  return {
    remember: (guildIds) => rememberBot(archive, guildIds, client.user?.id, stop),
    async left(guildId) {
      if (keepLeftDays > 0) {
        await rememberLeft(archive, guildId, now());
        return false;
      }
      await archive.beginRemoval(guildId, { by: "guild" });
      return true;
    },
    async forget({ enter, leave }) {
      const isFirst = current === undefined;
      current = { enter, leave };
      if (isFirst) await everyDay(() => ["servers that were left"], look, { clock, logger }, stop);
      else await look();
    },
  };
}
