// Everything `/backfill status` and the progress message show, gathered at one moment.

import type { Breaker } from "../indexing/breaker.ts";
import type { GuildIndexes } from "../indexing/guild-indexes.ts";
import type { LiveIndexing } from "../indexing/live.ts";
import type { Ownership } from "../indexing/ownership.ts";
import type { Archive, Clock, RunStore, SystemProbe } from "../ports.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake } from "../snowflake.ts";
import type { ActiveRun } from "./active-run.ts";
import type { AlertThresholds } from "./alerts.ts";
import type { BackfillStatus } from "./backfill.ts";
import { lookAtHealth } from "./health.ts";
import { type Run, totals } from "./run.ts";

const EVERYTHING = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
/** Quarantined records are counted up to this many of each kind. */
const COUNTED = 10_000;

export interface StatusParts {
  readonly archive: Archive;
  readonly runStore: Pick<RunStore<Run>, "load" | "quarantined">;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly breaker: Breaker;
  readonly live: Pick<LiveIndexing, "pending">;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly clock: Clock;
}

/** @param active the run, if this process works on it */
export async function lookAtStatus(
  parts: StatusParts,
  guildId: Snowflake,
  active: ActiveRun | undefined,
  adminChannelProblem: () => string | undefined,
): Promise<BackfillStatus> {
  const { archive, runStore, indexes, breaker } = parts;
  const run = active?.current() ?? (await runStore.load(guildId))?.value;
  const recordsPerSecond = active?.recordsPerSecond();
  const remaining = run === undefined ? 0 : totals(run).remaining;
  const [health, livePending, messages, notes] = await Promise.all([
    lookAtHealth(guildId, {
      archive,
      openIndex: async () => (await indexes.open(guildId)).index,
      system: parts.system,
      thresholds: parts.thresholds,
      breaker: breaker.state(),
      modelId: indexes.space.modelId,
      requestMs: active?.requestMs(),
    }),
    parts.live.pending(guildId),
    runStore.quarantined(guildId, "message", EVERYTHING, COUNTED),
    runStore.quarantined(guildId, "note", EVERYTHING, COUNTED),
  ]);
  return {
    guildId,
    at: parts.clock.now(),
    run,
    recordsPerSecond,
    etaMs: recordsPerSecond === undefined || recordsPerSecond === 0 ? undefined : (remaining / recordsPerSecond) * 1000,
    waitingFor: active?.waitingFor(),
    alerts: active?.alerts() ?? [],
    health,
    livePending,
    quarantined: messages.length + notes.length,
    adminChannelProblem: adminChannelProblem(),
    ownedElsewhere: parts.ownership.heldElsewhere(guildId),
  };
}
