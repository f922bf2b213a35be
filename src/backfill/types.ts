// The backfill as commands use it, and the engine as it is put together. Types only; engine.ts does it.

import type { ForegroundGate } from "../async/foreground-gate.ts";
import type { CanaryCheck } from "../embedding/canary.ts";
import type { Breaker } from "../embedding/circuit-breaker.ts";
import type { FaultIsolation } from "../embedding/fault-isolation.ts";
import type { EmbeddingQueue } from "../embedding/queue.ts";
import type { Spending } from "../embedding/spending.ts";
import type { GuildIndexes } from "../indexing/guild-index/guild-indexes.ts";
import type { Ownership } from "../indexing/guild-index/ownership.ts";
import type { LiveIndexing } from "../indexing/live/live.ts";
import type { Suspects } from "../indexing/live/suspects.ts";
import type { UnconfirmedRecords } from "../indexing/live/unconfirmed.ts";
import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { AdminChannel, DiscordTime, History, HostProblem } from "../ports/discord.ts";
import type { Generation } from "../ports/generations.ts";
import type { Logger } from "../ports/logger.ts";
import type { QuarantineEntry, QuarantineStore } from "../ports/quarantine.ts";
import type { RunStore } from "../ports/runs.ts";
import type { SystemProbe } from "../ports/system.ts";
import type { Snowflake } from "../snowflake.ts";
import type { Rechecking } from "../sync/recheck.ts";
import type { Gaps } from "../sync/resync.ts";
import type { Analysis } from "./compare/survey.ts";
import type { Verification, VerifyParts } from "./compare/verify.ts";
import type { GenerationSettings } from "./lifecycle/generation-change.ts";
import type { PauseOutcome, StartOptions, StartOutcome } from "./lifecycle/outcomes.ts";
import type { Announcement, BackfillStatus } from "./reporting/announcements.ts";
import type { AlertThresholds } from "./run/alerts.ts";
import type { ReasonKeeping } from "./run/failed-batches.ts";
import type { Run } from "./run/run.ts";

/** The backfill as commands use it. Every method takes the guild first and is safe to call at any time. */
export interface Backfill {
  /** @param onProgress called a few times a second with the number of records looked at so far */
  analyze(guildId: Snowflake, onProgress?: (records: number) => void): Promise<Analysis>;
  start(guildId: Snowflake, options: StartOptions): Promise<StartOutcome>;
  /** @param by who asked, as others may see it */
  pause(guildId: Snowflake, by: string): Promise<PauseOutcome>;
  status(guildId: Snowflake): Promise<BackfillStatus>;
  verify(guildId: Snowflake, onProgress?: (records: number) => void): Promise<Verification>;
  /** Quarantined records, newest first. */
  failures(guildId: Snowflake, limit: number): Promise<QuarantineEntry[]>;
  /** Gives quarantined records another chance. @returns how many */
  retry(guildId: Snowflake): Promise<number>;
  /** What could be gone back to: the index of before the latest change, as long as it is kept. */
  formerIndex(guildId: Snowflake): Promise<Generation | undefined>;
  /** Searches the former index first again. @returns it @throws RefusedError when there is none, or a run is at work */
  rollbackIndex(guildId: Snowflake, by: string): Promise<Generation>;
  /** Takes the latest run's rows out of the index. @returns rows removed */
  rollback(
    guildId: Snowflake,
    by: string,
  ): Promise<{ readonly removedRows: number; readonly verification: Verification }>;
}

export interface EngineParts extends GenerationSettings, ReasonKeeping {
  readonly archive: Archive;
  readonly runStore: RunStore<Run>;
  readonly quarantine: QuarantineStore;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly queue: EmbeddingQueue;
  readonly canary: CanaryCheck;
  readonly isolation: FaultIsolation;
  readonly suspects: Suspects;
  readonly unconfirmed: UnconfirmedRecords;
  readonly foreground: ForegroundGate;
  readonly breaker: Breaker;
  /** Undefined where nothing is counted. */
  readonly spending: Spending | undefined;
  readonly live: Pick<LiveIndexing, "pending" | "idle" | "kick" | "changed">;
  readonly history: History;
  readonly adminChannel: AdminChannel<Announcement>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  /** What admins type, e.g. "/backfill". */
  readonly command: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ids of the best hits for a text, whoever asks. */
  readonly find: VerifyParts["find"];
  /** See `StatusParts`. */
  readonly rechecking: ((guildId: Snowflake) => Rechecking | undefined) | undefined;
  readonly gaps: ((guildId: Snowflake) => Gaps) | undefined;
  readonly hostProblems: (() => readonly HostProblem[]) | undefined;
  readonly time: DiscordTime | undefined;
}

export interface Engine extends Backfill {
  /** Deletes the retired generations of a guild that is ours. */
  giveUpRetired(guildId: Snowflake): Promise<void>;
  /** Takes up what a stopped process left, once this one owns the guild. */
  recover(guildId: Snowflake): Promise<void>;
  /** Guilds whose run this process works on. */
  readonly atWork: () => Snowflake[];
  /** Resolves when all guilds that have become ours have been looked at for what is to be embedded anew. */
  considered(): Promise<void>;
  /** Resolves when nobody works on this guild's run (any more). */
  done(guildId: Snowflake): Promise<void>;
  /** Leaves every run to be resumed; resolves when the batches in flight are stored, or given up after a few seconds. */
  stop(): Promise<void>;
}
