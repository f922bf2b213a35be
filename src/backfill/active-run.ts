// One run while this process works on it: collects if asked, goes through the phases, watches the alerts, keeps the progress
// message, and settles the run's status however it ends. The engine creates one per guild and keeps it until `done`.

import { toError } from "../errors.ts";
import type { Breaker, BreakerState } from "../indexing/breaker.ts";
import type { EmbeddingQueue } from "../indexing/embedding-queue.ts";
import type { GuildIndex } from "../indexing/guild-indexes.ts";
import { NotOwnedError } from "../indexing/index-writer.ts";
import type { Archive, Clock, Logger, QuarantineEntry, RunStore, SystemProbe } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";
import { type Alert, type AlertThresholds, createAlertMonitor } from "./alerts.ts";
import type { BackfillStatus } from "./backfill.ts";
import { checkFinally, type FinalCheckParts, whyFailed } from "./final-check.ts";
import { createPace } from "./pace.ts";
import { runPhase, type Settled } from "./pipeline.ts";
import type { Reporter } from "./progress.ts";
import { createRate } from "./rate.ts";
import {
  addCounters,
  type Counters,
  currentPhase,
  isActive,
  noCounters,
  type Phase,
  type Run,
  type RunStatus,
  withStatus,
} from "./run.ts";
import { LeaseLost, type RunState } from "./run-state.ts";

const CHECK_EVERY_MS = 1_000;
/** Discord allows few edits; people do not read faster. */
const PROGRESS_EVERY_MS = 5_000;
/** While memory is short the batches are halved this often. */
const SHRINK_EVERY_MS = 10_000;
/** So many refused records fit into a checkpoint's commit. */
const QUARANTINE_PER_CHECKPOINT = 400;

export interface ActiveRunParts {
  readonly guildId: Snowflake;
  readonly state: RunState;
  readonly guild: GuildIndex;
  readonly archive: Archive;
  readonly quarantine: Pick<RunStore<Run>, "quarantine" | "quarantined">;
  readonly queue: EmbeddingQueue;
  readonly breaker: Breaker;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Brings history that is only on Discord into the archive. Returns false when it was stopped before the end. */
  collect(run: Run, update: RunState["update"], stop: AbortSignal): Promise<boolean>;
  readonly verify: FinalCheckParts["verify"];
  readonly repair: FinalCheckParts["repair"];
  /** There are new pending marks. */
  onMarked(): void;
  /** What to show. */
  status(): Promise<BackfillStatus>;
}

export interface ActiveRun {
  readonly state: RunState;
  /** The run with what has been done since the last checkpoint, for display. */
  current(): Run;
  recordsPerSecond(): number | undefined;
  waitingFor(): string | undefined;
  alerts(): readonly Alert[];
  requestMs(): number | undefined;
  /** Asks for a pause: the batches in flight are finished first. */
  pause(reason: string): Promise<void>;
  /** Gives up the batches in flight too. */
  abandon(): void;
  /** The process stops: finish the batches in flight, leave the run to be resumed. */
  interrupt(): void;
  readonly done: Promise<void>;
}

