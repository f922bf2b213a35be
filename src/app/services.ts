// Everything behind Discord, put together once the embedder is known: indexing, search and the backfill of all guilds.

import { sampleFor } from "../backfill/compare/proof-messages.ts";
import type { Announcement } from "../backfill/reporting/announcements.ts";
import type { Engine } from "../backfill/types.ts";
import { createQueryEmbedders } from "../embedding/query-embedders.ts";
import type { Spending } from "../embedding/spending.ts";
import { TransientError, toError, UserError } from "../errors.ts";
import { createMaintenance } from "../indexing/guild-index/upkeep.ts";
import type { LiveIndexing } from "../indexing/live/live.ts";
import { createNotes, type Notes } from "../indexing/live/notes.ts";
import { createPrivacy, type Privacy } from "../indexing/live/privacy.ts";
import { createStorageRules } from "../indexing/live/storage-rules.ts";
import type { HistoryChannel, Permissions } from "../ports/discord.ts";
import type { Embedder, EmbedderSettings, EmbedQuery } from "../ports/embedder.ts";
import type { StorageRules } from "../ports/storage-rules.ts";
import { type Access, createAccess, isReadable } from "../search/access.ts";
import { channelsMeant } from "../search/channels.ts";
import type { WordModel } from "../search/late-interaction.ts";
import { createSearch, type Search, type SearchParts } from "../search/search.ts";
import type { Snowflake } from "../snowflake.ts";
import { createChannelExpiry, type Expiring } from "../sync/expiry.ts";
import { everyDay } from "./every-day.ts";
import { createIndexingServices, type IndexingServicesParts } from "./indexing-services.ts";

export interface ServicesParts extends Omit<IndexingServicesParts, "find" | "discord"> {
  readonly discord: IndexingServicesParts["discord"] & {
    readonly permissions: Permissions;
    /** Ids of the members a name means. */
    findMembers(guildId: Snowflake, name: string): Promise<readonly Snowflake[]>;
    /** Ids of the roles with this name; case does not count. */
    findRoles(guildId: Snowflake, name: string): readonly Snowflake[];
    /** Discord's history may have more of what is stored again in this guild. */
    onIncluded?(guildId: Snowflake): void;
  };
  /** The built-in model also compares words for search, whatever the embedder. */
  readonly wordModel: WordModel;
  /** Told of every upkeep of an index that did not come to its end. */
  readonly onUpkeepFailed?: (() => void) | undefined;
  /** Where archive and index are. Default: on this machine. */
  readonly isLocal?: boolean;
  /** An embedder of an earlier time, under the settings it had; undefined when there is no way to reach it. */
  connectFormer?(settings: EmbedderSettings): Embedder | undefined;
}

export interface Core {
  readonly privacy: Privacy;
  readonly live: LiveIndexing;
  /** Undefined where nothing is counted. */
  readonly spending: Spending | undefined;
  readonly engine: Engine;
  readonly notes: Notes;
  readonly search: Search;
  readonly access: Access;
  readonly rules: StorageRules;
  /** Discord has just been asked for all channels and threads of a guild. Never rejects. */
  channelsListed(guildId: Snowflake, channels: readonly HistoryChannel[]): Promise<void>;
  /** Begins to look after guilds: as soon as they are ours, what was left undone is taken up. */
  enter(...guildIds: readonly Snowflake[]): Promise<void>;
  /** Stops looking after a guild that the bot has left. @param isForgotten what is stored of it goes */
  leave(guildId: Snowflake, isForgotten: boolean): Promise<void>;
  /** Whether nothing is indexed with the present model in any of these guilds. */
  isEmpty(guildIds: readonly Snowflake[]): Promise<boolean>;
  stop(): Promise<void>;
}

