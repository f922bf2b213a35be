// One run while this process works on it: collects if asked, goes through the phases, watches the alerts, keeps the progress
// message, and settles the run's status however it ends. The engine creates one per guild and keeps it until `done`.

import { setMaxListeners } from "node:events";
import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { watch } from "../../async/intervals.ts";
import type { Semaphore } from "../../async/semaphore.ts";
import type { Breaker, BreakerState } from "../../embedding/circuit-breaker.ts";
import type { FaultIsolation } from "../../embedding/fault-isolation.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import type { Spending } from "../../embedding/spending.ts";
import { levelOf, TransientError, toError } from "../../errors.ts";
import type { GuildIndex } from "../../indexing/guild-index/guild-indexes.ts";
import type { Suspects } from "../../indexing/live/suspects.ts";
import type { UnconfirmedRecords } from "../../indexing/live/unconfirmed.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { QuarantineStore } from "../../ports/quarantine.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { BackfillStatus } from "../reporting/announcements.ts";
import type { GuildAlerts } from "../reporting/guild-alerts.ts";
import { keepProgress, type Reporter } from "../reporting/progress.ts";
import type { AlertThresholds } from "../run/alerts.ts";
import { type Ahead, createRunBook, type Settled, withAhead, withBreaker } from "../run/checkpoints.ts";
import type { StorageTrouble, StoredReason, WaitingFor } from "../run/facts.ts";
import { createFailedBatches, type ReasonKeeping } from "../run/failed-batches.ts";
import { addCounters, noCounters, type Run, withStatus } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";
import { createBudgetGate } from "./budget-gate.ts";
import { createEnding } from "./ending.ts";
import { checkFinally, type FinalCheckParts } from "./final-check.ts";
import { createPace } from "./pace.ts";
import { type BatchDone, runPhases } from "./pipeline.ts";
import { createRate } from "./rate.ts";
import { roundsOf } from "./rounds.ts";
import { createSampler } from "./throughput-meter.ts";
import { waitingForModel } from "./waiting-for-model.ts";

export interface ActiveRunParts extends ReasonKeeping {
  readonly guildId: Snowflake;
  readonly state: RunState;
  readonly guild: GuildIndex;
  readonly archive: Archive;
  readonly quarantine: Pick<QuarantineStore, "add" | "list">;
  readonly queue: EmbeddingQueue;
  readonly isolation: FaultIsolation;
  readonly suspects: Pick<Suspects, "add">;
  readonly unconfirmed: Pick<UnconfirmedRecords, "write" | "settled">;
  readonly foreground: ForegroundGate;
  readonly breaker: Breaker;
  /** Undefined where nothing is counted. */
  readonly spending: Spending | undefined;
  readonly pageSlots: Semaphore;
  readonly alerts: GuildAlerts;
  readonly thresholds: AlertThresholds;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Brings history that is only on Discord into the archive. Returns false when it was stopped before the end. */
  collect(run: Run, update: RunState["update"], stop: AbortSignal): Promise<boolean>;
  readonly verify: FinalCheckParts["verify"];
  readonly repair: FinalCheckParts["repair"];
  readonly retrySuspects: FinalCheckParts["retrySuspects"];
  /** There are new pending marks. */
  onMarked(): void;
  /** It has embedded all that it was to, and the check agrees. */
  onSucceeded(): Promise<unknown>;
  /** What to show. */
  status(): Promise<BackfillStatus>;
}

export interface ActiveRun {
  readonly state: RunState;
  /** The run with what has been done since the last checkpoint, for display. */
  current(): Run;
  recordsPerSecond(): number | undefined;
  waitingFor(): WaitingFor | undefined;
  requestMs(): number | undefined;
  /** Asks for a pause: the batches in flight are finished first. */
  pause(reason: StoredReason): Promise<void>;
  /** Gives up the batches in flight too. */
  abandon(): void;
  /** The process stops: finish the batches in flight, leave the run to be resumed. */
  interrupt(): void;
  /** Why it was left though it is to go on, if it was. */
  leftBecause(): StorageTrouble | undefined;
  readonly done: Promise<void>;
}

