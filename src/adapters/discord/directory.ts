// What is known of channels, threads and names beyond discord.js's cache, which forgets (or, on some hosts, never holds) threads and
// members: each unknown channel is asked of Discord once. Shared by the gateway, history and permissions; bounded.

import { type APIChannel, type Client, Routes } from "discord.js";
import { PermissionFlagsBits as Bit } from "discord-api-types/v10";
import { toError, UserError } from "../../errors.ts";
import { getOrMake } from "../../maps.ts";
import type { ChannelInfo } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import { toChannelInfo } from "./channel-info.ts";
import { DiscordCode, hasCode, isNotFound, translateDiscordError } from "./discord-errors.ts";
import { channelFacts, guildFacts } from "./guild-facts.ts";
import { createMemberRequests, type MemberRequests } from "./member-requests.ts";
import type { MessageNames } from "./message-record.ts";
import { isHeldByEveryone } from "./permission-rules.ts";

const CHANNELS_REMEMBERED = 10_000;
const NICKNAMES_REMEMBERED = 50_000;
const MEMBERS_TIMEOUT_MS = 5_000;

export interface Directory {
  /** @throws UserError when there is no such channel or it can hold no messages, TransientError when Discord does not answer */
  channel(channelId: Snowflake): Promise<ChannelInfo>;
  /** True only when Discord says that there is no such channel. @throws TransientError when it does not answer */
  isGone(channelId: Snowflake): Promise<boolean>;
  /** True only when Discord says that the bot is not a member of this guild. @throws TransientError when it does not answer */
  hasLeft(guildId: Snowflake): Promise<boolean>;
  remember(channel: ChannelInfo): void;
  forget(channelId: Snowflake): void;
  /**
   * Asks Discord, sparingly, for the nicknames of those not known yet, so that history calls an author what live messages do. Names are not
   * worth failing for: without an answer, display names are used.
   */
  learnNicknames(guildId: Snowflake, userIds: Iterable<Snowflake>): Promise<void>;
  /** Null: the member has none (any more). */
  rememberNickname(guildId: Snowflake, userId: Snowflake, nickname: string | null): void;
  /** Never asks Discord. */
  names(guildId: Snowflake): MessageNames;
}

export function createDirectory(client: Client, logger: Pick<Logger, "debug">): Directory {
  const channels = new Map<Snowflake, ChannelInfo>();
  const nicknames = new Map<string, string | null>();
  const memberRequests = new Map<Snowflake, MemberRequests>();

  function rememberNickname(guildId: Snowflake, userId: Snowflake, nickname: string | null): void {
    setBounded(nicknames, `${guildId}:${userId}`, nickname, NICKNAMES_REMEMBERED);
  }

  async function learn(guildId: Snowflake, userIds: readonly Snowflake[]): Promise<void> {
    const guild = client.guilds.cache.get(guildId);
    if (!guild) return;
    try {
      const members = await guild.members.fetch({ user: [...userIds], time: MEMBERS_TIMEOUT_MS });
      for (const userId of userIds) rememberNickname(guildId, userId, members.get(userId)?.nickname ?? null);
    } catch (error) {
      logger.debug("nicknames:unknown", { guildId, error: toError(error).message });
    }
  }

  /** @param isAnswer of an error: Discord says that it is not there */
  async function isRefused(route: `/${string}`, isAnswer: (error: unknown) => boolean, doing: string) {
    try {
      await client.rest.get(route);
      return false;
    } catch (error) {
      if (isAnswer(error)) return true;
      const translated = translateDiscordError(error, doing);
      // It is there, and not for us to see.
      if (translated instanceof UserError) return false;
      throw translated;
    }
  }

  return {
    async channel(channelId) {
      const cached = client.channels.cache.get(channelId);
      const known = (cached && toChannelInfo(cached)) ?? channels.get(channelId);
      if (known) return known;
      const fetched = await client.rest.get(Routes.channel(channelId)).catch((error: unknown) => {
        throw translateDiscordError(error, `look up <#${channelId}>`);
      });
      const info = toChannelInfo(fetched as APIChannel);
      if (!info) throw new UserError(`<#${channelId}> is not a channel that holds messages of a server.`);
      setBounded(channels, channelId, info, CHANNELS_REMEMBERED);
      return info;
    },
    isGone: (channelId) => isRefused(Routes.channel(channelId), isNotFound, `look for <#${channelId}>`),
    // A guild that is out of service is not listed with the others either; but Discord does not call it unknown.
    hasLeft: (guildId) => isRefused(Routes.guild(guildId), isUnknownGuild, `look for the server ${guildId}`),
    remember: (channel) => setBounded(channels, channel.id, channel, CHANNELS_REMEMBERED),
    forget: (channelId) => void channels.delete(channelId),
    rememberNickname,
    async learnNicknames(guildId, userIds) {
      const guild = client.guilds.cache.get(guildId);
      if (!guild) return;
      const isUnknown = (userId: Snowflake) =>
        !nicknames.has(`${guildId}:${userId}`) && !guild.members.cache.has(userId);
      const requests = getOrMake(memberRequests, guildId, () => createMemberRequests((ids) => learn(guildId, ids)));
      await requests.want([...userIds].filter(isUnknown));
    },
    names(guildId) {
      const guild = client.guilds.cache.get(guildId);
      return {
        nickname: (userId) =>
          (nicknames.has(`${guildId}:${userId}`)
            ? nicknames.get(`${guildId}:${userId}`)
            : guild?.members.cache.get(userId)?.nickname) ?? undefined,
        role: (roleId) => guild?.roles.cache.get(roleId)?.name,
        channel(channelId) {
          const channel = guild?.channels.cache.get(channelId);
          if (!guild || !channel || channel.isThread()) return undefined;
          // A private channel's name is not for everyone who reads the message.
          return isHeldByEveryone(guildFacts(guild), channelFacts(channel), Bit.ViewChannel) ? channel.name : undefined;
        },
      };
    },
  };
}

const isUnknownGuild = (error: unknown) => hasCode(error, DiscordCode.unknownGuild, DiscordCode.missingAccess);

/** A Map keeps its order of insertion, so its first key is the one set longest ago. */
function setBounded<K, V>(map: Map<K, V>, key: K, value: V, maximum: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= maximum) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