export function createServices(parts: ServicesParts): Core {
  const { stores, settings, discord, embedder, wordModel, system, holder, clock, logger } = parts;
  const { archive } = stores;
  const { permissions, findMembers, findRoles, onIncluded = () => {}, time } = discord;
  const adminChannel: ServicesParts["discord"]["adminChannel"] = {
    ...discord.adminChannel,
    post: async (channelId, announcement) =>
      await discord.adminChannel.post(channelId, await forReadersOf(channelId, announcement)),
  };
  const indexingServices = createIndexingServices({
    stores,
    settings,
    discord: { ...discord, adminChannel },
    embedder,
    find,
    system,
    holder,
    clock,
    logger,
  });
  const { queue, spending, foreground, breaker, ownership, indexes, live, engine } = indexingServices;
  const mayTidy = (guildId: Snowflake) => ownership.mayCommit(guildId) && !live.isRemoving(guildId);
  const maintenance = createMaintenance(indexes, mayTidy, clock, logger, parts.onUpkeepFailed);
  indexes.onChange(maintenance.markDirty);
  const embedQuery: EmbedQuery = async (text, signal) => {
    const request = { use: "query", priority: "search", signal } as const;
    const [vector] = await breaker.guardSearch(() => queue.embed([text], request));
    if (vector === undefined) throw new TransientError("the search model answered without a result");
    return vector;
  };
  const queryEmbedders = createQueryEmbedders({
    present: { space: embedder.space, embedQuery },
    connect: parts.connectFormer ?? (() => undefined),
    clock,
    logger,
  });
  const searchParts: Omit<SearchParts, "openGenerations"> = {
    wordModel,
    archive,
    findAuthors: findMembers,
    findRoles,
    findChannels: async (guildId, name, readable) => channelsMeant(await archive.channels(guildId), name, readable),
    clock,
    logger,
  };
  const searching = createSearch({
    ...searchParts,
    async openGenerations(guildId) {
      const { searched } = await indexes.open(guildId);
      return searched.map(({ generation, index }) => ({
        index: maintenance.timed(guildId, index),
        embedQuery: queryEmbedders.of(generation),
      }));
    },
  });
  /** Of what the present embedder has made searchable, and nothing else: what a backfill is checked by. */
  const searchingPresent = createSearch({
    ...searchParts,
    openGenerations: async (guildId) => [{ index: (await indexes.open(guildId)).index, embedQuery }],
  });
  const search: Search = {
    search: (request) => foreground.run(() => searching.search(request)),
    similar: (request) => foreground.run(() => searching.similar(request)),
    people: (guildId, readable) => foreground.run(() => searching.people(guildId, readable)),
  };
  const access = createAccess({ permissions, archive, clock });
  const notes = createNotes({ archive, onChanged: live.changed });
  const server = embedder.settings?.kind === "server" ? embedder.settings : undefined;
  const privacy = createPrivacy({
    archive,
    where: {
      isLocal: parts.isLocal ?? true,
      keepDeletedHours: settings.keepDeletedHours,
      modelId: embedder.space.modelId,
      modelHost: server && new URL(server.baseUrl).host,
      isModelNear: embedder.sendsTextsTo === undefined,
    },
    onRemoval: live.kick,
    onIncluded,
    clock,
  });
  const now = () => clock.now() - (time?.aheadMs() ?? 0);
  const stopped = new AbortController();
  const entered = new Set<Snowflake>();
  const isOurs = (guildId: Snowflake) => ownership.lease(guildId) !== undefined;
  const expiry = createChannelExpiry({
    archive,
    history: discord.history,
    keepDays: settings.keepUnreadableDays,
    tell: tellExpiring,
    onRemoval: live.kick,
    now,
    logger,
  });
  const rules = createStorageRules({
    archive,
    expiring: expiry.upcoming,
    onRemoval: live.kick,
    onIncluded,
    now,
  });
  const daily = everyDay(
    () => [...entered].filter(isOurs),
    async (guildId) => {
      await rules.moveOn(guildId);
      await expiry.daily(guildId);
    },
    parts,
    stopped.signal,
  );

  async function tellExpiring(guildId: Snowflake, expiring: Expiring): Promise<boolean> {
    const { adminChannelId } = await archive.settings(guildId);
    if (adminChannelId === undefined) return false;
    try {
      await adminChannel.post(adminChannelId, { kind: "expiring", status: await engine.status(guildId), expiring });
      return true;
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      logger.warn("admin-channel:failed", { guildId, reason: thrown.message });
      return false;
    }
  }

  /** The search that members use, over all there is: for the self-check of a backfill, whose results nobody sees. */
  async function find(guildId: Snowflake, text: string, limit: number): Promise<Snowflake[]> {
    const accessChannelIds = [...new Set((await archive.channels(guildId)).map((channel) => channel.accessChannelId))];
    const filter = { accessChannelIds };
    const { hits } = await searchingPresent.search({
      guildId,
      text,
      verbatim: true,
      unfolded: true,
      filter,
      limit,
      offset: 0,
    });
    return hits.map(({ row }) => row.id);
  }

  /** Of the messages that a report shows, only those that everybody who sees the channel can read. */
  async function forReadersOf(channelId: Snowflake, announcement: Announcement): Promise<Announcement> {
    if (announcement.kind !== "report" || !announcement.verification) return announcement;
    const { status, verification } = announcement;
    const readable = await access.filterForSharing(status.guildId, channelId).catch((thrown: unknown) => {
      logger.warn("report:sample-closed", { guildId: status.guildId, error: toError(thrown).message });
      return { accessChannelIds: [] };
    });
    const sample = sampleFor(verification.sample, (record) => isReadable(record, readable));
    return { ...announcement, verification: { ...verification, sample } };
  }

  return {
    live,
    spending,
    engine,
    notes,
    privacy,
    search,
    access,
    rules,
    channelsListed: async (guildId, channels) => {
      if (isOurs(guildId)) await expiry.listed(guildId, channels);
    },
    async enter(...guildIds) {
      for (const guildId of guildIds) entered.add(guildId);
      await ownership.claim(...guildIds);
    },
    async leave(guildId, isForgotten) {
      entered.delete(guildId);
      await indexingServices.takenUp();
      await live.idle();
      maintenance.forget(guildId);
      if (isForgotten) await indexes.drop(guildId);
      await ownership.release(guildId);
    },
    async isEmpty(guildIds) {
      for (const guildId of guildIds) {
        const { index } = await indexes.open(guildId);
        if ((await index.stats()).rows > 0) return false;
      }
      return true;
    },
    async stop() {
      stopped.abort();
      privacy.stop();
      await daily;
      await maintenance.stop();
      await indexingServices.stop();
      await queryEmbedders.close();
      await embedder.close();
    },
  };
}
