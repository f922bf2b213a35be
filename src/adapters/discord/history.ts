// History over Discord's REST API: which channels and threads there are, and their messages, page by page. Every request goes
// through the client's own REST manager, which keeps Discord's rate limits for the whole bot.

import {
  type APIMessage,
  type APIThreadChannel,
  type Client,
  type RESTGetAPIChannelUsersThreadsArchivedResult,
  type RESTGetAPIGuildChannelsResult,
  type RESTGetAPIGuildThreadsResult,
  type RESTGetCurrentApplicationResult,
  Routes,
} from "discord.js";
import { ApplicationFlags, PermissionFlagsBits as Bit, ChannelType } from "discord-api-types/v10";
import PQueue from "p-queue";
import { withOwnSignal } from "../../async/abortable.ts";
import { UserError } from "../../errors.ts";
import type { History, HistoryChannel } from "../../ports/discord.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import { toChannelInfo } from "./channel-info.ts";
import type { Directory } from "./directory.ts";
import { DiscordCode, hasCode, translateDiscordError } from "./discord-errors.ts";
import { botMember, cachedGuild, channelFacts, guildFacts, plainChannels } from "./guild-facts.ts";
import { hasWords, toRecord } from "./message-record.ts";
import { memberPermissions, missingToRead } from "./permission-rules.ts";
import { shareOfLimits } from "./shards.ts";

/** The most Discord gives in one answer, for messages and archived threads alike. */
const PAGE_SIZE = 100;
const LISTINGS_AT_ONCE = 4;
/** 40 requests a second: Discord allows a bot 50, and replies to people, the host's own work too, shall not wait for history. */
const REQUESTS_PER_SECOND = 40;

/** Where threads can be archived. */
const THREAD_PARENTS: ReadonlySet<ChannelType> = new Set([
  ChannelType.GuildText,
  ChannelType.GuildAnnouncement,
  ChannelType.GuildForum,
  ChannelType.GuildMedia,
]);

interface Parent extends HistoryChannel {
  readonly discordType: ChannelType;
  readonly managesThreads: boolean;
}

/** A thread with messages of which Discord names no last one is to be asked about. */
function lastMessageOf({ last_message_id: id, total_message_sent: sent }: APIThreadChannel) {
  if (id === undefined || (id === null && sent !== 0)) return {};
  return { lastMessageId: id };
}