export function workOn(parts: ActiveRunParts): ActiveRun {
  const { guildId, state, clock, logger, alerts, breaker, queue, reporter } = parts;
  const stop = new AbortController();
  const abandon = new AbortController();
  // Each channel being read, and each write that waits for a better moment, listens: that is no leak to be warned of.
  setMaxListeners(0, stop.signal, abandon.signal);
  const finished = new AbortController();
  const pace = createPace(state.current().pace, queue.embedder.limits, parts.thresholds.slowEmbeddingMs);
  /** Shown, not stored. */
  let ahead: Ahead = {};
  let requestMs: number | undefined;
  let activity: WaitingFor | undefined;
  let leftBecause: StorageTrouble | undefined;
  const rate = createRate(clock);

  /** For work that nobody waits for; a failure there must not stop the run. */
  function background(work: Promise<unknown>) {
    work.catch((thrown) =>
      logger[levelOf(thrown)]("run:background-failed", { guildId, error: toError(thrown).message }),
    );
  }

  const book = createRunBook(state, parts.quarantine, guildId, clock, queue.embedder.dollarsPerMillion);
  const { update } = book;
  const current = () => withAhead(state.current(), ahead);
  const failures = createFailedBatches(clock, state.current().failedBatches, parts.keepReasonsMs);
  const sampler = createSampler(current, alerts, clock);
  const progress = keepProgress(reporter, {
    current: state.current,
    update,
    status: parts.status,
    samples: sampler.drain,
    failedBatches: failures.list,
  });
  const showProgress = progress.show;

  const updateWithProgress: typeof update = (change) => {
    alerts.progress();
    sampler.take();
    return update(change);
  };

  const onBreaker = (breakerState: BreakerState | undefined) =>
    update((run) => withBreaker(run, breakerState, clock.now()));

  async function settle(settled: Settled): Promise<void> {
    await book.settle(settled);
    parts.suspects.add(guildId, settled.quarantine);
    alerts.progress();
    ahead = { ...ahead, [settled.phase]: noCounters };
    rate.count(settled.counters.read - settled.counters.embedded - settled.counters.quarantined);
  }

  function onBatch({ phase, counters, failed }: BatchDone) {
    ahead = { ...ahead, [phase]: addCounters(ahead[phase] ?? noCounters, counters) };
    rate.count(counters.embedded + counters.quarantined);
    alerts.batch(failed);
    progress.countBatch(failed);
    sampler.take(failed);
  }

  async function waitForTurn(stopping: AbortSignal) {
    activity = { kind: "turn" };
    try {
      return await parts.pageSlots.acquire(stopping);
    } finally {
      activity = undefined;
    }
  }

  function workThroughPhases(): Promise<"finished" | "stopped"> {
    activity = undefined;
    const { id, phases } = state.current();
    return runPhases(
      {
        guildId,
        runId: id,
        sources: { archive: parts.archive, index: parts.guild.index, quarantine: parts.quarantine },
        writer: parts.guild.writer,
        recipe: parts.guild.recipe,
        queue,
        isolation: parts.isolation,
        unconfirmed: parts.unconfirmed,
        foreground: parts.foreground,
        pace,
        pageSlots: { acquire: waitForTurn },
        failures,
        budget: createBudgetGate(parts.spending, queue, clock),
        onUse: (tokens, isCounted) => parts.spending && book.use(tokens, isCounted),
        clock,
        stop: stop.signal,
        abandon: abandon.signal,
        settle,
        onMarked: parts.onMarked,
        onPhase: (phase) => logger.info("phase:started", { guildId, phase }),
        onBatch,
      },
      phases.filter(({ cursor }) => cursor !== undefined),
    );
  }

  const ending = createEnding({
    guildId,
    update,
    showProgress,
    reporter,
    status: parts.status,
    onSucceeded: parts.onSucceeded,
    clock,
    logger,
  });

  async function leave(thrown: unknown): Promise<void> {
    leftBecause = await ending.left(thrown);
  }

  async function finish(): Promise<void> {
    const verification = await checkFinally({
      index: parts.guild.index,
      breaker,
      run: state.current,
      verify: parts.verify,
      repair: parts.repair,
      doubtsSettled: parts.unconfirmed.settled,
      areVectorsRight: () =>
        parts.isolation.check({ priority: "backfill", abandon: abandon.signal, stop: stop.signal }),
      retrySuspects: parts.retrySuspects,
      stillSetAside: async ({ kind, newestId, oldestId }, limit) =>
        (await parts.quarantine.list(guildId, kind, { newestId, oldestId }, limit)).length,
      update,
      clock,
      onActivity: (now) => {
        activity = now;
      },
      stop: stop.signal,
    });
    if (verification === undefined) await ending.stopped();
    else await ending.checked(verification);
  }

  const rounds = () => roundsOf(state, sampler, pace, alerts, showProgress, () => stop.abort());

  async function work(): Promise<void> {
    const listening = [
      breaker.onChange((breakerState) => background(onBreaker(breakerState))),
      queue.onTiming((timing) => {
        pace.observe(timing);
        if (timing.priority !== "backfill") return;
        requestMs = timing.tookMs;
        alerts.request(timing.tookMs);
      }),
    ];
    const watching = watch(rounds(), clock, finished.signal, (thrown) => {
      // When the run is over, the stores may be closed under what is still being looked at.
      if (finished.signal.aborted) return;
      logger[levelOf(thrown)]("run:watch-failed", { guildId, error: toError(thrown).message });
    });
    try {
      const saved = state.current().breaker;
      if (saved !== undefined) breaker.restore(saved);
      if (breaker.state() !== undefined) await onBreaker(breaker.state());
      activity = { kind: "discord-history" };
      const collected = await parts.collect(state.current(), updateWithProgress, stop.signal);
      const outcome = collected ? await workThroughPhases() : "stopped";
      if (outcome === "stopped") await ending.stopped();
      else await finish();
    } catch (thrown) {
      if (thrown instanceof TransientError) await leave(thrown);
      else await ending.failed(thrown).catch(leave);
    } finally {
      finished.abort();
      for (const ignore of listening) ignore();
      await watching;
    }
  }

  async function pause(reason: StoredReason): Promise<void> {
    await update((run) =>
      run.status === "running" || run.status === "waiting" ? withStatus(run, "pausing", reason, clock.now()) : run,
    );
    stop.abort();
  }

  return {
    state,
    current,
    recordsPerSecond: () => (state.current().status === "running" ? rate.perSecond() : undefined),
    waitingFor: () => waitingForModel(breaker, queue, clock) ?? activity,
    requestMs: () => requestMs,
    leftBecause: () => leftBecause,
    pause,
    abandon() {
      stop.abort();
      abandon.abort();
    },
    interrupt: () => stop.abort(),
    done: work(),
  };
}
