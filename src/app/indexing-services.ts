// Live indexing and the backfill put together over their stores and the embedder: all that changes a guild's index. Search and the
// commands are put on top in services.ts.

import PQueue from "p-queue";
import { createForegroundGate, type ForegroundGate } from "../async/foreground-gate.ts";
import { createEngine } from "../backfill/engine.ts";
import type { GenerationSettings } from "../backfill/lifecycle/generation-change.ts";
import { type AlertThresholds, defaultThresholds } from "../backfill/run/alerts.ts";
import { forgetReasons } from "../backfill/run/forget-reasons.ts";
import type { Engine, EngineParts } from "../backfill/types.ts";
import { type CanaryMemory, createCanaryCheck } from "../embedding/canary.ts";
import { type Breaker, createBreaker } from "../embedding/circuit-breaker.ts";
import { createFaultIsolation } from "../embedding/fault-isolation.ts";
import { createEmbeddingQueue, type EmbeddingQueue } from "../embedding/queue.ts";
import { createSpending, type Spending } from "../embedding/spending.ts";
import { levelOf, toError } from "../errors.ts";
import { createErasure, type Erasure, KEEP_DELETED_HOURS } from "../indexing/guild-index/erasure.ts";
import { createGuildIndexes, type GuildIndexes } from "../indexing/guild-index/guild-indexes.ts";
import { newestInArchive } from "../indexing/guild-index/newest-id.ts";
import { createOwnership, type Ownership } from "../indexing/guild-index/ownership.ts";
import { differing } from "../indexing/live/compare-vectors.ts";
import { createLiveIndexing, type LiveIndexing } from "../indexing/live/live.ts";
import { createSuspects } from "../indexing/live/suspects.ts";
import { createUnconfirmed } from "../indexing/live/unconfirmed.ts";
import type { TextRecipe } from "../indexing/text/prepare.ts";
import type { Clock } from "../ports/clock.ts";
import type { Embedder } from "../ports/embedder.ts";
import type { Logger } from "../ports/logger.ts";
import type { Budget } from "../ports/spending.ts";
import type { SystemProbe } from "../ports/system.ts";
import type { Snowflake } from "../snowflake.ts";
import type { Stores } from "./stores.ts";

/** Guilds looked through at a time when many have just become ours: what people ask for meanwhile comes in between. */
const TAKEN_UP_AT_ONCE = 8;
const MARKS_EVERY_MS = 10_000;
/** At least so many times as long as it took: while the embedder is down, thousands of guilds may have some. */
const MARKS_REST = 20;

/** What whoever runs the bot has decided. */
export interface CoreSettings extends GenerationSettings {
  readonly thresholds: AlertThresholds;
  /** What admins type for a backfill. */
  readonly command: string;
  /** For a month, of an embedder that counts tokens. */
  readonly budget?: Budget | undefined;
  readonly forgetOnLeave: boolean;
  /** How long what was deleted may linger in files. */
  readonly keepDeletedHours: number;
  /** How long what is stored of channels that the bot can no longer read is kept; Infinity: for ever. */
  readonly keepUnreadableDays: number;
  /** How texts are made; default: as the evaluation chose. */
  readonly textRecipe?: TextRecipe | undefined;
}

export const defaultSettings: CoreSettings = {
  thresholds: defaultThresholds,
  command: "/backfill",
  forgetOnLeave: false,
  keepDeletedHours: KEEP_DELETED_HOURS,
  keepUnreadableDays: 30,
};

