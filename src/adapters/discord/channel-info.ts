// What the archive keeps of a Discord channel or thread. Pure.

import { ChannelType as DiscordChannelType } from "discord-api-types/v10";
import type { ChannelInfo, ChannelType } from "../../ports/archive.ts";
import type { Snowflake } from "../../snowflake.ts";

const TYPES: Partial<Record<DiscordChannelType, ChannelType>> = {
  [DiscordChannelType.GuildText]: "text",
  [DiscordChannelType.GuildAnnouncement]: "announcement",
  [DiscordChannelType.GuildVoice]: "voice",
  [DiscordChannelType.GuildStageVoice]: "voice",
  [DiscordChannelType.GuildForum]: "forum",
  [DiscordChannelType.GuildMedia]: "forum",
  [DiscordChannelType.PublicThread]: "public-thread",
  [DiscordChannelType.AnnouncementThread]: "public-thread",
  [DiscordChannelType.PrivateThread]: "private-thread",
};

/** What API payloads and discord.js's cached channels have in common. */
export interface DiscordChannel {
  readonly id: Snowflake;
  readonly type: DiscordChannelType;
  readonly name?: string | null;
  readonly parent_id?: Snowflake | null;
  readonly parentId?: Snowflake | null;
}

/** @returns undefined for what holds neither messages nor threads of a guild: categories, directories, direct messages */
export function toChannelInfo(channel: DiscordChannel): ChannelInfo | undefined {
  const type = TYPES[channel.type];
  if (!type) return undefined;
  const parentId = channel.parent_id ?? channel.parentId;
  const info = { id: channel.id, name: channel.name ?? channel.id, type };
  if (!isThread(info)) return { ...info, ...(parentId && { categoryId: parentId }), accessChannelId: channel.id };
  if (!parentId) return { ...info, accessChannelId: channel.id };
  return { ...info, parentId, accessChannelId: type === "public-thread" ? parentId : channel.id };
}

export function isThread(channel: { readonly type: ChannelType }): boolean {
  return channel.type === "public-thread" || channel.type === "private-thread";
}
