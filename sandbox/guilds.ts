// The driver's hand on guilds: members, roles and channels come, change and go, and the feed tells of it.

import { ChannelType, PermissionFlagsBits } from "discord-api-types/v10";
import { compareSnowflakes, type Snowflake } from "../src/snowflake.ts";
import { createMessageLog } from "./message-log.ts";
import type { Channel, Guild, Member, Overwrite, Role, User } from "./model.ts";
import { canView } from "./permissions.ts";
import { getChannel, getGuild, getUser, type State } from "./state.ts";

/** What @everyone may do in a fresh guild, as far as it matters here. */
export const DEFAULT_PERMISSIONS: bigint =
  PermissionFlagsBits.ViewChannel |
  PermissionFlagsBits.SendMessages |
  PermissionFlagsBits.SendMessagesInThreads |
  PermissionFlagsBits.CreatePublicThreads |
  PermissionFlagsBits.CreatePrivateThreads |
  PermissionFlagsBits.EmbedLinks |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.AddReactions |
  PermissionFlagsBits.ReadMessageHistory |
  PermissionFlagsBits.UseApplicationCommands |
  PermissionFlagsBits.Connect;

export interface OverwriteInput {
  /** A role's or a user's id; the guild's id stands for @everyone. */
  readonly id: Snowflake;
  readonly allow?: bigint;
  readonly deny?: bigint;
}

export interface ChannelInput {
  readonly guildId: Snowflake;
  readonly name: string;
  /** Default: a text channel. */
  readonly type?: ChannelType;
  readonly topic?: string;
  readonly parentId?: Snowflake;
  readonly overwrites?: readonly OverwriteInput[];
  readonly ageRestricted?: boolean;
  readonly id?: Snowflake;
}

export interface GuildActions {
  addUser(input: { username: string; globalName?: string; bot?: boolean; id?: Snowflake }): User;
  /** A guild with its owner (made unless given) and the bot, whose permissions come from a role of its own. */
  addGuild(input: {
    name: string;
    id?: Snowflake;
    ownerId?: Snowflake;
    everyone?: bigint;
    botPermissions?: bigint;
  }): Guild;
  /** The bot is removed from the guild; everything in it is gone. */
  removeGuild(guildId: Snowflake): void;
  /** Adds a user to a guild; with `username` the user is made as well. */
  addMember(
    guildId: Snowflake,
    input: ({ userId: Snowflake } | { username: string; globalName?: string }) & {
      roleIds?: readonly Snowflake[];
      nick?: string;
    },
  ): Member;
  updateMember(
    guildId: Snowflake,
    userId: Snowflake,
    change: { roleIds?: readonly Snowflake[]; nick?: string | null; timedOutUntil?: number | null },
  ): Member;
  removeMember(guildId: Snowflake, userId: Snowflake): void;
  addRole(guildId: Snowflake, input: { name: string; permissions?: bigint; color?: number; id?: Snowflake }): Role;
  updateRole(guildId: Snowflake, roleId: Snowflake, change: { name?: string; permissions?: bigint }): Role;
  deleteRole(guildId: Snowflake, roleId: Snowflake): void;
  addChannel(input: ChannelInput): Channel;
  updateChannel(
    channelId: Snowflake,
    change: {
      name?: string;
      topic?: string | null;
      overwrites?: readonly OverwriteInput[];
      ageRestricted?: boolean;
      parentId?: Snowflake | null;
    },
  ): Channel;
  /** Deletes a channel (with its threads and messages) or a thread. */
  deleteChannel(channelId: Snowflake): void;
  /** Channels and threads this user sees right now, in all guilds or in one. */
  visibleChannels(userId: Snowflake, guildId?: Snowflake): Channel[];
}

/** @throws Error when the id is taken */
export function insertChannel(guild: Guild, channel: Channel): Channel {
  if (guild.channels.has(channel.id)) throw new Error(`channel ${channel.id} exists already`);
  guild.channels.set(channel.id, channel);
  return channel;
}

