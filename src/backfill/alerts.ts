// The alert conditions: raised once, with hysteresis, resolved once, never repeated in between.

import type { Clock, SystemProbe } from "../ports.ts";

export const alertNames = [
  "slow-embedder",
  "failing-batches",
  "disk-low",
  "memory-high",
  "embedder-down",
  "stalled",
] as const;
export type AlertName = (typeof alertNames)[number];

export interface Alert {
  readonly name: AlertName;
  /** The measured fact, e.g. "last request took 7.4 s (limit 5 s)". */
  readonly detail: string;
  /** What the run does about it, e.g. "The run is paused." */
  readonly consequence: string;
  readonly raisedAt: number;
  readonly resolvedAt?: number;
}

export interface AlertThresholds {
  /** An embedding request slower than this. Milliseconds. */
  readonly slowEmbeddingMs: number;
  /** Share of failed batches in the window. 0 to 1. */
  readonly failureRate: number;
  readonly diskLowBytes: number;
  /** Share of the memory limit. 0 to 1. */
  readonly memoryHigh: number;
  /** No progress for this long while work remains. Milliseconds. */
  readonly stalledMs: number;
}

/** DESIGN section 5. */
export const defaultThresholds: AlertThresholds = {
  slowEmbeddingMs: 5_000,
  failureRate: 0.05,
  diskLowBytes: 10e9,
  memoryHigh: 0.9,
  stalledMs: 5 * 60_000,
};

/** Resolved only when this much on the good side of its threshold, so that nothing flickers. */
const HYSTERESIS = 0.1;
/** Batches looked back at for the failure rate, and how many there must be before it says anything. */
const WINDOW = 50;
const WINDOW_MIN = 10;

/** What a run tells about itself. */
export interface RunFacts {
  /** Only a run that is running can stall. */
  readonly isRunning: boolean;
  readonly waitingFor: string | undefined;
  readonly embedderDown: string | undefined;
}

export interface AlertMonitor {
  /** After each embedding request of any priority. */
  request(tookMs: number): void;
  /** After each batch. Counts as progress when it did not fail. */
  batch(failed: boolean): void;
  /** Something else got on: history was collected, a checkpoint stored. */
  progress(): void;
  /** Looks at everything once. Call it every few seconds. */
  check(facts: RunFacts): Promise<void>;
  active(): readonly Alert[];
  /** All raised so far, the resolved ones too, oldest first. */
  history(): readonly Alert[];
}

export interface AlertParts {
  readonly thresholds: AlertThresholds;
  readonly system: SystemProbe;
  readonly clock: Clock;
  onRaised(alert: Alert): void;
  onResolved(alert: Alert): void;
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

export function createAlertMonitor(parts: AlertParts): AlertMonitor {
  const { thresholds, system, clock } = parts;
  const raised = new Map<AlertName, Alert>();
  const past: Alert[] = [];
  const outcomes: boolean[] = [];
  let lastRequestMs = 0;
  let lastProgressAt = clock.elapsed();

  /** @param isBad raises; @param isGood resolves; in between nothing changes */
  function judge(name: AlertName, isBad: boolean, isGood: boolean, detail: string, consequence: string) {
    const alert = raised.get(name);
    if (alert === undefined && isBad) {
      const fresh: Alert = { name, detail, consequence, raisedAt: clock.now() };
      raised.set(name, fresh);
      parts.onRaised(fresh);
    } else if (alert !== undefined && isGood) {
      const resolved: Alert = { ...alert, detail, resolvedAt: clock.now() };
      raised.delete(name);
      past.push(resolved);
      parts.onResolved(resolved);
    }
  }

  function judgeRequests() {
    const { slowEmbeddingMs, failureRate } = thresholds;
    judge(
      "slow-embedder",
      lastRequestMs > slowEmbeddingMs,
      lastRequestMs < slowEmbeddingMs * (1 - HYSTERESIS),
      `the last request took ${seconds(lastRequestMs)} (limit ${seconds(slowEmbeddingMs)})`,
      "Batches are made smaller until it answers faster.",
    );
    const rate = outcomes.length === 0 ? 0 : outcomes.filter((failed) => failed).length / outcomes.length;
    judge(
      "failing-batches",
      outcomes.length >= WINDOW_MIN && rate > failureRate,
      rate < failureRate * (1 - HYSTERESIS),
      `${percent(rate)} of the last ${outcomes.length} batches failed (limit ${percent(failureRate)})`,
      "The run goes on; records that are refused are set aside and listed in /backfill failures.",
    );
  }

  async function judgeMachine() {
    const { freeBytes } = await system.disk();
    const { diskLowBytes, memoryHigh } = thresholds;
    judge(
      "disk-low",
      freeBytes < diskLowBytes,
      freeBytes > diskLowBytes * (1 + HYSTERESIS),
      `${gigabytes(freeBytes)} free (limit ${gigabytes(diskLowBytes)})`,
      "The run is paused. Free some space, then press Resume or type /backfill start.",
    );
    const { usedBytes, limitBytes } = await system.memory();
    const used = usedBytes / limitBytes;
    judge(
      "memory-high",
      used > memoryHigh,
      used < memoryHigh * (1 - HYSTERESIS / 2),
      `${percent(used)} of ${gigabytes(limitBytes)} in use (limit ${percent(memoryHigh)})`,
      "Batches are halved and grow back slowly.",
    );
  }

  return {
    request(tookMs) {
      lastRequestMs = tookMs;
      judgeRequests();
    },
    batch(failed) {
      outcomes.push(failed);
      if (outcomes.length > WINDOW) outcomes.shift();
      if (!failed) lastProgressAt = clock.elapsed();
      judgeRequests();
    },
    progress() {
      lastProgressAt = clock.elapsed();
    },
    async check({ isRunning, waitingFor, embedderDown }) {
      judge(
        "embedder-down",
        embedderDown !== undefined,
        embedderDown === undefined,
        embedderDown ?? "it answers again",
        "The run waits and goes on by itself; nothing is lost and no message is counted as failed.",
      );
      if (!isRunning) lastProgressAt = clock.elapsed();
      const idleMs = clock.elapsed() - lastProgressAt;
      judge(
        "stalled",
        idleMs > thresholds.stalledMs,
        idleMs < thresholds.stalledMs,
        `no progress for ${seconds(idleMs)}; waiting for ${waitingFor ?? "an answer of the embedder or the index"}`,
        "The run keeps trying. See “help, it is stuck” in docs/how-a-backfill-runs.md.",
      );
      await judgeMachine();
    },
    active: () => [...raised.values()],
    history: () => [...past, ...raised.values()],
  };
}
