// What is missing, how long it will take and how much disk it needs: the analysis, the pre-flight's verdicts and the phase plan.

import type { RecordKind } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";
import type { PhaseName } from "./run.ts";

/** One line of the pre-flight checklist. */
export interface Check {
  readonly name: "embedder" | "index" | "disk" | "memory" | "message-content" | "ownership";
  readonly ok: boolean;
  /** What was found, in words an admin understands. */
  readonly detail: string;
  /** What to do about it; only when not ok. */
  readonly remedy?: string;
}

/** How a group of archived records stands in the index. `records = embedded + missing + stale + skipped + quarantined`. */
export interface Coverage {
  records: number;
  embedded: number;
  /** No row yet. */
  missing: number;
  /** A row of an older version of the record. */
  stale: number;
  /** Nothing to embed. */
  skipped: number;
  quarantined: number;
}

export interface PhasePlan extends Coverage {
  readonly name: PhaseName;
  readonly kind: RecordKind;
  readonly newestId: Snowflake;
  readonly oldestId: Snowflake;
  /** Milliseconds at full speed of the measured embedder; undefined when it could not be measured. */
  readonly estimatedMs: number | undefined;
}

export interface Analysis extends Coverage {
  readonly guildId: Snowflake;
  readonly at: number;
  readonly tookMs: number;
  /** Rows whose record is gone. */
  readonly orphaned: number;
  /** Stored values that cannot be read. */
  readonly damaged: number;
  readonly notes: number;
  /** Most records first. */
  readonly channels: readonly (Coverage & { readonly channelId: Snowflake })[];
  /** Oldest first; month is "2025-02" (UTC). */
  readonly months: readonly (Coverage & { readonly month: string })[];
  /** Characters of embedded text per record that has any. */
  readonly averageLength: number;
  readonly phases: readonly PhasePlan[];
  /** Measured now, on a sample of this guild's own records. */
  readonly recordsPerSecond: number | undefined;
  readonly estimatedMs: number | undefined;
  readonly diskNeededBytes: number;
  readonly diskFreeBytes: number;
  readonly modelId: string;
  /** Rows that earlier models left on disk; not searched. */
  readonly otherModelRows: number;
  readonly preflight: readonly Check[];
}
