// Checks a guild's index against its archive: coverage, orphans, duplicates, stale rows, sane vectors, self-retrieval, latency.

import type { Snowflake } from "../snowflake.ts";

/** A success criterion as people see it: a tick or a cross. */
export interface Criterion {
  readonly name: "coverage" | "failures" | "search-time" | "months" | "consistency" | "accounting";
  readonly ok: boolean;
  readonly detail: string;
}

export interface Verification {
  readonly at: number;
  readonly tookMs: number;
  readonly records: number;
  readonly embedded: number;
  readonly skipped: number;
  readonly quarantined: number;
  readonly missing: number;
  readonly stale: number;
  readonly orphaned: number;
  readonly duplicates: number;
  /** Vectors of a wrong length or with numbers that are not finite, among those sampled. */
  readonly badVectors: number;
  /** Old messages that were searched for by their own words, and how many found themselves in the top ten. */
  readonly selfRetrieval: { readonly tried: number; readonly found: number };
  readonly searchMs: { readonly p50: number; readonly p95: number };
  readonly criteria: readonly Criterion[];
  /** A few old messages found, as proof to look at. */
  readonly sample: readonly {
    readonly id: Snowflake;
    readonly channelId: Snowflake;
    readonly createdAt: number;
    readonly text: string;
  }[];
}
