// What is kept of a guild's events while there is no index yet: everything, with pending marks, so that indexing takes it up later.

import type { Archive } from "../../ports/archive.ts";
import type { GuildEvents } from "../../ports/discord.ts";

export function archiveOnly(archive: Archive): GuildEvents {
  return {
    async messageSaved(guildId, record, channel, completes = false) {
      await archive.saveChannels(guildId, [channel]);
      await archive.save(guildId, [record], { pending: true, completes });
    },
    async messagesDeleted(guildId, ids) {
      await archive.remove(guildId, "message", ids);
    },
    async channelSaved(guildId, channel) {
      await archive.saveChannels(guildId, [channel]);
    },
    async channelDeleted(guildId, channelId) {
      const threads = (await archive.channels(guildId)).filter(({ parentId }) => parentId === channelId);
      for (const { id } of [...threads, { id: channelId }]) await archive.beginRemoval(guildId, { by: "channel", id });
    },
    // Whether a guild left is forgotten is decided when indexing is there.
    async guildLeft() {},
  };
}
