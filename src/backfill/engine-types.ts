// What the engine needs, and what it offers to those who put it together. Types only.

import type { ForegroundGate } from "../async/foreground-gate.ts";
import type { CanaryCheck } from "../embedding/canary.ts";
import type { Breaker } from "../embedding/circuit-breaker.ts";
import type { FaultIsolation } from "../embedding/fault-isolation.ts";
import type { EmbeddingQueue } from "../embedding/queue.ts";
import type { GuildIndexes } from "../indexing/guild-index/guild-indexes.ts";
import type { Ownership } from "../indexing/guild-index/ownership.ts";
import type { LiveIndexing } from "../indexing/live/live.ts";
import type { Suspects } from "../indexing/live/suspects.ts";
import type { UnconfirmedRecords } from "../indexing/live/unconfirmed.ts";
import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { AdminChannel, DiscordTime, History } from "../ports/discord.ts";
import type { Logger } from "../ports/logger.ts";
import type { QuarantineStore } from "../ports/quarantine.ts";
import type { RunStore } from "../ports/runs.ts";
import type { SystemProbe } from "../ports/system.ts";
import type { Snowflake } from "../snowflake.ts";
import type { Rechecking } from "../sync/recheck.ts";
import type { Gaps } from "../sync/resync.ts";
import type { VerifyParts } from "./compare/verify.ts";
import type { GenerationSettings } from "./lifecycle/generation-change.ts";
import type { AlertThresholds } from "./reporting/alerts.ts";
import type { Run } from "./run/run.ts";
import type { Announcement, Backfill } from "./types.ts";

export interface EngineParts extends GenerationSettings {
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
  rechecking?(guildId: Snowflake): Rechecking | undefined;
  gaps?(guildId: Snowflake): Gaps;
  readonly time?: DiscordTime;
}

export interface Engine extends Backfill {
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
