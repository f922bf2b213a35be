// Analyze, start, pause, resume, status and the reports: one run per guild. The work itself is in active-run.ts.

import { toError, UserError } from "../errors.ts";
import type { Breaker } from "../indexing/breaker.ts";
import { collectHistory } from "../indexing/collect.ts";
import type { EmbeddingQueue } from "../indexing/embedding-queue.ts";
import type { GuildIndexes } from "../indexing/guild-indexes.ts";
import type { LiveIndexing } from "../indexing/live.ts";
import type { Ownership } from "../indexing/ownership.ts";
import type { AdminChannel, Archive, Clock, History, Logger, RunStore, SystemProbe, Versioned } from "../ports.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake, snowflakeAt } from "../snowflake.ts";
import { type ActiveRun, workOn } from "./active-run.ts";
import type { AlertThresholds } from "./alerts.ts";
import { analyze } from "./analyze.ts";
import type { Announcement, Backfill, BackfillStatus, PauseOutcome, StartOptions, StartOutcome } from "./backfill.ts";
import { lookAtHealth } from "./health.ts";
import { phaseRanges, planPhases, survey } from "./plan.ts";
import { createReporter, type Reporter } from "./progress.ts";
import { isActive, isResumable, phaseNames, type Run, totals, withStatus } from "./run.ts";
import { createRunState, type RunState } from "./run-state.ts";
import { type Findings, type Verification, type VerifyParts, verify as verifyRecords } from "./verify.ts";

const EVERYTHING = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
/** Quarantined records counted and retried at a time. */
const COUNTED = 10_000;

/** A run that hangs in `pausing` longer than this can be forced by pausing again. */
const STUCK_MS = 5 * 60_000;

export interface EngineParts {
  readonly archive: Archive;
  readonly runStore: RunStore<Run>;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly queue: EmbeddingQueue;
  readonly breaker: Breaker;
  readonly live: Pick<LiveIndexing, "pending" | "idle" | "kick">;
  readonly history: History;
  readonly adminChannel: AdminChannel<Announcement>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ids of the best hits for a text, whoever asks. */
  readonly find: VerifyParts["find"];
}

export interface Engine extends Backfill {
  /** Takes up what a stopped process left, once this one owns the guild. */
  recover(guildId: Snowflake): Promise<void>;
  /** Leaves every run to be resumed; resolves when the batches in flight are stored. */
  stop(): Promise<void>;
}

