// The alert conditions: raised once, with hysteresis, resolved once, never repeated in between. Only a run raises alerts; those that
// are on are followed until they are over, whatever has become of the run (see guild-alerts.ts).

import { NEARLY_SPENT } from "../../embedding/spending.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SpendingState } from "../../ports/spending.ts";
import type { SystemProbe } from "../../ports/system.ts";
import type { Alert, AlertName, AlertThresholds } from "../run/alerts.ts";
import { usedOfBudget } from "../run/budget.ts";
import type { AlertDetail, RunReason, StorageTrouble, WaitingFor } from "../run/facts.ts";

/** Resolved only when this much on the good side of its threshold, so that nothing flickers. */
const HYSTERESIS = 0.1;
/** Batches looked back at for the failure rate, and how many there must be before it says anything. */
const WINDOW = 50;
const WINDOW_MIN = 10;

/** What is so at the moment. */
export interface Facts {
  /** The run at work; undefined when there is none. */
  readonly run: RunFacts | undefined;
  /** What the embedder said last, when it is down. */
  readonly embedderDown: string | undefined;
  /** Why a run had to be left that is gone on with as soon as the archive and the index can be used again. */
  readonly storageDown: StorageTrouble | undefined;
  /** Undefined where nothing is counted. */
  readonly spending?: SpendingState | undefined;
}

export interface RunFacts {
  /** Only a run that is running can stall. */
  readonly isRunning: boolean;
  readonly waitingFor: WaitingFor | undefined;
}

export interface AlertMonitor {
  /** After each embedding request of any priority. */
  request(tookMs: number): void;
  /** After each batch. Counts as progress when it did not fail. */
  batch(failed: boolean): void;
  /** Something else got on: history was collected, a checkpoint stored. */
  progress(): void;
  /** A run begins its work: its requests, batches and progress are judged from here. */
  begin(): void;
  /**
   * Looks at everything once. Call it every few seconds.
   * @returns why a run must stop now, if it must
   */
  check(facts: Facts): Promise<RunReason | undefined>;
  /** Those that are on, as of before a restart. */
  restore(alerts: readonly Alert[]): void;
  active(): readonly Alert[];
}

export interface AlertParts {
  readonly thresholds: AlertThresholds;
  readonly system: SystemProbe;
  readonly clock: Clock;
  onRaised(alert: Alert): void;
  onResolved(alert: Alert): void;
}

