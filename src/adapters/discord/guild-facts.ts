// discord.js's guild cache -> the facts that permission-rules.ts reasons about. Roles, channels and overwrites are always cached on
// a client with the Guilds intent; members are not counted on.

import type { Client, Guild, NonThreadGuildBasedChannel } from "discord.js";
import { UserError } from "../../errors.ts";
import type { Viewer } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { ChannelFacts, GuildFacts } from "./permission-rules.ts";

/** @throws UserError when Discord has not sent the guild (an outage, or the bot is no longer in it) */
export function cachedGuild(client: Client, guildId: Snowflake): Guild {
  const guild = client.guilds.cache.get(guildId);
  if (!guild?.available) {
    throw new UserError("Discord does not show me this server right now. Nothing is lost; try again in a minute.");
  }
  return guild;
}

export function guildFacts(guild: Guild): GuildFacts {
  return {
    id: guild.id,
    ownerId: guild.ownerId,
    rolePermissions: new Map(guild.roles.cache.map((role) => [role.id, role.permissions.bitfield])),
  };
}

export function channelFacts(channel: NonThreadGuildBasedChannel): ChannelFacts {
  return {
    id: channel.id,
    type: channel.type,
    ageRestricted: "nsfw" in channel && channel.nsfw,
    overwrites: channel.permissionOverwrites.cache.map(({ id, allow, deny }) => ({
      id,
      allow: allow.bitfield,
      deny: deny.bitfield,
    })),
  };
}

/** A guild's channels that are not threads. */
export function plainChannels(guild: Guild): NonThreadGuildBasedChannel[] {
  return [...guild.channels.cache.values()].filter((channel) => !channel.isThread());
}

/** The bot itself in a guild; asked of Discord where members are not cached. */
export async function botMember(guild: Guild): Promise<Viewer> {
  const me = guild.members.me ?? (await guild.members.fetchMe());
  return { userId: me.id, roleIds: [...me.roles.cache.keys()], isTimedOut: me.isCommunicationDisabled() };
}
