// Everything behind Discord, put together once the embedder is known: indexing, search and the backfill of all guilds.

import { loadStaticModel } from "./adapters/builtin-model/model.ts";
import type { AlertThresholds } from "./backfill/alerts.ts";
import type { Announcement } from "./backfill/backfill.ts";
import { createEngine, type Engine } from "./backfill/engine.ts";
import type { Run } from "./backfill/run.ts";
import { TransientError, toError } from "./errors.ts";
import { createBreaker } from "./indexing/breaker.ts";
import { createEmbeddingQueue } from "./indexing/embedding-queue.ts";
import { createGuildIndexes } from "./indexing/guild-indexes.ts";
import { createLiveIndexing, type LiveIndexing } from "./indexing/live.ts";
import { createMaintenance } from "./indexing/maintenance.ts";
import { createNotes, type Notes } from "./indexing/notes.ts";
import { createOwnership } from "./indexing/ownership.ts";
import type { TextRecipe } from "./indexing/text.ts";
import type {
  AdminChannel,
  Archive,
  Clock,
  Embedder,
  History,
  IndexStore,
  Logger,
  Permissions,
  RunStore,
  SystemProbe,
} from "./ports.ts";
import { type Access, createAccess } from "./search/access.ts";
import { channelsMeant } from "./search/channels.ts";
import { createSearch, type Search } from "./search/search.ts";
import type { Snowflake } from "./snowflake.ts";

export interface CoreParts {
  readonly archive: Archive;
  readonly runStore: RunStore<Run>;
  readonly indexStore: IndexStore;
  readonly embedder: Embedder;
  /** The built-in model also compares words for search, whatever the embedder. */
  readonly modelFolder: string;
  readonly history: History;
  readonly permissions: Permissions;
  readonly adminChannel: AdminChannel<Announcement>;
  /** Ids of the members a name means. */
  findMembers(guildId: Snowflake, name: string): Promise<readonly Snowflake[]>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly forgetOnLeave: boolean;
  /** How texts are made; default: as the evaluation chose. */
  readonly textRecipe?: TextRecipe;
  /** Names this process to people. */
  readonly holder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Core {
  readonly live: LiveIndexing;
  readonly engine: Engine;
  readonly notes: Notes;
  readonly search: Search;
  readonly access: Access;
  /** Begins to look after a guild: as soon as it is ours, what was left undone is taken up. */
  enter(guildId: Snowflake): Promise<void>;
  /** Stops looking after a guild that the bot has left. */
  leave(guildId: Snowflake): Promise<void>;
  stop(): Promise<void>;
}

export async function createCore(parts: CoreParts): Promise<Core> {
  const { archive, runStore, embedder, clock, logger } = parts;
  const wordModel = await loadStaticModel(parts.modelFolder);
  const queue = createEmbeddingQueue(embedder, clock);
  const breaker = createBreaker(queue, clock, logger);
  const ownership = createOwnership(runStore, parts.holder, clock, logger);
  const indexes = createGuildIndexes(parts.indexStore, embedder.space, ownership, parts.textRecipe);
  const live = createLiveIndexing({
    archive,
    quarantine: runStore,
    indexes,
    ownership,
    queue,
    breaker,
    clock,
    logger,
    forgetOnLeave: parts.forgetOnLeave,
  });
  const search = createSearch({
    openIndex: async (guildId) => (await indexes.open(guildId)).index,
    embedQuery: async (text, signal) => {
      // An embedder known to be down is not waited for: full text answers alone.
      const down = breaker.state();
      if (down !== undefined) throw new TransientError(down.reason);
      const request = { use: "query", priority: "search", signal } as const;
      const [vector] = await breaker.guard(() => queue.embed([text], request));
      if (vector === undefined) throw new TransientError("the embedder answered without a vector");
      return vector;
    },
    wordModel,
    findAuthors: parts.findMembers,
    findChannels: async (guildId, name) => channelsMeant(await archive.channels(guildId), name),
    clock,
    logger,
  });
  const access = createAccess({ permissions: parts.permissions, archive, clock });
  const notes = createNotes({ archive, onChanged: (guildId) => live.kick(guildId) });

  /** The search that members use, over all there is: for the self-check of a backfill, whose results nobody sees. */
  async function find(guildId: Snowflake, text: string, limit: number): Promise<Snowflake[]> {
    const accessChannelIds = [...new Set((await archive.channels(guildId)).map((channel) => channel.accessChannelId))];
    const { hits } = await search.search({ guildId, text, filter: { accessChannelIds }, limit, offset: 0 });
    return hits.map(({ row }) => row.id);
  }

  const engine = createEngine({ ...parts, indexes, ownership, queue, breaker, live, find });
  const entered = new Set<Snowflake>();
  const maintenance = createMaintenance(indexes, () => entered, clock, logger);

  ownership.onChange((guildId, change) => {
    if (change === "lost") return;
    live.kick(guildId);
    engine
      .recover(guildId)
      .catch((thrown) => logger.error("recover:failed", { guildId, error: toError(thrown).message }));
  });

  return {
    live,
    engine,
    notes,
    search,
    access,
    async enter(guildId) {
      entered.add(guildId);
      await ownership.claim(guildId);
    },
    async leave(guildId) {
      entered.delete(guildId);
      await live.idle();
      if (parts.forgetOnLeave) await indexes.drop(guildId);
      await ownership.release(guildId);
    },
    async stop() {
      await maintenance.stop();
      await engine.stop();
      await live.stop();
      breaker.stop();
      await ownership.stop();
      await indexes.close();
      await embedder.close();
    },
  };
}
