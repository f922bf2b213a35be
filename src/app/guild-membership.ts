// Which guilds the bot is in, and which it has left: remembered, and where that is set, forgotten.

import type { Client } from "discord.js";
import { isOfShards } from "../adapters/discord/shards.ts";
import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Snowflake } from "../snowflake.ts";
import { type ForgetLeftParts, forgetLeft, rememberBot } from "../sync/forget-left.ts";

export interface GuildMembership {
  /** The bot is in these. */
  remember(guildIds: readonly Snowflake[]): Promise<void>;
  /** Forgets those that it was removed from while nobody listened. */
  forget(guilds: Pick<ForgetLeftParts, "enter" | "leave">): Promise<void>;
}

export function createGuildMembership(
  client: Client,
  {
    archive,
    forgetOnLeave,
    hasLeft,
    clock,
    logger,
  }: {
    readonly archive: Archive;
    readonly forgetOnLeave: boolean;
    readonly hasLeft: ForgetLeftParts["hasLeft"];
    readonly clock: Clock;
    readonly logger: Logger;
  },
  stop: AbortSignal,
): GuildMembership {
  const isOutOfSight = (guildId: Snowflake) => isOfShards(client, guildId) && !client.guilds.cache.has(guildId);
  return {
    remember: (guildIds) => rememberBot(archive, guildIds, client.user?.id, stop),
    async forget({ enter, leave }) {
      const botId = client.user?.id;
      await forgetLeft({ archive, botId, forgetOnLeave, isOutOfSight, hasLeft, enter, leave, clock, logger }, stop);
    },
  };
}
