// Discord's permission algorithm: what a member may do in a guild, a channel or a thread.
// Source: https://discord.com/developers/docs/topics/permissions#permission-overwrites

import { ChannelType, PermissionFlagsBits } from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import type { Channel, Guild, Overwrite } from "./model.ts";

export const ALL_PERMISSIONS: bigint = Object.values(PermissionFlagsBits).reduce((all, bit) => all | bit, 0n);

/** Permissions in the guild as a whole; 0 for someone who is not a member. */
export function guildPermissions(guild: Guild, userId: Snowflake): bigint {
  const member = guild.members.get(userId);
  if (!member) return 0n;
  if (guild.ownerId === userId) return ALL_PERMISSIONS;
  let permissions = guild.roles.get(guild.id)?.permissions ?? 0n;
  for (const roleId of member.roleIds) permissions |= guild.roles.get(roleId)?.permissions ?? 0n;
  return permissions & PermissionFlagsBits.Administrator ? ALL_PERMISSIONS : permissions;
}

function applyOverwrites(base: bigint, overwrites: readonly Overwrite[]): bigint {
  const deny = overwrites.reduce((bits, overwrite) => bits | overwrite.deny, 0n);
  const allow = overwrites.reduce((bits, overwrite) => bits | overwrite.allow, 0n);
  return (base & ~deny) | allow;
}

/** What roles and overwrites give in a channel that is not a thread, before what depends on seeing and sending. */
function overwrittenPermissions(guild: Guild, channel: Channel, userId: Snowflake): bigint {
  const base = guildPermissions(guild, userId);
  if (base === ALL_PERMISSIONS) return base;
  const roleIds = guild.members.get(userId)?.roleIds ?? [];
  const steps = [
    channel.overwrites.filter(({ id }) => id === guild.id),
    channel.overwrites.filter(({ id, type }) => type === 0 && id !== guild.id && roleIds.includes(id)),
    channel.overwrites.filter(({ id, type }) => type === 1 && id === userId),
  ];
  return steps.reduce(applyOverwrites, base);
}

/** All that a timeout leaves: https://support.discord.com/hc/en-us/articles/4413305239191 */
const LEFT_BY_TIMEOUT = PermissionFlagsBits.ViewChannel | PermissionFlagsBits.ReadMessageHistory;

const NEEDS_SENDING =
  PermissionFlagsBits.MentionEveryone |
  PermissionFlagsBits.SendTTSMessages |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.EmbedLinks;

/**
 * Permissions in a channel or thread; 0 for whoever cannot see it. A thread takes its parent's; a private thread shows only to
 * its members and to Manage Threads. Nothing can be put into a message that cannot be sent. A timeout takes all but looking and
 * reading, save from the owner and administrators.
 */
export function channelPermissions(guild: Guild, channel: Channel, userId: Snowflake): bigint {
  if (!guild.members.has(userId)) return 0n;
  const governing = channel.thread && channel.parentId ? guild.channels.get(channel.parentId) : channel;
  if (!governing) return 0n;
  const overwritten = overwrittenPermissions(guild, governing, userId);
  const isBound = guild.members.get(userId)?.isTimedOut() && overwritten !== ALL_PERMISSIONS;
  const permissions = isBound ? overwritten & LEFT_BY_TIMEOUT : overwritten;
  if (!(permissions & PermissionFlagsBits.ViewChannel)) return 0n;
  const isHiddenThread =
    channel.type === ChannelType.PrivateThread &&
    !channel.thread?.members.has(userId) &&
    !(permissions & PermissionFlagsBits.ManageThreads);
  if (isHiddenThread) return 0n;
  return permissions & sendPermission(channel) ? permissions : permissions & ~NEEDS_SENDING;
}

export function canView(guild: Guild, channel: Channel, userId: Snowflake): boolean {
  return (channelPermissions(guild, channel, userId) & PermissionFlagsBits.ViewChannel) !== 0n;
}

export function canReadHistory(guild: Guild, channel: Channel, userId: Snowflake): boolean {
  const isVoice = channel.type === ChannelType.GuildVoice || channel.type === ChannelType.GuildStageVoice;
  const needed =
    PermissionFlagsBits.ViewChannel |
    PermissionFlagsBits.ReadMessageHistory |
    (isVoice ? PermissionFlagsBits.Connect : 0n);
  return (channelPermissions(guild, channel, userId) & needed) === needed;
}

/** The permission that writing here takes. */
export function sendPermission(channel: Channel): bigint {
  return channel.thread ? PermissionFlagsBits.SendMessagesInThreads : PermissionFlagsBits.SendMessages;
}
