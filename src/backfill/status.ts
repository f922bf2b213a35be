// Everything `/backfill status` and the progress message show, gathered at one moment.

import type { Breaker } from "../embedding/circuit-breaker.ts";
import type { Spending } from "../embedding/spending.ts";
import { TransientError } from "../errors.ts";
import type { GuildIndexes } from "../indexing/guild-index/guild-indexes.ts";
import type { Ownership } from "../indexing/guild-index/ownership.ts";
import type { LiveIndexing } from "../indexing/live/live.ts";
import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { DiscordTime, HostProblem } from "../ports/discord.ts";
import type { QuarantineStore } from "../ports/quarantine.ts";
import type { RunStore } from "../ports/runs.ts";
import type { SystemProbe } from "../ports/system.ts";
import { ALL_IDS, type Snowflake } from "../snowflake.ts";
import type { Rechecking } from "../sync/recheck.ts";
import type { Gaps } from "../sync/resync.ts";
import type { LeftRun } from "./lifecycle/recovery.ts";
import type { AdminChannelProblem, BackfillStatus } from "./reporting/announcements.ts";
import { lookAtHealth } from "./reporting/health.ts";
import type { Alert, AlertThresholds } from "./run/alerts.ts";
import type { RunReason } from "./run/facts.ts";
import { isOfSpace, type Run, totals } from "./run/run.ts";
import { latelyPerSecond } from "./run/throughput-history.ts";
import type { ActiveRun } from "./work/active-run.ts";

/** Quarantined records are counted up to this many of each kind. */
const COUNTED = 10_000;

export interface StatusParts {
  readonly archive: Archive;
  readonly runStore: Pick<RunStore<Run>, "load">;
  readonly quarantine: Pick<QuarantineStore, "list">;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly breaker: Breaker;
  /** Undefined where nothing is counted. */
  readonly spending: Spending | undefined;
  readonly live: Pick<LiveIndexing, "pending">;
  /** How far what is archived has been compared with Discord since the bot was last away. Absent where there is no Discord. */
  readonly rechecking: ((guildId: Snowflake) => Rechecking | undefined) | undefined;
  /** What is, or may be, missing of what was written since the bot began to listen. Absent where there is no Discord. */
  readonly gaps: ((guildId: Snowflake) => Gaps) | undefined;
  /** Absent where there is no Discord. */
  readonly time: DiscordTime | undefined;
  /** What only whoever runs the bot can mend. Absent where there is no Discord. */
  readonly hostProblems: (() => readonly HostProblem[]) | undefined;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly clock: Clock;
  /** What admins type, e.g. "/backfill". */
  readonly command: string;
}

/** What this process knows that the archive does not. */
export interface ProcessState {
  /** The run, if this process works on it. */
  readonly active: ActiveRun | undefined;
  readonly left: LeftRun | undefined;
  readonly alerts: readonly Alert[];
  adminChannelProblem(): AdminChannelProblem | undefined;
}

export async function lookAtStatus(
  parts: StatusParts,
  guildId: Snowflake,
  { active, left, alerts, adminChannelProblem }: ProcessState,
): Promise<BackfillStatus> {
  const { archive, runStore, quarantine, indexes, breaker, ownership } = parts;
  const isOurs = ownership.lease(guildId) !== undefined;
  const ownedElsewhere = isOurs ? undefined : await unlessAway(ownership.ownerElsewhere(guildId));
  const stored = active?.current() ?? (await unlessAway(runStore.load(guildId)))?.value ?? left?.run;
  const isIdle = active === undefined && ownedElsewhere === undefined && (left !== undefined || !isOurs);
  const run = stored !== undefined && isIdle ? asLeft(stored, left) : stored;
  const recordsPerSecond = ownedElsewhere === undefined ? active?.recordsPerSecond() : storedRate(run);
  const remaining = run === undefined ? 0 : totals(run).remaining;
  await unlessAway(parts.spending?.refresh() ?? Promise.resolve());
  const [health, livePending, messages, notes] = await Promise.all([
    lookAtHealth(guildId, {
      archive,
      openIndex: async () => (await indexes.open(guildId)).index,
      system: parts.system,
      thresholds: parts.thresholds,
      clock: parts.clock,
      breaker: breaker.state(),
      modelId: indexes.space.modelId,
      requestMs: active?.requestMs(),
      aheadMs: parts.time?.aheadMs(),
    }),
    unlessAway(parts.live.pending(guildId)),
    unlessAway(quarantine.list(guildId, "message", ALL_IDS, COUNTED)),
    unlessAway(quarantine.list(guildId, "note", ALL_IDS, COUNTED)),
  ]);
  return {
    guildId,
    command: parts.command,
    at: parts.clock.now(),
    run,
    change: await unlessAway(indexes.changeOf(guildId)),
    otherModel: run !== undefined && !isOfSpace(run, indexes.space),
    recordsPerSecond,
    etaMs: recordsPerSecond === undefined || recordsPerSecond === 0 ? undefined : (remaining / recordsPerSecond) * 1000,
    waitingFor:
      left !== undefined
        ? { kind: "storage" }
        : isOurs || ownedElsewhere !== undefined
          ? active?.waitingFor()
          : { kind: "archive" },
    alerts: isOurs || alerts.length > 0 ? alerts : (run?.alerts ?? []),
    health,
    spending: parts.spending?.state(),
    livePending,
    rechecking: parts.rechecking?.(guildId),
    gaps: parts.gaps?.(guildId),
    quarantined: messages && notes && messages.length + notes.length,
    adminChannelProblem: adminChannelProblem(),
    ownedElsewhere,
    hostProblems: parts.hostProblems?.(),
  };
}

/** @returns undefined when the archive cannot be asked at the moment */
async function unlessAway<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof TransientError) return undefined;
    throw thrown;
  }
}

/** What another process has stored of a run that it works on. */
const storedRate = (run: Run | undefined) => (run?.status === "running" ? latelyPerSecond(run.samples) : undefined);

/** The stored run may say that somebody works on it; nobody does. */
function asLeft(run: Run, left: LeftRun | undefined): Run {
  if (run.status !== "running" && run.status !== "waiting") return run;
  const reason: RunReason = left === undefined ? { kind: "not-owned" } : { kind: "left", because: left.because };
  return { ...run, status: "waiting", reason, statusAt: left?.at ?? run.statusAt };
}
