// Live indexing and the backfill put together over their stores and the embedder: all that changes a guild's index. Search and the
// commands are put on top in services.ts.

import PQueue from "p-queue";
import { createForegroundGate, type ForegroundGate } from "../async/foreground-gate.ts";
import { createEngine } from "../backfill/engine.ts";
import type { GenerationSettings } from "../backfill/lifecycle/generation-change.ts";
import type { Announcement } from "../backfill/reporting/announcements.ts";
import type { AlertThresholds } from "../backfill/run/alerts.ts";
import { forgetReasons } from "../backfill/run/forget-reasons.ts";
import type { Run } from "../backfill/run/run.ts";
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
import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { AdminChannel, History } from "../ports/discord.ts";
import type { Embedder } from "../ports/embedder.ts";
import type { ErasureStore } from "../ports/erasure.ts";
import type { GenerationStore } from "../ports/generations.ts";
import type { Logger } from "../ports/logger.ts";
import type { OwnerStore } from "../ports/owners.ts";
import type { QuarantineStore } from "../ports/quarantine.ts";
import type { RunStore } from "../ports/runs.ts";
import type { Budget, SpendingStore } from "../ports/spending.ts";
import type { SystemProbe } from "../ports/system.ts";
import type { VectorCheckStore } from "../ports/vector-checks.ts";
import type { IndexStore } from "../ports/vector-index.ts";
import type { Snowflake } from "../snowflake.ts";

/** Guilds looked through at a time when many have just become ours: what people ask for meanwhile comes in between. */
const TAKEN_UP_AT_ONCE = 8;
const MARKS_EVERY_MS = 10_000;
/** At least so many times as long as it took: while the embedder is down, thousands of guilds may have some. */
const MARKS_REST = 20;

export interface IndexingServicesParts
  extends GenerationSettings,
    Pick<EngineParts, "find" | "rechecking" | "gaps" | "hostProblems" | "time"> {
  readonly archive: Archive;
  readonly runStore: RunStore<Run>;
  readonly owners: OwnerStore;
  readonly quarantine: QuarantineStore;
  readonly generations: GenerationStore;
  readonly erasureStore: ErasureStore;
  readonly spendingStore: SpendingStore;
  /** For a month, of an embedder that counts tokens. */
  readonly budget?: Budget | undefined;
  readonly vectorChecks: VectorCheckStore;
  readonly indexStore: IndexStore;
  readonly embedder: Embedder;
  readonly history: History;
  readonly adminChannel: AdminChannel<Announcement>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  /** What admins type for a backfill. Default "/backfill". */
  readonly command?: string | undefined;
  readonly forgetOnLeave: boolean;
  /** How long what was deleted may linger in files. Default 24. */
  readonly keepDeletedHours?: number | undefined;
  /** How texts are made; default: as the evaluation chose. */
  readonly textRecipe?: TextRecipe | undefined;
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
  const { archive, embedder, clock, logger } = parts;
  const spending =
    embedder.settings?.kind === "server"
      ? createSpending({
          store: parts.spendingStore,
          dollarsPerMillion: embedder.dollarsPerMillion,
          budget: parts.budget,
          clock,
          logger,
        })
      : undefined;
  const queue = createEmbeddingQueue(embedder, clock, spending?.use);
  const foreground = createForegroundGate(clock);
  const canary = createCanaryCheck(queue, canaryMemory());
  const breaker = createBreaker(canary, clock, logger);
  const suspects = createSuspects({ quarantine: parts.quarantine, archive, clock, logger });
  const ownership = createOwnership(parts.owners, parts.holder, clock, logger);
  const indexes = createGuildIndexes({
    store: parts.indexStore,
    generationStore: parts.generations,
    embedder,
    lastFilled: async (guildId) => (await parts.runStore.load(guildId))?.value.fingerprint,
    ownership,
    onOvertaken: markOvertaken,
    newestArchived: (guildId) => newestInArchive(archive, guildId),
    recipe: parts.textRecipe,
    clock,
    logger,
  });
  const unconfirmed = createUnconfirmed({ store: parts.vectorChecks, archive, indexes, logger });
  canary.onWrong(unconfirmed.reject);
  const isolation = createFaultIsolation({ queue, breaker, canary, unconfirmed, clock, random: Math.random });
  const { quarantine, runStore, history, adminChannel, system, thresholds } = parts;
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
    forgetOnLeave: parts.forgetOnLeave,
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
    history,
    adminChannel,
    system,
    thresholds,
    command: parts.command ?? "/backfill",
    clock,
    logger,
    find: parts.find,
    rechecking: parts.rechecking,
    gaps: parts.gaps,
    hostProblems: parts.hostProblems,
    time: parts.time,
    keepOldIndexDays: parts.keepOldIndexDays,
    reindexByItself: parts.reindexByItself,
    // It may repeat words: half the time is for the rest of the erasure.
    keepReasonsMs: ((parts.keepDeletedHours ?? KEEP_DELETED_HOURS) * 3_600_000) / 2,
  });
  const erasure = createErasure({
    erasureStore: parts.erasureStore,
    archive,
    quarantine,
    indexes,
    ownership,
    foreground,
    keepDeletedHours: parts.keepDeletedHours,
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
      load: () => parts.vectorChecks.loadCanary(fingerprint).catch((thrown) => void unreachable(thrown)),
      save: (known) => parts.vectorChecks.saveCanary(fingerprint, known).catch(unreachable),
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
