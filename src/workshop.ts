// Live indexing and the backfill put together over their stores and the embedder: all that changes a guild's index. Search and the
// commands are put on top in core.ts.

import type { AlertThresholds } from "./backfill/alerts.ts";
import type { Announcement } from "./backfill/backfill.ts";
import { createEngine, type Engine, type EngineParts } from "./backfill/engine.ts";
import type { Run } from "./backfill/run.ts";
import { toError } from "./errors.ts";
import { type Breaker, createBreaker } from "./indexing/breaker.ts";
import { createEmbeddingQueue, type EmbeddingQueue } from "./indexing/embedding-queue.ts";
import { createGuildIndexes, type GuildIndexes } from "./indexing/guild-indexes.ts";
import { createLiveIndexing, type LiveIndexing } from "./indexing/live.ts";
import { createOwnership, type Ownership } from "./indexing/ownership.ts";
import { createRightOfWay, type RightOfWay } from "./indexing/right-of-way.ts";
import type { TextRecipe } from "./indexing/text.ts";
import type {
  AdminChannel,
  Archive,
  Clock,
  Embedder,
  History,
  IndexStore,
  Logger,
  RunStore,
  SystemProbe,
} from "./ports.ts";
import type { Snowflake } from "./snowflake.ts";

export interface WorkshopParts extends Pick<EngineParts, "find" | "rereading"> {
  readonly archive: Archive;
  readonly runStore: RunStore<Run>;
  readonly indexStore: IndexStore;
  readonly embedder: Embedder;
  readonly history: History;
  readonly adminChannel: AdminChannel<Announcement>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  /** What admins type for a backfill. Default "/backfill". */
  readonly command?: string;
  readonly forgetOnLeave: boolean;
  /** How texts are made; default: as the evaluation chose. */
  readonly textRecipe?: TextRecipe;
  /** Names this process to people. */
  readonly holder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Workshop {
  readonly queue: EmbeddingQueue;
  readonly rightOfWay: RightOfWay;
  readonly breaker: Breaker;
  readonly ownership: Ownership;
  readonly indexes: GuildIndexes;
  readonly live: LiveIndexing;
  readonly engine: Engine;
  /** Stores what is in flight, gives the guilds back and closes the indexes; not the stores and the embedder. */
  stop(): Promise<void>;
}

/** What was left undone in a guild is taken up as soon as it is claimed through `ownership` and ours. */
export function createWorkshop(parts: WorkshopParts): Workshop {
  const { runStore, embedder, clock, logger } = parts;
  const queue = createEmbeddingQueue(embedder, clock);
  const rightOfWay = createRightOfWay(clock);
  const breaker = createBreaker(queue, clock, logger);
  const ownership = createOwnership(runStore, parts.holder, clock, logger);
  const indexes = createGuildIndexes(parts.indexStore, embedder.space, ownership, markOvertaken, parts.textRecipe);
  const shared = { ...parts, command: parts.command ?? "/backfill", queue, rightOfWay, breaker, ownership, indexes };
  const live = createLiveIndexing({ ...shared, quarantine: runStore });
  const engine = createEngine({ ...shared, live });
  ownership.onChange((guildId, change) => {
    if (change === "lost") return;
    live.kick(guildId);
    engine
      .recover(guildId)
      .catch((thrown) => logger.error("recover:failed", { guildId, error: toError(thrown).message }));
  });

  /** What two processes may have written at once is written anew by the owner, whoever that is. */
  async function markOvertaken(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void> {
    logger.warn("guild:overtaken", { guildId, records: ids.length });
    const notes = await parts.archive.get(guildId, "note", ids);
    await parts.archive.markPending(guildId, "note", [...notes.keys()]);
    const messages = ids.filter((id) => !notes.has(id));
    await parts.archive.markPending(guildId, "message", messages);
    live.kick(guildId);
  }

  return {
    queue,
    rightOfWay,
    breaker,
    ownership,
    indexes,
    live,
    engine,
    async stop() {
      await engine.stop();
      await live.stop();
      breaker.stop();
      await ownership.stop();
      await indexes.close();
    },
  };
}
