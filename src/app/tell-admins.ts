// Tells the admins of every server, where they chose a channel for reports, of what only whoever runs the bot can mend.

import type { Announcement, BackfillStatus } from "../backfill/reporting/announcements.ts";
import { toError } from "../errors.ts";
import type { Archive } from "../ports/archive.ts";
import type { AdminChannel, HostProblem } from "../ports/discord.ts";
import type { Logger } from "../ports/logger.ts";
import type { Snowflake } from "../snowflake.ts";

/** @returns whether anybody was told */
export async function tellAdmins(
  problems: readonly HostProblem[],
  guildIds: readonly Snowflake[],
  parts: {
    readonly archive: Pick<Archive, "settings">;
    readonly adminChannel: Pick<AdminChannel<Announcement>, "post">;
    readonly logger: Logger;
    status(guildId: Snowflake): Promise<BackfillStatus>;
  },
): Promise<boolean> {
  let isTold = false;
  for (const guildId of guildIds) {
    try {
      const { adminChannelId } = await parts.archive.settings(guildId);
      if (adminChannelId === undefined) continue;
      const announcement = { kind: "host-problems", status: await parts.status(guildId), problems } as const;
      await parts.adminChannel.post(adminChannelId, announcement);
      isTold = true;
    } catch (thrown) {
      parts.logger.warn("admin-channel:failed", { guildId, reason: toError(thrown).message });
    }
  }
  return isTold;
}