export function createAlertMonitor(parts: AlertParts): AlertMonitor {
  const { thresholds, system, clock } = parts;
  const raised = new Map<AlertName, Alert>();
  let outcomes: boolean[] = [];
  let lastRequestMs: number | undefined;
  let lastProgressAt = clock.elapsed();
  let hasRun = false;
  /** Something got done since the run was begun. */
  let hasGotOn = false;

  /** @param isBad raises, while a run is at work; @param isGood resolves; in between nothing changes */
  function judge(name: AlertName, isBad: boolean, isGood: boolean, detail: AlertDetail) {
    const alert = raised.get(name);
    if (alert === undefined && isBad && hasRun) {
      const fresh: Alert = { name, detail, raisedAt: clock.now() };
      raised.set(name, fresh);
      parts.onRaised(fresh);
    } else if (alert !== undefined && isGood) {
      const resolved: Alert = { ...alert, detail, resolvedAt: clock.now() };
      raised.delete(name);
      parts.onResolved(resolved);
    }
  }

  function judgeRequests() {
    const { slowEmbeddingMs, failureRate } = thresholds;
    if (lastRequestMs !== undefined) {
      judge("slow-embedder", lastRequestMs > slowEmbeddingMs, lastRequestMs < slowEmbeddingMs * (1 - HYSTERESIS), {
        kind: "slow-request",
        tookMs: lastRequestMs,
        limitMs: slowEmbeddingMs,
      });
    }
    if (outcomes.length < WINDOW_MIN) return;
    const failed = outcomes.filter((hasFailed) => hasFailed).length;
    const rate = failed / outcomes.length;
    judge("failing-batches", rate > failureRate, rate < failureRate * (1 - HYSTERESIS), {
      kind: "failed-requests",
      failed,
      of: outcomes.length,
      limit: failureRate,
    });
  }

  /** What only a run can suffer from is over when the run is. */
  function judgeWithoutRun() {
    for (const name of ["slow-embedder", "failing-batches", "stalled"] as const) {
      judge(name, false, true, { kind: "no-run" });
    }
  }

  function judgeProgress({ isRunning, waitingFor }: RunFacts) {
    if (!isRunning) lastProgressAt = clock.elapsed();
    const idleMs = clock.elapsed() - lastProgressAt;
    judge("stalled", idleMs > thresholds.stalledMs, idleMs < thresholds.stalledMs, {
      kind: "no-progress",
      ms: idleMs,
      waitingFor,
    });
  }

  /** @returns why a run must stop, also one that was resumed while the alert was on */
  async function judgeMachine(): Promise<RunReason | undefined> {
    const { freeBytes } = await system.disk();
    const { diskLowBytes, memoryHigh } = thresholds;
    const isLow = freeBytes < diskLowBytes;
    const disk = { freeBytes, wantedBytes: diskLowBytes };
    judge("disk-low", isLow, freeBytes > diskLowBytes * (1 + HYSTERESIS), { kind: "disk", ...disk });
    const { usedBytes, limitBytes } = await system.memory();
    const used = usedBytes / limitBytes;
    judge("memory-high", used > memoryHigh, used < memoryHigh * (1 - HYSTERESIS / 2), {
      kind: "memory",
      usedBytes,
      limitBytes,
      limit: memoryHigh,
    });
    return isLow ? { kind: "disk-low", ...disk } : undefined;
  }

  /** @returns why a run must stop */
  function judgeBudget(spending: SpendingState): RunReason | undefined {
    const { share = 0, isSpent } = spending;
    const use = usedOfBudget(spending);
    judge("budget-near", share >= NEARLY_SPENT, share < NEARLY_SPENT, { kind: "budget", use });
    judge("budget-spent", isSpent, !isSpent, { kind: "budget", use });
    return isSpent ? { kind: "budget-spent", use } : undefined;
  }

  function gotOn() {
    lastProgressAt = clock.elapsed();
    hasGotOn = true;
  }

  return {
    request(tookMs) {
      lastRequestMs = tookMs;
      judgeRequests();
    },
    batch(failed) {
      outcomes.push(failed);
      if (outcomes.length > WINDOW) outcomes.shift();
      if (!failed) gotOn();
      judgeRequests();
    },
    progress: gotOn,
    begin() {
      hasRun = true;
      hasGotOn = false;
      outcomes = [];
      lastRequestMs = undefined;
      lastProgressAt = clock.elapsed();
    },
    async check({ run, embedderDown, storageDown, spending }) {
      hasRun = run !== undefined || storageDown !== undefined;
      judge(
        "storage-down",
        storageDown !== undefined,
        // A run that is taken up and has to be left again at once has shown nothing.
        storageDown === undefined && (run === undefined || hasGotOn),
        storageDown === undefined ? { kind: "storage-usable" } : { kind: "storage", because: storageDown },
      );
      // The rest is for a run at work: nothing is judged meanwhile.
      if (storageDown !== undefined) return undefined;
      judge(
        "embedder-down",
        embedderDown !== undefined,
        embedderDown === undefined,
        embedderDown === undefined ? { kind: "embedder-answers" } : { kind: "embedder", message: embedderDown },
      );
      if (run === undefined) judgeWithoutRun();
      else judgeProgress(run);
      const overspent = spending && judgeBudget(spending);
      return (await judgeMachine()) ?? overspent;
    },
    restore(alerts) {
      raised.clear();
      for (const alert of alerts) raised.set(alert.name, alert);
    },
    active: () => [...raised.values()],
  };
}
