// How Discord's API shows people, roles, channels, threads and guilds.

import {
  type APIGuildMember,
  type APIRole,
  type APIThreadMember,
  type APIUser,
  ChannelType,
  type GuildMemberFlags,
  type RoleFlags,
  type ThreadMemberFlags,
  type UserFlags,
} from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import type { Channel, Guild, Member, Role, User } from "./model.ts";
import { getUser, type State } from "./state.ts";

/** A JSON object of the API whose shape the official description checks (validation.ts) rather than the compiler. */
export type ApiObject = Record<string, unknown>;

export function renderUser(user: User): APIUser {
  return {
    id: user.id,
    username: user.username,
    global_name: user.globalName,
    // Bots keep a four-digit discriminator; people have had none since 2023.
    discriminator: user.bot ? "0001" : "0",
    avatar: null,
    public_flags: 0 as UserFlags,
    flags: 0 as UserFlags,
    banner: null,
    accent_color: null,
    avatar_decoration_data: null,
    primary_guild: null,
    ...(user.bot ? { bot: true } : {}),
  };
}

/** A member without its user, as messages carry it. */
export function renderBareMember(member: Member): Omit<APIGuildMember, "user"> {
  return {
    roles: [...member.roleIds],
    nick: member.nick,
    avatar: null,
    banner: null,
    joined_at: new Date(member.joinedAt).toISOString(),
    premium_since: null,
    pending: false,
    communication_disabled_until: member.timedOutUntil === null ? null : new Date(member.timedOutUntil).toISOString(),
    flags: 0 as GuildMemberFlags,
    mute: false,
    deaf: false,
  };
}

export function renderMember(state: State, member: Member): APIGuildMember {
  return { ...renderBareMember(member), user: renderUser(getUser(state, member.userId)) };
}

export function renderRole(role: Role): APIRole {
  return {
    id: role.id,
    name: role.name,
    permissions: role.permissions.toString(),
    position: role.position,
    color: role.color,
    colors: { primary_color: role.color, secondary_color: null, tertiary_color: null },
    hoist: false,
    managed: role.managed,
    mentionable: false,
    icon: null,
    unicode_emoji: null,
    flags: 0 as RoleFlags,
  };
}

/** A thread as `viewerId` gets it: with their membership, if they have joined. */
export function renderThread(channel: Channel, viewerId: Snowflake): ApiObject {
  const { thread } = channel;
  if (!thread) throw new Error(`channel ${channel.id} is not a thread`);
  const joinedAt = thread.members.get(viewerId);
  return {
    id: channel.id,
    type: channel.type,
    guild_id: channel.guildId,
    parent_id: channel.parentId ?? channel.guildId,
    name: channel.name,
    owner_id: thread.ownerId,
    last_message_id: channel.messages.last?.id ?? null,
    rate_limit_per_user: 0,
    flags: 0,
    message_count: channel.messages.size,
    member_count: Math.min(50, thread.members.size),
    total_message_sent: thread.totalSent,
    thread_metadata: {
      archived: thread.archived,
      locked: thread.locked,
      auto_archive_duration: 4320,
      archive_timestamp: new Date(thread.archivedAt).toISOString(),
      create_timestamp: new Date(thread.createdAt).toISOString(),
      ...(channel.type === ChannelType.PrivateThread ? { invitable: true } : {}),
    },
    ...(joinedAt === undefined ? {} : { member: renderThreadMember(channel, viewerId, joinedAt) }),
  };
}

export function renderThreadMember(channel: Channel, userId: Snowflake, joinedAt: number): APIThreadMember {
  return {
    id: channel.id,
    user_id: userId,
    join_timestamp: new Date(joinedAt).toISOString(),
    flags: 0 as ThreadMemberFlags,
  };
}

/** A channel that is not a thread. */
export function renderChannel(channel: Channel): ApiObject {
  const base = {
    id: channel.id,
    type: channel.type,
    guild_id: channel.guildId,
    name: channel.name,
    position: channel.position,
    parent_id: channel.parentId,
    permission_overwrites: channel.overwrites.map(({ id, type, allow, deny }) => ({
      id,
      type,
      allow: allow.toString(),
      deny: deny.toString(),
    })),
    nsfw: channel.ageRestricted,
    flags: 0,
  };
  if (channel.type === ChannelType.GuildCategory) return base;
  const text = { ...base, last_message_id: channel.messages.last?.id ?? null, rate_limit_per_user: 0 };
  if (channel.type === ChannelType.GuildVoice) return { ...text, bitrate: 64_000, user_limit: 0, rtc_region: null };
  const topical = { ...text, topic: channel.topic, default_auto_archive_duration: 4320 };
  if (channel.type !== ChannelType.GuildForum) return topical;
  return {
    ...topical,
    available_tags: [],
    default_reaction_emoji: null,
    default_sort_order: null,
    default_forum_layout: 0,
  };
}

/** A channel or a thread, whichever it is. */
export function renderAnyChannel(channel: Channel, viewerId: Snowflake): ApiObject {
  return channel.thread ? renderThread(channel, viewerId) : renderChannel(channel);
}

/** The guild object of REST; the gateway's adds members, channels and threads. */
export function renderGuild(guild: Guild): ApiObject {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    description: null,
    home_header: null,
    splash: null,
    discovery_splash: null,
    features: [],
    banner: null,
    owner_id: guild.ownerId,
    application_id: null,
    region: "deprecated",
    afk_channel_id: null,
    afk_timeout: 300,
    system_channel_id: null,
    system_channel_flags: 0,
    widget_enabled: false,
    widget_channel_id: null,
    verification_level: 0,
    roles: [...guild.roles.values()].map(renderRole),
    default_message_notifications: 0,
    mfa_level: 0,
    explicit_content_filter: 0,
    max_presences: null,
    max_members: 500_000,
    max_stage_video_channel_users: 50,
    max_video_channel_users: 25,
    vanity_url_code: null,
    premium_tier: 0,
    premium_subscription_count: 0,
    preferred_locale: "en-US",
    rules_channel_id: null,
    safety_alerts_channel_id: null,
    public_updates_channel_id: null,
    premium_progress_bar_enabled: false,
    nsfw: false,
    nsfw_level: 0,
    emojis: [],
    stickers: [],
    incidents_data: null,
  };
}