export function createGuildActions(state: State): GuildActions {
  function addUser({ username, globalName, bot = false, id }: Parameters<GuildActions["addUser"]>[0]): User {
    const user: User = { id: id ?? state.nextId(), username, globalName: globalName ?? null, bot };
    state.users.set(user.id, user);
    return user;
  }

  function toOverwrites(guild: Guild, inputs: readonly OverwriteInput[]): Overwrite[] {
    return inputs.map(({ id, allow = 0n, deny = 0n }) => ({ id, type: guild.roles.has(id) ? 0 : 1, allow, deny }));
  }

  function newRole(guild: Guild, id: Snowflake, name: string, permissions: bigint, managed: boolean, color = 0): Role {
    const role: Role = { id, name, permissions, position: guild.roles.size, color, managed };
    guild.roles.set(id, role);
    return role;
  }

  function newMember(guild: Guild, userId: Snowflake, roleIds: readonly Snowflake[], nick?: string): Member {
    const member: Member = {
      userId,
      roleIds,
      nick: nick ?? null,
      joinedAt: state.now(),
      timedOutUntil: null,
      isTimedOut: () => (member.timedOutUntil ?? 0) > state.now(),
    };
    guild.members.set(userId, member);
    return member;
  }

  return {
    addUser,
    addGuild({ name, id, ownerId, everyone = DEFAULT_PERMISSIONS, botPermissions = DEFAULT_PERMISSIONS }) {
      const owner = ownerId ? getUser(state, ownerId) : state.owner;
      const guild: Guild = {
        id: id ?? state.nextId(),
        name,
        ownerId: owner.id,
        roles: new Map(),
        members: new Map(),
        channels: new Map(),
        createdAt: state.now(),
      };
      newRole(guild, guild.id, "@everyone", everyone, false);
      const botRole = newRole(guild, state.nextId(), state.bot.username, botPermissions, true);
      newMember(guild, owner.id, []);
      newMember(guild, state.bot.id, [botRole.id]);
      state.guilds.set(guild.id, guild);
      state.emit({ type: "guild:created", guild });
      return guild;
    },
    removeGuild(guildId) {
      const guild = getGuild(state, guildId);
      state.guilds.delete(guildId);
      for (const command of [...state.commands.values()]) {
        if (command.guildId === guildId) state.commands.delete(command.id);
      }
      state.emit({ type: "guild:deleted", guild });
    },
    addMember(guildId, input) {
      const guild = getGuild(state, guildId);
      const user = "userId" in input ? getUser(state, input.userId) : addUser(input);
      const member = newMember(guild, user.id, input.roleIds ?? [], input.nick);
      state.emit({ type: "member:added", guild, member });
      return member;
    },
    updateMember(guildId, userId, change) {
      const guild = getGuild(state, guildId);
      const member = guild.members.get(userId);
      if (!member) throw new Error(`user ${userId} is not a member of guild ${guildId}`);
      Object.assign(member, change);
      state.emit({ type: "member:updated", guild, member });
      return member;
    },
    removeMember(guildId, userId) {
      const guild = getGuild(state, guildId);
      const member = guild.members.get(userId);
      if (!member) throw new Error(`user ${userId} is not a member of guild ${guildId}`);
      guild.members.delete(userId);
      for (const channel of guild.channels.values()) channel.thread?.members.delete(userId);
      state.emit({ type: "member:removed", guild, member });
    },
    addRole(guildId, { name, permissions = 0n, color, id }) {
      const guild = getGuild(state, guildId);
      const role = newRole(guild, id ?? state.nextId(), name, permissions, false, color);
      state.emit({ type: "role:created", guild, role });
      return role;
    },
    updateRole(guildId, roleId, change) {
      const guild = getGuild(state, guildId);
      const role = guild.roles.get(roleId);
      if (!role) throw new Error(`guild ${guildId} has no role ${roleId}`);
      Object.assign(role, change);
      state.emit({ type: "role:updated", guild, role });
      return role;
    },
    deleteRole(guildId, roleId) {
      const guild = getGuild(state, guildId);
      const role = guild.roles.get(roleId);
      if (!role || roleId === guildId) throw new Error(`guild ${guildId} has no role ${roleId} that can be deleted`);
      guild.roles.delete(roleId);
      for (const member of guild.members.values()) member.roleIds = member.roleIds.filter((id) => id !== roleId);
      state.emit({ type: "role:deleted", guild, role });
    },
    addChannel({ guildId, name, type = ChannelType.GuildText, topic, parentId, overwrites = [], ageRestricted, id }) {
      const guild = getGuild(state, guildId);
      const channel = insertChannel(guild, {
        id: id ?? state.nextId(),
        guildId,
        type,
        name,
        topic: topic ?? null,
        parentId: parentId ?? null,
        position: [...guild.channels.values()].filter(({ thread }) => !thread).length,
        overwrites: toOverwrites(guild, overwrites),
        ageRestricted: ageRestricted ?? false,
        messages: createMessageLog(),
      });
      state.emit({ type: "channel:created", guild, channel });
      return channel;
    },
    updateChannel(channelId, { overwrites, ...change }) {
      const { guild, channel } = getChannel(state, channelId);
      Object.assign(channel, change);
      if (overwrites) channel.overwrites = toOverwrites(guild, overwrites);
      state.emit({ type: "channel:updated", guild, channel });
      return channel;
    },
    deleteChannel(channelId) {
      const { guild, channel } = getChannel(state, channelId);
      // Discord tells of the channel only: its threads and messages go without events of their own.
      for (const other of [...guild.channels.values()]) {
        if (other.thread && other.parentId === channelId) guild.channels.delete(other.id);
      }
      if (channel.thread) state.emit({ type: "thread:deleted", guild, channel });
      guild.channels.delete(channelId);
      if (!channel.thread) state.emit({ type: "channel:deleted", guild, channel });
    },
    visibleChannels(userId, guildId) {
      const guilds = guildId ? [getGuild(state, guildId)] : [...state.guilds.values()];
      return guilds
        .flatMap((guild) => [...guild.channels.values()].filter((channel) => canView(guild, channel, userId)))
        .sort((a, b) => compareSnowflakes(a.guildId, b.guildId) || a.position - b.position);
    },
  };
}