export function createEngine(parts: EngineParts): Engine {
  const { archive, runStore, indexes, ownership, breaker, live, clock, logger } = parts;
  const active = new Map<Snowflake, ActiveRun>();
  /** Starting is one thing at a time per guild. */
  const starting = new Set<Snowflake>();
  const reporters = new Map<Snowflake, Reporter>();

  function reporterOf(guildId: Snowflake): Reporter {
    const existing = reporters.get(guildId);
    if (existing !== undefined) return existing;
    const channelOf = async () => (await archive.settings(guildId)).adminChannelId;
    const reporter = createReporter(parts.adminChannel, channelOf, clock, logger);
    reporters.set(guildId, reporter);
    return reporter;
  }

  async function sourcesOf(guildId: Snowflake) {
    const { index, writer } = await indexes.open(guildId);
    return { archive, index, writer, quarantine: runStore };
  }

  function requireOwnership(guildId: Snowflake): void {
    if (ownership.lease(guildId) !== undefined) return;
    const holder = ownership.heldElsewhere(guildId);
    throw new UserError(
      holder === undefined
        ? "This process does not own the server's index at the moment. Nothing is lost; try again in half a minute."
        : `Another process (${holder}) looks after this server. Stop one of the two, or wait 15 seconds after it has ended.`,
    );
  }

  async function start(guildId: Snowflake, options: StartOptions): Promise<StartOutcome> {
    requireOwnership(guildId);
    if (starting.has(guildId))
      throw new UserError("A backfill of this server is being started already. Wait a moment.");
    starting.add(guildId);
    try {
      await archive.saveSettings(guildId, {
        ...(await archive.settings(guildId)),
        adminChannelId: options.adminChannelId,
      });
      const stored = await runStore.load(guildId);
      if (active.has(guildId)) return { outcome: "already-running", status: await status(guildId) };
      if (stored !== undefined && isLeftOver(stored.value) && isOfThisSpace(stored.value)) {
        return await resume(guildId, stored, options);
      }
      return await startAnew(guildId, stored, options);
    } finally {
      starting.delete(guildId);
    }
  }

  async function startAnew(
    guildId: Snowflake,
    stored: Versioned<Run> | undefined,
    options: StartOptions,
  ): Promise<StartOutcome> {
    const analysis = await analyze(parts, guildId);
    if (analysis.preflight.some(({ ok }) => !ok)) return { outcome: "refused", analysis };
    const source = options.source ?? "archive";
    const phases = planPhases(analysis.phases, options.phases);
    const chosen = analysis.phases.filter(({ name }) => phases.some((phase) => phase.name === name));
    const work = chosen.reduce((sum, phase) => sum + phase.missing + phase.stale, analysis.orphaned);
    if (work === 0 && source === "archive") return { outcome: "nothing-to-do", analysis };

    const now = clock.now();
    const id = `${now.toString(36)}-${guildId.slice(-4)}`;
    const { index } = await indexes.open(guildId);
    const indexTag = `before-run-${id}`;
    await index.tag(indexTag);
    const run: Run = {
      version: 1,
      id,
      guildId,
      status: "running",
      reason: "started",
      statusAt: now,
      startedAt: now,
      startedBy: options.startedBy,
      cutoffId: phases[0]?.newestId ?? snowflakeAt(now),
      pace: options.pace ?? "auto",
      source,
      phases,
      ...(source === "discord" ? { collection: { finished: false, collected: 0, unreadable: [] } } : {}),
      runningMs: 0,
      skippedBy: {},
      batches: { sent: 0, failed: 0 },
      fingerprint: indexes.space.fingerprint,
      indexTag,
    };
    const lease = ownership.lease(guildId);
    const saved = await runStore.save(guildId, run, stored?.stamp, lease === undefined ? {} : { lease });
    if (saved === "changed" || saved === "lease-lost") {
      throw new UserError(
        "Somebody else started or changed a backfill of this server just now. Look at /backfill status.",
      );
    }
    if (stored !== undefined) await runStore.archiveRun(guildId, stored.value);
    logger.info("run:started", { guildId, runId: id, pace: run.pace, planned: totals(run).planned });
    await begin(guildId, saved);
    return { outcome: "started", status: await status(guildId) };
  }

  async function resume(guildId: Snowflake, stored: Versioned<Run>, options: StartOptions): Promise<StartOutcome> {
    const differences = planDifferences(stored.value, options);
    if (differences.length > 0 && options.changePlan === undefined) {
      return { outcome: "plan-differs", status: await status(guildId), differences };
    }
    const changed = options.changePlan === true ? await changePlan(guildId, stored.value, options) : stored.value;
    const from = stored.value.status;
    const state = createRunState(runStore, guildId, () => ownership.lease(guildId), stored);
    await state.update(() => resumed(changed, `resumed by an admin from ${from}`));
    const latest = await runStore.load(guildId);
    if (latest !== undefined) await begin(guildId, latest);
    return { outcome: "resumed", status: await status(guildId), from };
  }

  /** A run made with another model is not resumed: what it has embedded is of no use to this one. */
  const isOfThisSpace = (run: Run) => run.fingerprint === indexes.space.fingerprint;

  /** Left active by a process that is gone: interrupted first, as the table wants it. */
  function resumed(run: Run, reason: string): Run {
    const now = clock.now();
    const settled = isActive(run.status) ? withStatus(run, "interrupted", "the process went away", now) : run;
    return withStatus(settled, "running", reason, now);
  }

  async function changePlan(guildId: Snowflake, run: Run, options: StartOptions): Promise<Run> {
    const chosen = options.phases ?? run.phases.map(({ name }) => name);
    const { phases: surveyed } = await survey(await sourcesOf(guildId), guildId, run.cutoffId);
    const plans = surveyed.map((phase) => ({ ...phase, estimatedMs: undefined }));
    const phases = planPhases(plans, chosen).map(
      (fresh) => run.phases.find(({ name }) => name === fresh.name) ?? fresh,
    );
    return { ...run, phases, pace: options.pace ?? run.pace };
  }

  async function begin(guildId: Snowflake, stored: Versioned<Run>): Promise<void> {
    const guild = await indexes.open(guildId);
    const state = createRunState(runStore, guildId, () => ownership.lease(guildId), stored);
    const sources = { archive, index: guild.index, writer: guild.writer, quarantine: runStore };
    const run = workOn({
      ...parts,
      guildId,
      state,
      guild,
      quarantine: runStore,
      reporter: reporterOf(guildId),
      collect: (current, update, stop) => collectForRun(guildId, current, update, stop),
      verify: (current) => verifyRecords({ sources, find: parts.find, clock }, guildId, current.phases, current),
      repair: (findings, stop) => repair(guildId, findings, stop),
      status: () => status(guildId),
    });
    active.set(guildId, run);
    run.done
      .catch((thrown) => logger.error("run:lost", { guildId, error: toError(thrown).message }))
      .finally(() => active.delete(guildId));
  }

  async function collectForRun(
    guildId: Snowflake,
    run: Run,
    update: RunState["update"],
    stop: AbortSignal,
  ): Promise<boolean> {
    if (run.collection === undefined || run.collection.finished) return !stop.aborted;
    const collected = await collectHistory(
      { archive, history: parts.history, clock, logger },
      guildId,
      run.cutoffId,
      stop,
      (count) =>
        update((each) => ({
          ...each,
          collection: { finished: false, collected: (each.collection?.collected ?? 0) + count, unreadable: [] },
        })),
    );
    if (!collected.complete) return false;
    const { phases: surveyed } = await survey(await sourcesOf(guildId), guildId, run.cutoffId);
    await update((each) => ({
      ...each,
      collection: { finished: true, collected: each.collection?.collected ?? 0, unreadable: [...collected.unreadable] },
      phases: each.phases.map((phase) => ({
        ...phase,
        planned: surveyed.find(({ name }) => name === phase.name)?.records ?? phase.planned,
      })),
    }));
    return !stop.aborted;
  }

  /** Live indexing brings single records in order; here it is told which, and waited for. */
  async function repair(guildId: Snowflake, { toRepair }: Findings, stop: AbortSignal): Promise<void> {
    for (const kind of ["message", "note"] as const) {
      const ids = toRepair.filter((each) => each.kind === kind).map(({ id }) => id);
      if (ids.length > 0) await archive.markPending(guildId, kind, ids);
    }
    live.kick(guildId);
    const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
    await Promise.race([live.idle(), stopped]);
  }

  async function pause(guildId: Snowflake, by: string): Promise<PauseOutcome> {
    const running = active.get(guildId);
    const stored = await runStore.load(guildId);
    const outcome = await pauseStored(guildId, running, stored?.value, by);
    return { outcome, status: await status(guildId) };
  }

  async function pauseStored(
    guildId: Snowflake,
    running: ActiveRun | undefined,
    run: Run | undefined,
    by: string,
  ): Promise<PauseOutcome["outcome"]> {
    if (run?.status === "paused") return "already-paused";
    if (run === undefined || !isActive(run.status)) return "nothing-running";
    requireOwnership(guildId);
    if (running === undefined) {
      // Nobody works on it: the process that did is gone, and this one has not taken it up.
      const stored = await runStore.load(guildId);
      if (stored !== undefined) await settleAbandoned(guildId, stored, by);
      return "paused";
    }
    if (run.status === "pausing" && clock.now() - run.statusAt > STUCK_MS) {
      running.abandon();
      await running.state.update((each) =>
        each.status === "pausing" ? withStatus(each, "paused", by, clock.now()) : each,
      );
      return "forced";
    }
    await running.pause(by);
    return "pausing";
  }

  async function settleAbandoned(guildId: Snowflake, stored: Versioned<Run>, reason: string): Promise<void> {
    const state = createRunState(runStore, guildId, () => ownership.lease(guildId), stored);
    await state.update((run) => {
      const pausing = run.status === "pausing" ? run : withStatus(run, "pausing", reason, clock.now());
      return withStatus(pausing, "paused", reason, clock.now());
    });
  }

  async function status(guildId: Snowflake): Promise<BackfillStatus> {
    const running = active.get(guildId);
    const run = running?.current() ?? (await runStore.load(guildId))?.value;
    const recordsPerSecond = running?.recordsPerSecond();
    const remaining = run === undefined ? 0 : totals(run).remaining;
    const [health, livePending, messages, notes] = await Promise.all([
      lookAtHealth(guildId, {
        archive,
        openIndex: async () => (await indexes.open(guildId)).index,
        system: parts.system,
        thresholds: parts.thresholds,
        breaker: breaker.state(),
        modelId: indexes.space.modelId,
        requestMs: running?.requestMs(),
      }),
      live.pending(guildId),
      runStore.quarantined(guildId, "message", EVERYTHING, COUNTED),
      runStore.quarantined(guildId, "note", EVERYTHING, COUNTED),
    ]);
    return {
      guildId,
      at: clock.now(),
      run,
      recordsPerSecond,
      etaMs:
        recordsPerSecond === undefined || recordsPerSecond === 0 ? undefined : (remaining / recordsPerSecond) * 1000,
      waitingFor: running?.waitingFor(),
      alerts: running?.alerts() ?? [],
      health,
      livePending,
      quarantined: messages.length + notes.length,
      adminChannelProblem: reporterOf(guildId).problem(),
      ownedElsewhere: ownership.heldElsewhere(guildId),
    };
  }

  async function verify(guildId: Snowflake, onProgress?: (records: number) => void): Promise<Verification> {
    const ranges = phaseRanges(snowflakeAt(clock.now()));
    const verifyParts = { sources: await sourcesOf(guildId), find: parts.find, clock };
    return (await verifyRecords(verifyParts, guildId, ranges, undefined, onProgress)).verification;
  }

  async function retry(guildId: Snowflake): Promise<number> {
    let retried = 0;
    for (const kind of ["message", "note"] as const) {
      const ids = (await runStore.quarantined(guildId, kind, EVERYTHING, COUNTED)).map(({ id }) => id);
      if (ids.length === 0) continue;
      await archive.markPending(guildId, kind, ids);
      await runStore.releaseQuarantine(guildId, kind, ids);
      retried += ids.length;
    }
    live.kick(guildId);
    return retried;
  }

  async function rollback(guildId: Snowflake, by: string): ReturnType<Backfill["rollback"]> {
    requireOwnership(guildId);
    const stored = await runStore.load(guildId);
    if (stored === undefined) throw new UserError("There has been no backfill of this server: nothing to take back.");
    if (active.has(guildId)) throw new UserError("The backfill is still at work. Pause it first, then roll it back.");
    if (stored.value.status === "cancelled") throw new UserError("The latest backfill has been rolled back already.");
    const { writer } = await indexes.open(guildId);
    const removedRows = await writer.exclusively((index) => index.removeRun(stored.value.id));
    const state = createRunState(runStore, guildId, () => ownership.lease(guildId), stored);
    await state.update((run) => {
      const settled = isActive(run.status) ? withStatus(run, "interrupted", "the process went away", clock.now()) : run;
      return withStatus(settled, "cancelled", `rolled back by ${by}`, clock.now());
    });
    logger.info("run:rolled-back", { guildId, runId: stored.value.id, removedRows });
    return { removedRows, verification: await verify(guildId) };
  }

  return {
    analyze: (guildId, onProgress) => analyze(parts, guildId, onProgress),
    start,
    pause,
    status,
    verify,
    async failures(guildId, limit) {
      const messages = await runStore.quarantined(guildId, "message", EVERYTHING, limit);
      const notes = await runStore.quarantined(guildId, "note", EVERYTHING, limit);
      return [...messages, ...notes].sort((a, b) => b.at - a.at).slice(0, limit);
    },
    retry,
    rollback,
    async recover(guildId) {
      const stored = await runStore.load(guildId);
      if (stored === undefined || active.has(guildId)) return;
      const { status: left } = stored.value;
      if (left === "pausing") return settleAbandoned(guildId, stored, stored.value.reason);
      if (left !== "running" && left !== "waiting" && left !== "interrupted") return;
      const state = createRunState(runStore, guildId, () => ownership.lease(guildId), stored);
      if (!isOfThisSpace(stored.value)) {
        const reason = "the embedding model was changed; type /backfill start to embed everything with the new one";
        await state.update((run) => withStatus(run, left === "interrupted" ? "paused" : "failed", reason, clock.now()));
        return;
      }
      await state.update((run) => resumed(run, "resumed by itself after the process came back"));
      const latest = await runStore.load(guildId);
      logger.info("run:resumed", { guildId, runId: stored.value.id, from: left });
      if (latest !== undefined) await begin(guildId, latest);
    },
    async stop() {
      for (const run of active.values()) run.interrupt();
      await Promise.all([...active.values()].map((run) => run.done));
    },
  };
}

/** A run that `start` takes up again: settled before its end, or left active by a process that is gone. */
function isLeftOver({ status }: Run): boolean {
  return isResumable(status) || isActive(status);
}

/** In words; empty when the options ask for nothing else than what the run does. */
function planDifferences(run: Run, options: StartOptions): string[] {
  const differences: string[] = [];
  const current = run.phases.map(({ name }) => name).join(", ");
  const wanted = phaseNames.filter((name) => options.phases?.includes(name)).join(", ");
  if (options.phases !== undefined && wanted !== current) differences.push(`phases: ${wanted} instead of ${current}`);
  if (options.pace !== undefined && options.pace !== run.pace) {
    differences.push(`pace: ${options.pace} instead of ${run.pace}`);
  }
  return differences;
}
