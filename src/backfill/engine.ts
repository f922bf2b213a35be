// Analyze, start, pause, resume, status and the reports: one run per guild. The work itself is in active-run.ts.

import { unlessStopped, within } from "../async/abortable.ts";
import { createKeyedMutex } from "../async/keyed-mutex.ts";
import { createSemaphore } from "../async/semaphore.ts";
import { levelOf, toError } from "../errors.ts";
import type { Versioned } from "../ports/versioned.ts";
import { RefusedError } from "../refusals.ts";
import type { Snowflake } from "../snowflake.ts";
import { analyze, newestThereIs } from "./compare/analyze.ts";
import { listFailures, retryFailures } from "./compare/quarantine.ts";
import { costOfPhases, phaseRanges } from "./compare/survey.ts";
import { requireRightVectors, type Verification, verify as verifyRecords } from "./compare/verify.ts";
import { createGenerationChanges } from "./lifecycle/generation-change.ts";
import type { PauseOutcome, StartOptions, StartOutcome } from "./lifecycle/outcomes.ts";
import { pauseRun } from "./lifecycle/pause.ts";
import { isLeftOver, planDifferences } from "./lifecycle/plan-change.ts";
import { createRecovery } from "./lifecycle/recovery.ts";
import { requireRollable, rollBack } from "./lifecycle/rollback.ts";
import { requireOwnership, storeNewRun, takeUpAgain } from "./lifecycle/start.ts";
import { createGuildChannels } from "./reporting/guild-reporting.ts";
import { isActive, isOfSpace, type Run } from "./run/run.ts";
import { createRunState, type RunState } from "./run/run-state.ts";
import { lookAtStatus } from "./status.ts";
import type { Engine, EngineParts } from "./types.ts";
import { type ActiveRun, workOn } from "./work/active-run.ts";
import { collectForRun } from "./work/collect.ts";
import { repair } from "./work/repair.ts";

/** When the process stops, the batches in flight may take this long; then they are given up. */
const STOP_GRACE_MS = 3_000;

/**
 * Pages read and not settled yet, of all runs together: it bounds their memory, and each run gets a page in turn. With four pages a run,
 * six runs at once go as fast as one alone does.
 */
const PAGES_OF_ALL_RUNS = 24;

const shuttingDown = () => new RefusedError({ kind: "shutting-down" });

