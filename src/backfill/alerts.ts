// The alert conditions: raised once, with hysteresis, resolved once, never repeated in between.

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