export interface IndexingServicesParts extends Pick<EngineParts, "find"> {
  readonly stores: Omit<Stores, "close">;
  readonly settings: CoreSettings;
  readonly discord: Pick<EngineParts, "history" | "adminChannel" | "rechecking" | "gaps" | "hostProblems" | "time">;
  readonly embedder: Embedder;
  readonly system: SystemProbe;
  /** Names this process to people. */
  readonly holder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface IndexingServices {
  /** Undefined where nothing is counted. */
  readonly spending: Spending | undefined;
  readonly queue: EmbeddingQueue;
  readonly foreground: ForegroundGate;
  readonly breaker: Breaker;
  readonly ownership: Ownership;
  readonly indexes: GuildIndexes;
  readonly live: LiveIndexing;
  readonly engine: Engine;
  readonly erasure: Erasure;
  /** Resolves when what was left undone in the guilds that have become ours is known, and begun. */
  takenUp(): Promise<void>;
  /** Resolves when vectors that an earlier process left unconfirmed have been compared with the embedder's, or could not be. */
  compared(): Promise<void>;
  /** Stores what is in flight, gives the guilds back and closes the indexes; not the stores and the embedder. */
  stop(): Promise<void>;
}

/** What was left undone in a guild is taken up as soon as it is claimed through `ownership` and ours. */
export function createIndexingServices(parts: IndexingServicesParts): IndexingServices {
  const { stores, settings, discord, embedder, system, clock, logger } = parts;
  const { archive, quarantine, runStore } = stores;
  const { thresholds, keepDeletedHours } = settings;
  const spending =
    embedder.settings?.kind === "server"
      ? createSpending({
          store: stores.spendingStore,
          dollarsPerMillion: embedder.dollarsPerMillion,
          budget: settings.budget,
          clock,
          logger,
        })
      : undefined;
  const queue = createEmbeddingQueue(embedder, clock, spending?.use);
  const foreground = createForegroundGate(clock);
  const canary = createCanaryCheck(queue, canaryMemory());
  const breaker = createBreaker(canary, clock, logger);
  const suspects = createSuspects({ quarantine, archive, clock, logger });
  const ownership = createOwnership(stores.owners, parts.holder, clock, logger);
  const indexes = createGuildIndexes({
    store: stores.indexStore,
    generationStore: stores.generations,
    embedder,
    lastFilled: async (guildId) => (await runStore.load(guildId))?.value.fingerprint,
    ownership,
    onOvertaken: markOvertaken,
    newestArchived: (guildId) => newestInArchive(archive, guildId),
    recipe: settings.textRecipe,
    clock,
    logger,
  });
  const unconfirmed = createUnconfirmed({ store: stores.vectorChecks, archive, indexes, logger });
  canary.onWrong(unconfirmed.reject);
  const isolation = createFaultIsolation({ queue, breaker, canary, unconfirmed, clock, random: Math.random });
  const live = createLiveIndexing({
    archive,
    quarantine,
    indexes,
    ownership,
    queue,
    isolation,
    suspects,
    unconfirmed,
    foreground,
    breaker,
    clock,
    logger,
    forgetOnLeave: settings.forgetOnLeave,
    giveUpRetired: (guildId) => engine.giveUpRetired(guildId),
  });
  const engine: Engine = createEngine({
    archive,
    runStore,
    quarantine,
    indexes,
    ownership,
    queue,
    canary,
    isolation,
    suspects,
    unconfirmed,
    foreground,
    breaker,
    spending,
    live,
    history: discord.history,
    adminChannel: discord.adminChannel,
    system,
    thresholds,
    command: settings.command,
    clock,
    logger,
    find: parts.find,
    rechecking: discord.rechecking,
    gaps: discord.gaps,
    hostProblems: discord.hostProblems,
    time: discord.time,
    keepOldIndexDays: settings.keepOldIndexDays,
    reindexByItself: settings.reindexByItself,
    // It may repeat words: half the time is for the rest of the erasure.
    keepReasonsMs: (keepDeletedHours * 3_600_000) / 2,
  });
  const erasure = createErasure({
    erasureStore: stores.erasureStore,
    archive,
    quarantine,
    indexes,
    ownership,
    foreground,
    keepDeletedHours,
    forgetReasons: (guildId, before) => forgetReasons(runStore, guildId, before),
    clock,
    logger,
  });
  const stopped = new AbortController();
  const takingUp = new PQueue({ concurrency: TAKEN_UP_AT_ONCE });
  ownership.onChange((guildId, change) => {
    if (change === "acquired") void takingUp.add(() => takeUp(guildId));
    else unconfirmed.forget(guildId);
  });

  /** The canary's vector in the archive. Without it, a canary is learnt anew: nothing stops for that. */
  function canaryMemory(): CanaryMemory {
    const { fingerprint } = embedder.space;
    const unreachable = (thrown: unknown) =>
      logger.warn("canary:not-remembered", { fingerprint, error: toError(thrown).message });
    return {
      load: () => stores.vectorChecks.loadCanary(fingerprint).catch((thrown) => void unreachable(thrown)),
      save: (known) => stores.vectorChecks.saveCanary(fingerprint, known).catch(unreachable),
    };
  }

  async function takeUp(guildId: Snowflake): Promise<void> {
    suspects.recall(guildId);
    unconfirmed.recall(guildId, async (left) =>
      differing({ archive, isolation }, await indexes.open(guildId), left, stopped.signal),
    );
    const recovering = engine.recover(guildId);
    try {
      const [marks, removals] = await Promise.all([archive.pending(guildId, 1), archive.unfinishedRemovals(guildId)]);
      if (marks.length + removals.length > 0) live.kick(guildId);
      await recovering;
    } catch (thrown) {
      logger[levelOf(thrown)]("recover:failed", { guildId, error: toError(thrown).message });
      // It tries again for as long as it takes.
      live.kick(guildId);
    }
  }

  /** Another process may set marks in guilds that are ours: a note, or what it failed to write in time. */
  async function lookForMarks(): Promise<void> {
    for (let pauseMs = MARKS_EVERY_MS; !stopped.signal.aborted; ) {
      await clock.sleep(pauseMs, stopped.signal);
      if (stopped.signal.aborted) return;
      const startedAt = clock.elapsed();
      try {
        for (const guildId of suspects.due()) {
          if (ownership.lease(guildId) !== undefined) await suspects.retry(guildId);
        }
        unconfirmed.retry();
        for (const guildId of await archive.marked()) live.kick(guildId);
        pauseMs = Math.max(MARKS_EVERY_MS, MARKS_REST * (clock.elapsed() - startedAt));
      } catch (thrown) {
        logger.warn("marks:unread", { error: toError(thrown).message });
      }
    }
  }
  const looking = lookForMarks();

  /** What two processes may have written at once is written anew by the owner, whoever that is. */
  async function markOvertaken(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void> {
    logger.warn("guild:overtaken", { guildId, records: ids.length });
    const notes = await archive.get(guildId, "note", ids);
    await archive.markPending(guildId, "note", [...notes.keys()]);
    const messages = ids.filter((id) => !notes.has(id));
    await archive.markPending(guildId, "message", messages);
    live.kick(guildId);
  }

  return {
    spending,
    queue,
    foreground,
    breaker,
    ownership,
    indexes,
    live,
    engine,
    erasure,
    takenUp: () => takingUp.onIdle(),
    compared: () => unconfirmed.settled(),
    async stop() {
      stopped.abort();
      takingUp.clear();
      await erasure.stop();
      await engine.stop();
      await live.stop();
      await unconfirmed.settled();
      await takingUp.onIdle();
      await looking;
      await spending?.stop();
      breaker.stop();
      await ownership.stop();
      await indexes.close();
    },
  };
}