export function createEngine(parts: EngineParts): Engine {
  const { archive, runStore, quarantine, indexes, ownership, foreground, live, history, clock, logger } = parts;
  const stopped = new AbortController();
  const active = new Map<Snowflake, ActiveRun>();
  const pageSlots = createSemaphore(PAGES_OF_ALL_RUNS);
  /** Starting, taking up and rolling back happen one after the other per guild. */
  const turns = createKeyedMutex(shuttingDown);
  const channels = createGuildChannels(parts, updateRun, status);
  const recovery = createRecovery({
    indexes,
    runStore,
    ownership,
    turns,
    clock,
    logger,
    stop: stopped.signal,
    isAtWork: (guildId) => active.has(guildId),
    stateOf,
    restore: (guildId, run) => channels.of(guildId).alerts.restore(run),
    begin,
  });
  const changes = createGenerationChanges({
    archive,
    runStore,
    quarantine,
    indexes,
    ownership,
    foreground,
    clock,
    logger,
    keepOldIndexDays: parts.keepOldIndexDays,
    reindexByItself: parts.reindexByItself,
    analyze: (guildId) => analyze(parts, guildId, onProgress()),
    start: (guildId) => start(guildId, { pace: "auto", startedBy: "bot" }),
    async ask(guildId, change, analysis) {
      const { reporter } = channels.of(guildId);
      return await reporter.post({ kind: "generation-change", status: await status(guildId), change, analysis });
    },
    isAtWork: (guildId) => active.has(guildId),
    done: async (guildId) => await active.get(guildId)?.done,
    inTurn: turns.runExclusive,
  });

  async function updateRun(guildId: Snowflake, change: (run: Run) => Run): Promise<void> {
    const running = active.get(guildId);
    const stored = running === undefined ? await runStore.load(guildId) : undefined;
    const state = stored === undefined ? running?.state : stateOf(guildId, stored);
    await state?.update(change);
  }

  async function sourcesOf(guildId: Snowflake) {
    const { index, writer } = await indexes.open(guildId);
    return { archive, index, writer, quarantine, foreground };
  }

  async function start(guildId: Snowflake, options: StartOptions): Promise<StartOutcome> {
    requireOwnership(ownership, guildId);
    return turns.runExclusive(guildId, async () => {
      const { adminChannelId } = options;
      if (adminChannelId !== undefined) {
        await archive.saveSettings(guildId, { ...(await archive.settings(guildId)), adminChannelId });
      }
      const stored = await runStore.load(guildId);
      // One that has settled is only showing so.
      if (stored !== undefined && !isActive(stored.value.status)) await active.get(guildId)?.done;
      if (active.has(guildId)) return { outcome: "already-running", status: await status(guildId) };
      if (stored !== undefined && isLeftOver(stored.value) && isOfSpace(stored.value, indexes.space)) {
        return await resume(guildId, stored, options);
      }
      return await startAnew(guildId, stored, options);
    });
  }

  async function startAnew(
    guildId: Snowflake,
    stored: Versioned<Run> | undefined,
    options: StartOptions,
  ): Promise<StartOutcome> {
    const analysis = await unlessStopping(analyze(parts, guildId, onProgress()));
    const saved = await storeNewRun(parts, guildId, options, analysis, stored?.value);
    if ("outcome" in saved) {
      if (saved.outcome === "nothing-to-do") await changes.complete(guildId);
      return saved;
    }
    await begin(guildId, stateOf(guildId, saved));
    const { textsGoTo } = analysis;
    const cost = costOfPhases(analysis, options.phases);
    return { outcome: "started", status: await status(guildId), cost, textsGoTo };
  }

  async function resume(guildId: Snowflake, stored: Versioned<Run>, options: StartOptions): Promise<StartOutcome> {
    const differences = planDifferences(stored.value, options);
    if (differences.length > 0 && options.changePlan === undefined) {
      return { outcome: "plan-differs", status: await status(guildId), differences };
    }
    const state = stateOf(guildId, stored);
    await takeUpAgain(state, await sourcesOf(guildId), guildId, options, () => clock.now());
    await begin(guildId, state);
    return { outcome: "resumed", status: await status(guildId), from: stored.value.status };
  }

  function stateOf(guildId: Snowflake, stored: Versioned<Run>): RunState {
    return createRunState(runStore, guildId, () => ownership.lease(guildId), stored);
  }

  async function begin(guildId: Snowflake, state: RunState): Promise<void> {
    const guild = await indexes.open(guildId);
    const sources = await sourcesOf(guildId);
    const { reporter, alerts } = channels.of(guildId);
    const run = workOn({
      guildId,
      state,
      guild,
      archive,
      quarantine,
      queue: parts.queue,
      isolation: parts.isolation,
      suspects: parts.suspects,
      unconfirmed: parts.unconfirmed,
      foreground,
      breaker: parts.breaker,
      spending: parts.spending,
      pageSlots,
      alerts,
      thresholds: parts.thresholds,
      reporter,
      clock,
      logger,
      collect: (current, update, stop) =>
        collectForRun(
          { archive, history, time: parts.time, clock, logger, sources, live },
          guildId,
          current,
          update,
          stop,
        ),
      verify: (current, ready) =>
        verifyRecords({ sources, find: parts.find, ready, clock }, guildId, current.phases, current, onProgress()),
      repair: (records, stop) => repair(parts, guildId, records, stop),
      retrySuspects: () => parts.suspects.retry(guildId),
      onMarked: () => live.kick(guildId),
      onSucceeded: () => changes.runSucceeded(guildId),
      status: () => status(guildId),
    });
    const done = run.done
      .catch((thrown) => logger.error("run:lost", { guildId, error: toError(thrown).message }))
      .then(() => {
        active.delete(guildId);
        const last = state.current();
        alerts.end(isActive(last.status) || last.status === "interrupted", run.leftBecause());
        if (isActive(last.status) && !turns.isClosed()) leave(guildId, run);
      });
    recovery.forget(guildId);
    active.set(guildId, { ...run, done });
    alerts.begin(run);
  }

  /** It cannot be worked on at the moment: its progress message says so as long as it is. */
  function leave(guildId: Snowflake, run: ActiveRun) {
    recovery.leave(guildId, run.state.current(), run.leftBecause());
    const tell = async () => {
      const { progressMessage } = run.state.current();
      if (progressMessage === undefined || ownership.heldElsewhere(guildId) !== undefined) return;
      await channels
        .of(guildId)
        .reporter.progress({ kind: "progress", status: await status(guildId) }, progressMessage);
    };
    tell().catch((thrown) =>
      logger[levelOf(thrown)]("run:background-failed", { guildId, error: toError(thrown).message }),
    );
  }

  async function pause(guildId: Snowflake, by: string): Promise<PauseOutcome> {
    await turns.finished(guildId);
    const stored = await runStore.load(guildId);
    if (stored === undefined || !isActive(stored.value.status)) {
      const outcome = stored?.value.status === "paused" ? "already-paused" : "nothing-running";
      return { outcome, status: await status(guildId) };
    }
    const outcome = await pauseRun(parts, guildId, active.get(guildId), () => stateOf(guildId, stored), {
      kind: "asked",
      by,
    });
    return { outcome, status: await status(guildId) };
  }

  function status(guildId: Snowflake) {
    const { reporter, alerts } = channels.of(guildId);
    return lookAtStatus(parts, guildId, {
      active: active.get(guildId),
      left: recovery.left(guildId),
      alerts: alerts.active(),
      adminChannelProblem: reporter.problem,
    });
  }

  async function verify(guildId: Snowflake, progressed?: (records: number) => void): Promise<Verification> {
    const ranges = phaseRanges(await newestThereIs(parts, guildId));
    await requireRightVectors(parts.canary, stopped.signal, logger);
    const verifyParts = { sources: await sourcesOf(guildId), find: parts.find, ready: Promise.resolve(), clock };
    const verifying = verifyRecords(verifyParts, guildId, ranges, undefined, onProgress(progressed));
    return (await unlessStopping(verifying)).verification;
  }

  /** Long walks look here, page by page, whether they are still wanted. */
  function onProgress(progressed?: (records: number) => void) {
    return (records: number) => {
      stopped.signal.throwIfAborted();
      progressed?.(records);
    };
  }

  /** @throws RefusedError when the process stops meanwhile */
  async function unlessStopping<Result>(work: Promise<Result>): Promise<Result> {
    const result = await unlessStopped(work, stopped.signal);
    if (result === undefined) throw shuttingDown();
    return result;
  }

  return {
    analyze: (guildId, progressed) => unlessStopping(analyze(parts, guildId, onProgress(progressed))),
    start,
    pause,
    status,
    verify,
    failures: (guildId, limit) => listFailures(quarantine, guildId, limit),
    retry: (guildId) => retryFailures(parts, guildId),
    rollback: (guildId, by) =>
      turns.runExclusive(guildId, async () => {
        requireOwnership(ownership, guildId);
        const stored = requireRollable(await runStore.load(guildId), active.has(guildId));
        const { writer } = await indexes.open(guildId);
        const removedRows = await rollBack(stateOf(guildId, stored), writer, by, clock.now());
        logger.info("run:rolled-back", { guildId, runId: stored.value.id, removedRows });
        return { removedRows, verification: await verify(guildId) };
      }),
    giveUpRetired: changes.giveUpRetired,
    formerIndex: changes.former,
    rollbackIndex: changes.rollBack,
    recover: (guildId) => recovery.recover(guildId).then(() => changes.consider(guildId)),
    considered: changes.idle,
    atWork: () => [...active.keys()],
    async done(guildId) {
      await turns.finished(guildId);
      await active.get(guildId)?.done;
    },
    async stop() {
      stopped.abort();
      await changes.stop();
      await turns.close();
      const runs = [...active.values()];
      // A disk that never answers keeps nobody from stopping.
      for (const end of ["interrupt", "abandon"] as const) {
        for (const run of runs) run[end]();
        await within(STOP_GRACE_MS, clock, Promise.all(runs.map(({ done }) => done)));
      }
      await within(STOP_GRACE_MS / 3, clock, channels.stop());
    },
  };
}
