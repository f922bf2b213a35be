// What alerts there are, how one that is on is stored in the run, and from which values on they are raised.

import { z } from "zod";
import { type StoredAlertDetail, storedAlertDetailSchema } from "./facts.ts";

export const alertNames = [
  "slow-embedder",
  "failing-batches",
  "disk-low",
  "memory-high",
  "embedder-down",
  "storage-down",
  "stalled",
  "budget-near",
  "budget-spent",
] as const;
export type AlertName = (typeof alertNames)[number];

/** An alert that is on, as the run remembers it. */
export const alertSchema = z.object({
  name: z.enum(alertNames),
  detail: storedAlertDetailSchema,
  raisedAt: z.number(),
});

export interface Alert {
  readonly name: AlertName;
  /** What was measured, when it was raised or resolved. */
  readonly detail: StoredAlertDetail;
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

/** Those of docs/configuration.md. */
export const defaultThresholds: AlertThresholds = {
  slowEmbeddingMs: 5_000,
  failureRate: 0.05,
  diskLowBytes: 10e9,
  memoryHigh: 0.9,
  stalledMs: 5 * 60_000,
};