export function createHistory(
  client: Client,
  { directory, logger }: { readonly directory: Directory; readonly logger: Logger },
): History {
  let paced: PQueue | undefined;

  /** Several processes share what Discord allows the bot. */
  function requests(): PQueue {
    const perSecond = REQUESTS_PER_SECOND * shareOfLimits(client);
    const intervalCap = Math.max(1, Math.floor(perSecond / 10));
    paced ??= new PQueue({ interval: (1_000 * intervalCap) / perSecond, intervalCap });
    return paced;
  }

  function get(route: `/${string}`, query: Record<string, string> = {}, signal?: AbortSignal): Promise<unknown> {
    return withOwnSignal(signal, (own) =>
      requests().add(() => {
        signal?.throwIfAborted();
        return client.rest.get(route, { query: new URLSearchParams(query), signal: own.signal });
      }),
    );
  }

  async function parents(guildId: Snowflake): Promise<Parent[]> {
    const guild = cachedGuild(client, guildId);
    const facts = guildFacts(guild);
    const bot = await botMember(guild);
    return plainChannels(guild).flatMap((channel) => {
      const info = toChannelInfo(channel);
      if (!info) return [];
      const permissions = memberPermissions(facts, channelFacts(channel), bot);
      const missing = missingToRead(permissions, channel.type);
      return {
        ...info,
        ...(missing.length > 0 && { unreadable: `I lack ${missing.join(" and ")} there.` }),
        discordType: channel.type,
        managesThreads: (permissions & Bit.ManageThreads) !== 0n,
      };
    });
  }

  /** As Discord has it: the client's own memory misses what was written where the bot could not look. */
  async function lastMessages(guildId: Snowflake): Promise<Map<Snowflake, Snowflake | null>> {
    const channels = (await get(Routes.guildChannels(guildId))) as RESTGetAPIGuildChannelsResult;
    const last = new Map<Snowflake, Snowflake | null>();
    for (const channel of channels as { id: Snowflake; last_message_id?: Snowflake | null }[]) {
      if (channel.last_message_id !== undefined) last.set(channel.id, channel.last_message_id);
    }
    return last;
  }

  async function activeThreads(guildId: Snowflake): Promise<APIThreadChannel[]> {
    const { threads } = (await get(Routes.guildActiveThreads(guildId))) as RESTGetAPIGuildThreadsResult;
    return threads as APIThreadChannel[];
  }

  /** Newest archived first; `before` is a time for most listings, and a thread's id for the private threads the bot has joined. */
  async function archivedThreads(
    route: `/${string}`,
    position: (thread: APIThreadChannel) => string | undefined,
  ): Promise<APIThreadChannel[]> {
    const found: APIThreadChannel[] = [];
    for (let before: string | undefined; ; ) {
      const query = { limit: String(PAGE_SIZE), ...(before && { before }) };
      const page = (await get(route, query)) as RESTGetAPIChannelUsersThreadsArchivedResult;
      const threads = page.threads as APIThreadChannel[];
      found.push(...threads);
      const last = threads.at(-1);
      before = last && position(last);
      if (!page.has_more || !before) return found;
    }
  }

  async function archivedThreadsOf(parent: Parent): Promise<APIThreadChannel[]> {
    const archivedAt = (thread: APIThreadChannel) => thread.thread_metadata?.archive_timestamp;
    try {
      const found = await archivedThreads(Routes.channelThreads(parent.id, "public"), archivedAt);
      if (parent.discordType !== ChannelType.GuildText) return found;
      const privateOnes = parent.managesThreads
        ? await archivedThreads(Routes.channelThreads(parent.id, "private"), archivedAt)
        : await archivedThreads(Routes.channelJoinedArchivedThreads(parent.id), (thread) => thread.id);
      return [...found, ...privateOnes];
    } catch (error) {
      // Deleted, or closed to the bot, since the channels were listed: no reason to give up on the others.
      if (hasCode(error, DiscordCode.unknownChannel, DiscordCode.missingAccess, DiscordCode.missingPermissions)) {
        logger.warn("threads:unreadable", { channelId: parent.id });
        return [];
      }
      throw error;
    }
  }

  async function threadsOf(guildId: Snowflake, all: readonly Parent[]): Promise<HistoryChannel[]> {
    const byId = new Map(all.map((parent) => [parent.id, parent]));
    const queue = new PQueue({ concurrency: LISTINGS_AT_ONCE });
    const archiving = all.filter((parent) => !parent.unreadable && THREAD_PARENTS.has(parent.discordType));
    const lists = await Promise.all([
      activeThreads(guildId),
      ...archiving.map((parent) => queue.add(() => archivedThreadsOf(parent))),
    ]);
    const threads = new Map<Snowflake, HistoryChannel>();
    for (const thread of lists.flat()) {
      const info = toChannelInfo(thread);
      const parent = info?.parentId && byId.get(info.parentId);
      if (!info || !parent) continue;
      directory.remember(info);
      threads.set(info.id, {
        ...info,
        ...(parent.unreadable && { unreadable: parent.unreadable }),
        ...lastMessageOf(thread),
      });
    }
    return [...threads.values()];
  }

  /** Which guild a channel's messages belong to; a REST message does not say. */
  function guildIdOf(channel: HistoryChannel): Snowflake {
    const cached = client.channels.cache.get(channel.parentId ?? channel.id);
    return cached && "guildId" in cached ? (cached.guildId ?? "") : "";
  }

  return {
    async channels(guildId) {
      try {
        const all = await parents(guildId);
        const [last, threads] = await Promise.all([lastMessages(guildId), threadsOf(guildId, all)]);
        const channels = all.map(({ discordType: _type, managesThreads: _manages, ...channel }): HistoryChannel => {
          const lastMessageId = last.get(channel.id);
          return lastMessageId === undefined ? channel : { ...channel, lastMessageId };
        });
        return [...channels, ...threads];
      } catch (error) {
        throw translateDiscordError(error, "list this server's channels and threads");
      }
    },

    async messages(channel, range, signal) {
      if (channel.unreadable) throw new UserError(`I cannot read <#${channel.id}>: ${channel.unreadable}`);
      // A forum holds no messages of its own: its posts are threads.
      if (channel.type === "forum") return [];
      const guildId = guildIdOf(channel);
      const found: APIMessage[] = [];
      // Pages are short of what is left out of them; only the end of the channel may make an answer short.
      for (let edge: Record<string, string> = { ...range }; ; ) {
        const page = await messagePage(channel, edge, signal);
        // Whoever takes this for the channel's end removes what is stored beyond it.
        if (page.length === 0 && "before" in range) await requireReadable(channel, signal);
        const ordered = "after" in range ? page.reverse() : page;
        found.push(...ordered.filter((message) => message.author.id !== client.user?.id && hasWords(message)));
        const last = ordered.at(-1);
        if (found.length >= PAGE_SIZE || page.length < PAGE_SIZE || !last) break;
        edge = "after" in range ? { after: last.id } : { before: last.id };
      }
      const people = found.flatMap((message) => [message.author.id, ...message.mentions.map(({ id }) => id)]);
      await directory.learnNicknames(guildId, people);
      return found.map((message) => toRecord(message, channel, directory.names(guildId)));
    },

    async count(guildId, signal) {
      try {
        // Also while Discord makes its index: then there are no results, but a time to ask again.
        const answer = await get(`/guilds/${guildId}/messages/search`, { limit: "1", include_nsfw: "true" }, signal);
        const { total_results: total, retry_after: seconds } = (answer ?? {}) as Partial<Record<string, unknown>>;
        if (typeof total === "number" && total >= 0) return total;
        return typeof seconds === "number" ? { retryAfterMs: seconds * 1_000 } : undefined;
      } catch (error) {
        signal?.throwIfAborted();
        throw translateDiscordError(error, "count the messages");
      }
    },

    async canReadContent() {
      try {
        const application = (await get(Routes.currentApplication())) as RESTGetCurrentApplicationResult;
        const granted = ApplicationFlags.GatewayMessageContent | ApplicationFlags.GatewayMessageContentLimited;
        return ((application.flags ?? 0) & granted) !== 0;
      } catch (error) {
        throw translateDiscordError(error, "ask whether I may read message content");
      }
    },
  };

  /**
   * Without Read Message History Discord answers with no messages at all, and a permission may have been lost a moment ago: asked
   * for a single message it says so. Source: https://discord.com/developers/docs/resources/message#get-channel-messages
   */
  async function requireReadable({ id }: HistoryChannel, signal: AbortSignal | undefined): Promise<void> {
    try {
      await get(Routes.channelMessage(id, id), {}, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (hasCode(error, DiscordCode.unknownMessage)) return;
      throw translateDiscordError(error, `read the history of <#${id}>`);
    }
  }

  async function messagePage(
    channel: HistoryChannel,
    edge: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<APIMessage[]> {
    try {
      const query = { limit: String(PAGE_SIZE), ...edge };
      return (await get(Routes.channelMessages(channel.id), query, signal)) as APIMessage[];
    } catch (error) {
      signal?.throwIfAborted();
      throw translateDiscordError(error, `read the history of <#${channel.id}>`);
    }
  }
}
