// What a guild's admins are told through, one of each per guild: the reporter that posts, and the alerts.

import { TransientError } from "../../errors.ts";
import { getOrMake } from "../../maps.ts";
import type { Archive } from "../../ports/archive.ts";
import type { AdminChannel } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Run } from "../run/run.ts";
import type { Announcement, BackfillStatus } from "./announcements.ts";
import { createGuildAlerts, type GuildAlerts, type GuildAlertsParts } from "./guild-alerts.ts";
import { createReporter, type Reporter } from "./progress.ts";

export interface GuildChannel {
  readonly reporter: Reporter;
  readonly alerts: GuildAlerts;
}

export interface GuildChannels {
  of(guildId: Snowflake): GuildChannel;
  stop(): Promise<unknown>;
}

/**
 * @param update changes a guild's stored run, whoever works on it
 * @param status what posts show
 */
export function createGuildChannels(
  parts: GuildAlertsParts & {
    readonly archive: Pick<Archive, "settings">;
    readonly adminChannel: AdminChannel<Announcement>;
  },
  update: (guildId: Snowflake, change: (run: Run) => Run) => Promise<unknown>,
  status: (guildId: Snowflake) => Promise<BackfillStatus>,
): GuildChannels {
  const channels = new Map<Snowflake, GuildChannel>();

  function open(guildId: Snowflake): GuildChannel {
    let known: Snowflake | undefined;
    async function chosen(): Promise<Snowflake | undefined> {
      try {
        known = (await parts.archive.settings(guildId)).adminChannelId;
      } catch (thrown) {
        // That the archive is out of reach is among what is reported.
        if (!(thrown instanceof TransientError)) throw thrown;
      }
      return known;
    }
    const reporter = createReporter(parts.adminChannel, chosen, parts.clock, parts.logger);
    const updateRun = (change: (run: Run) => Run) => update(guildId, change);
    return { reporter, alerts: createGuildAlerts(parts, guildId, reporter, updateRun, () => status(guildId)) };
  }

  return {
    of: (guildId) => getOrMake(channels, guildId, () => open(guildId)),
    stop: () => Promise.all([...channels.values()].map(({ alerts }) => alerts.stop())),
  };
}