export function workOn(parts: ActiveRunParts): ActiveRun {
  const { guildId, state, clock, logger, breaker, queue, reporter } = parts;
  const stop = new AbortController();
  const abandon = new AbortController();
  const finished = new AbortController();
  const pace = createPace(state.current().pace, queue.embedder.limits);
  /** Settled since the last checkpoint; shown, not stored. */
  let ahead = noCounters;
  let runningSince = clock.elapsed();
  let requestMs: number | undefined;
  let activity: string | undefined;
  const rate = createRate(clock);

  const monitor = createAlertMonitor({
    thresholds: parts.thresholds,
    system: parts.system,
    clock,
    onRaised: (alert) => background(raised(alert)),
    onResolved: (alert) => background(announce("alert-resolved", alert)),
  });

  /** For work that nobody waits for; a failure there must not stop the run. */
  function background(work: Promise<unknown>) {
    work.catch((thrown) => logger.error("run:background-failed", { guildId, error: toError(thrown).message }));
  }

  async function announce(kind: "alert-raised" | "alert-resolved", alert: Alert): Promise<void> {
    logger.info(`alert:${kind === "alert-raised" ? "raised" : "resolved"}`, { guildId, alert: alert.name });
    await reporter.post({ kind, alert, status: await parts.status() });
  }

  async function raised(alert: Alert): Promise<void> {
    if (alert.name === "disk-low") await pause(`the disk is nearly full: ${alert.detail}`);
    await announce("alert-raised", alert);
  }

  /** Every change of the run also books the running time since the last one. */
  async function update(change: (run: Run) => Run, quarantine?: readonly QuarantineEntry[]): Promise<Run> {
    let bookedUntil = runningSince;
    const updated = await state.update((run) => {
      const next = change(run);
      if (next === run) return run;
      bookedUntil = clock.elapsed();
      return run.status === "running" ? { ...next, runningMs: next.runningMs + bookedUntil - runningSince } : next;
    }, quarantine);
    runningSince = bookedUntil;
    return updated;
  }

  const updateWithProgress: typeof update = (change) => {
    monitor.progress();
    return update(change);
  };

  const change = (status: RunStatus, reason: string) => (run: Run) => withStatus(run, status, reason, clock.now());

  async function onBreaker(breakerState: BreakerState | undefined): Promise<void> {
    await update((run) => {
      const withBreaker = { ...run, breaker: breakerState };
      if (breakerState !== undefined && run.status === "running") {
        return change("waiting", `the embedder does not answer: ${breakerState.reason}`)(withBreaker);
      }
      if (breakerState === undefined && run.status === "waiting") {
        return change("running", "the embedder answers again")(withBreaker);
      }
      return withBreaker;
    });
  }

  async function settle(phase: Phase, settled: Settled): Promise<void> {
    const rest = settled.quarantine.slice(QUARANTINE_PER_CHECKPOINT);
    // Before the checkpoint: writing them once more after a crash changes nothing, losing them would.
    if (rest.length > 0) await parts.quarantine.quarantine(guildId, rest);
    await update(
      (run) => {
        const skippedBy = { ...run.skippedBy };
        for (const [reason, times] of Object.entries(settled.skippedBy))
          skippedBy[reason] = (skippedBy[reason] ?? 0) + times;
        const phases = run.phases.map((each) =>
          each.name === phase.name
            ? { ...each, cursor: settled.cursor, counters: addCounters(each.counters, settled.counters) }
            : each,
        );
        return { ...run, phases, skippedBy };
      },
      settled.quarantine.slice(0, QUARANTINE_PER_CHECKPOINT),
    );
    monitor.progress();
    ahead = noCounters;
    rate.count(settled.counters.read - settled.counters.embedded - settled.counters.quarantined);
  }

  function onBatch({ counters, failed }: { counters: Counters; failed: boolean }) {
    ahead = addCounters(ahead, counters);
    rate.count(counters.embedded + counters.quarantined);
    monitor.batch(failed);
    const sent = { sent: 1, failed: failed ? 1 : 0 };
    batches = { sent: batches.sent + sent.sent, failed: batches.failed + sent.failed };
  }
  let batches = { sent: 0, failed: 0 };

  async function runPhases(): Promise<"finished" | "stopped"> {
    for (let phase = currentPhase(state.current()); phase !== undefined; phase = currentPhase(state.current())) {
      const working = phase;
      activity = undefined;
      logger.info("phase:started", { guildId, phase: working.name });
      const outcome = await runPhase(
        {
          guildId,
          runId: state.current().id,
          sources: { archive: parts.archive, index: parts.guild.index, quarantine: parts.quarantine },
          writer: parts.guild.writer,
          queue,
          breaker,
          pace,
          clock,
          stop: stop.signal,
          abandon: abandon.signal,
          settle: (settled) => settle(working, settled),
          onMarked: parts.onMarked,
          onBatch,
        },
        working,
      );
      if (outcome === "stopped") return "stopped";
    }
    return "finished";
  }

  async function finish(): Promise<void> {
    const verification = await checkFinally({
      index: parts.guild.index,
      breaker,
      run: state.current,
      verify: parts.verify,
      repair: parts.repair,
      onActivity: (now) => {
        activity = now;
      },
      stop: stop.signal,
    });
    if (verification === undefined) return settleStopped();
    await update((run) => {
      const failed = whyFailed(run, verification);
      if (failed !== undefined) return change("failed", failed)(run);
      if (run.status === "pausing") return change("paused", run.reason)(run);
      const awake = run.status === "waiting" ? change("running", "the embedder is not needed any more")(run) : run;
      return change("succeeded", "nothing remains")(awake);
    });
    await showProgress();
    await reporter.post({ kind: "report", status: await parts.status(), verification });
  }

  async function settleStopped(): Promise<void> {
    await update((run) =>
      run.status === "pausing"
        ? change("paused", run.reason)(run)
        : isActive(run.status)
          ? change("interrupted", "the process was stopped")(run)
          : run,
    );
    await showProgress();
  }

  async function settleFailed(thrown: unknown): Promise<void> {
    const { message } = toError(thrown);
    logger.error("run:failed", { guildId, error: message });
    await update((run) => (isActive(run.status) ? change("failed", message)(run) : run));
    await showProgress();
    await reporter.post({ kind: "report", status: await parts.status(), verification: undefined });
  }

  async function work(): Promise<void> {
    const listening = [
      breaker.onChange((breakerState) => background(onBreaker(breakerState))),
      queue.onTiming((timing) => {
        pace.observe(timing);
        if (timing.priority !== "backfill") return;
        requestMs = timing.tookMs;
        monitor.request(timing.tookMs);
      }),
    ];
    const watching = watch();
    try {
      const saved = state.current().breaker;
      if (saved !== undefined) breaker.restore(saved);
      if (breaker.state() !== undefined) await onBreaker(breaker.state());
      activity = "Discord's history";
      const collected = await parts.collect(state.current(), updateWithProgress, stop.signal);
      const outcome = collected ? await runPhases() : "stopped";
      if (outcome === "stopped") await settleStopped();
      else await finish();
    } catch (thrown) {
      const isLeft = thrown instanceof LeaseLost || thrown instanceof NotOwnedError;
      if (isLeft) logger.warn("run:left", { guildId, reason: thrown.message });
      else
        await settleFailed(thrown).catch((again) =>
          logger.error("run:lost", { guildId, error: toError(again).message }),
        );
    } finally {
      finished.abort();
      for (const ignore of listening) ignore();
      await watching;
    }
  }

  async function watch(): Promise<void> {
    let shownAt = Number.NEGATIVE_INFINITY;
    let shrunkAt = Number.NEGATIVE_INFINITY;
    while (!finished.signal.aborted) {
      try {
        await monitor.check({
          isRunning: state.current().status === "running",
          waitingFor: waitingFor(),
          // A hiccup that is over by the first probe is no alert.
          embedderDown: (breaker.state()?.probes ?? 0) > 0 ? breaker.state()?.reason : undefined,
        });
        if (
          monitor.active().some(({ name }) => name === "memory-high") &&
          clock.elapsed() - shrunkAt >= SHRINK_EVERY_MS
        ) {
          shrunkAt = clock.elapsed();
          pace.shrink();
        }
        if (clock.elapsed() - shownAt >= PROGRESS_EVERY_MS) {
          shownAt = clock.elapsed();
          await showProgress();
        }
      } catch (thrown) {
        logger.error("run:watch-failed", { guildId, error: toError(thrown).message });
      }
      await clock.sleep(CHECK_EVERY_MS, finished.signal);
    }
  }

  /** One at a time, or two would post a message each. */
  function showProgress(): Promise<void> {
    showing = showing.catch(() => undefined).then(showProgressNow);
    return showing;
  }
  let showing = Promise.resolve();

  async function showProgressNow(): Promise<void> {
    const before = state.current().progressMessage;
    const after = await reporter.progress({ kind: "progress", status: await parts.status() }, before);
    const done = batches;
    batches = { sent: 0, failed: 0 };
    const moved = after !== undefined && after.messageId !== before?.messageId;
    if (!moved && done.sent === 0) return;
    await update((run) => ({
      ...run,
      batches: { sent: run.batches.sent + done.sent, failed: run.batches.failed + done.failed },
      ...(moved ? { progressMessage: after } : {}),
    }));
  }

  function waitingFor(): string | undefined {
    const open = breaker.state();
    if (open === undefined) return activity;
    return `the embedder; next try in ${Math.max(0, Math.ceil((open.nextProbeAt - clock.now()) / 1000))} s`;
  }

  async function pause(reason: string): Promise<void> {
    await update((run) =>
      run.status === "running" || run.status === "waiting" ? change("pausing", reason)(run) : run,
    );
    stop.abort();
  }

  return {
    state,
    current() {
      const run = state.current();
      const phase = currentPhase(run);
      if (phase === undefined) return run;
      const shown = {
        ...addCounters(phase.counters, ahead),
        read: phase.counters.read + ahead.embedded + ahead.quarantined,
      };
      return { ...run, phases: run.phases.map((each) => (each === phase ? { ...each, counters: shown } : each)) };
    },
    recordsPerSecond: () => (state.current().status === "running" ? rate.perSecond() : undefined),
    waitingFor,
    alerts: () => monitor.active(),
    requestMs: () => requestMs,
    pause,
    abandon() {
      stop.abort();
      abandon.abort();
    },
    interrupt: () => stop.abort(),
    done: work(),
  };
}
