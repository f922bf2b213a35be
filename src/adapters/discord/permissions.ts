// The Permissions port: who can read what right now, from the guild as discord.js has it cached, and one look-up at Discord for each
// membership of a private thread.

import { type Client, Routes } from "discord.js";
import { PermissionFlagsBits as Bit } from "discord-api-types/v10";
import PQueue from "p-queue";
import { toError } from "../../errors.ts";
import type { Permissions, Viewer } from "../../ports/discord.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import { isThread, toChannelInfo } from "./channel-info.ts";
import type { Directory } from "./directory.ts";
import { isNotFound } from "./discord-errors.ts";
import { cachedGuild, channelFacts, guildFacts, plainChannels } from "./guild-facts.ts";
import {
  type ChannelFacts,
  canRead,
  type GuildFacts,
  isReadableByReadersOf,
  memberPermissions,
} from "./permission-rules.ts";

const LOOK_UPS_AT_ONCE = 8;
/** A look-up that takes longer is a no: a search does not wait for Discord. */
const LOOK_UP_TIMEOUT_MS = 3_000;

export function createPermissions(
  client: Client,
  { directory, logger }: { readonly directory: Directory; readonly logger: Logger },
): Permissions {
  const lookUps = new PQueue({ concurrency: LOOK_UPS_AT_ONCE, timeout: LOOK_UP_TIMEOUT_MS });

  /** Every channel of a guild that can hold messages or threads. */
  function facts(guildId: Snowflake): { guild: GuildFacts; channels: Map<Snowflake, ChannelFacts> } {
    const guild = cachedGuild(client, guildId);
    const channels = plainChannels(guild).filter((channel) => toChannelInfo(channel));
    return {
      guild: guildFacts(guild),
      channels: new Map(channels.map((channel) => [channel.id, channelFacts(channel)])),
    };
  }

  /** A channel that permissions are of: for a thread, its parent. `info` is the thread's. */
  async function placeOf(channelId: Snowflake, channels: ReadonlyMap<Snowflake, ChannelFacts>) {
    const info = channels.has(channelId) ? undefined : await directory.channel(channelId);
    return { info, channel: channels.get(info && isThread(info) ? (info.parentId ?? "") : channelId) };
  }

  /** Permissions do not know who is of age: see `Viewer`. */
  async function isOfAge({ channelId }: Viewer, channels: ReadonlyMap<Snowflake, ChannelFacts>): Promise<boolean> {
    if (channelId === undefined) return false;
    const here = channels.get(channelId);
    // Only a thread is looked up, in line with what others ask.
    if (here !== undefined) return here.ageRestricted;
    return await lookUp(
      { channelId },
      async () => (await placeOf(channelId, channels)).channel?.ageRestricted === true,
    );
  }

  /** A failure is an answer too: no. */
  async function lookUp(subject: Record<string, unknown>, ask: () => Promise<boolean>): Promise<boolean> {
    try {
      return await lookUps.add(ask);
    } catch (error) {
      logger.warn("permission:look-up-failed", { ...subject, error: toError(error).message });
      return false;
    }
  }

  async function isThreadMember(threadId: Snowflake, userId: Snowflake): Promise<boolean> {
    try {
      await client.rest.get(Routes.threadMembers(threadId, userId));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  return {
    async readableChannels(guildId, viewer) {
      const { guild, channels } = facts(guildId);
      const readable = [...channels.values()].filter((channel) =>
        canRead(memberPermissions(guild, channel, viewer), channel.type),
      );
      const some = readable.filter(({ ageRestricted }) => !ageRestricted);
      const all = some.length === readable.length || (await isOfAge(viewer, channels));
      const shown = all ? readable : some;
      return { channelIds: shown.map(({ id }) => id), ageRestricted: readable.length - shown.length };
    },

    async readableThreads(guildId, viewer, privateThreadIds) {
      const { guild, channels } = facts(guildId);

      async function isReadable(threadId: Snowflake): Promise<boolean> {
        const thread = await lookUps.add(() => directory.channel(threadId));
        const parent = channels.get(thread.parentId ?? "");
        if (!parent || thread.type !== "private-thread") return false;
        const permissions = memberPermissions(guild, parent, viewer);
        if (!canRead(permissions, parent.type)) return false;
        if ((permissions & Bit.ManageThreads) !== 0n) return true;
        return lookUp({ threadId }, () => isThreadMember(threadId, viewer.userId));
      }

      const answers = await Promise.all(
        privateThreadIds.map((threadId) =>
          isReadable(threadId).catch((error: unknown) => {
            logger.warn("permission:look-up-failed", { threadId, error: toError(error).message });
            return false;
          }),
        ),
      );
      return privateThreadIds.filter((_, index) => answers[index]);
    },

    /**
     * See `isReadableByReadersOf` for the rule. The readers of a thread are among those of its parent, so a thread's answer is its
     * parent's, and a private thread itself besides; no other private thread is ever among it.
     */
    async readableByReadersOf(guildId, channelId) {
      const { guild, channels } = facts(guildId);
      const { info, channel: target } = await placeOf(channelId, channels);
      if (!target) return [];
      const shareable = [...channels.values()].filter((source) => isReadableByReadersOf(guild, source, target));
      const ids = shareable.map((channel) => channel.id);
      return info?.type === "private-thread" && ids.includes(target.id) ? [channelId, ...ids] : ids;
    },
  };
}
