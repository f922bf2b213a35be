// What a guild's admins are told through, one of each per guild: the reporter that posts, and the alerts.

import type { AdminChannel, Archive } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";
import type { Announcement, BackfillStatus } from "./backfill.ts";
import { createGuildAlerts, type GuildAlerts, type GuildAlertsParts } from "./guild-alerts.ts";
import { createReporter, type Reporter } from "./progress.ts";
import type { Run } from "./run.ts";

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
    const chosen = async () => (await parts.archive.settings(guildId)).adminChannelId;
    const reporter = createReporter(parts.adminChannel, chosen, parts.clock, parts.logger);
    const updateRun = (change: (run: Run) => Run) => update(guildId, change);
    return { reporter, alerts: createGuildAlerts(parts, guildId, reporter, updateRun, () => status(guildId)) };
  }

  return {
    of(guildId) {
      const channel = channels.get(guildId) ?? open(guildId);
      channels.set(guildId, channel);
      return channel;
    },
    stop: () => Promise.all([...channels.values()].map(({ alerts }) => alerts.stop())),
  };
}
