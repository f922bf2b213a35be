// What is heard of guilds goes to live indexing; before there is a core, to the archive alone.

import { archiveOnly } from "../indexing/live/archive-only.ts";
import type { Archive } from "../ports/archive.ts";
import type { GuildEvents } from "../ports/discord.ts";
import type { Snowflake } from "../snowflake.ts";
import type { GuildMembership } from "./guild-membership.ts";
import type { Core } from "./services.ts";

export function createGuildEvents({
  core,
  archive,
  isContentHidden,
  membership,
  onLeft,
}: {
  core(): Pick<Core, "live" | "leave"> | undefined;
  readonly archive: Archive;
  /** Messages arrive empty, and would empty what is stored of them. */
  readonly isContentHidden: boolean;
  readonly membership: Pick<GuildMembership, "left">;
  /** Before anything else is done about it. */
  onLeft(guildId: Snowflake): void;
}): GuildEvents {
  const beforeCore = archiveOnly(archive);
  const now = (): GuildEvents => core()?.live ?? beforeCore;
  return {
    messageSaved: async (...event) => {
      if (!isContentHidden) await now().messageSaved(...event);
    },
    messagesDeleted: (...event) => now().messagesDeleted(...event),
    channelSaved: (...event) => now().channelSaved(...event),
    channelDeleted: (...event) => now().channelDeleted(...event),
    async guildLeft(guildId) {
      onLeft(guildId);
      // Before there is a core, it is only remembered (see `forgetLeft`).
      const isForgotten = await membership.left(guildId);
      await now().guildLeft(guildId);
      await core()?.leave(guildId, isForgotten);
    },
  };
}
