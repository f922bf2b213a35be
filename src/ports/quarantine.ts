// Records that cannot be embedded, with the reason.

import type { Snowflake } from "../snowflake.ts";
import type { IdRange } from "./archive.ts";
import type { RecordKind } from "./records.ts";

export interface QuarantineEntry {
  readonly kind: RecordKind;
  readonly id: Snowflake;
  readonly channelId?: Snowflake;
  /** What was refused; a record whose hash has changed since gets a fresh chance. */
  readonly contentHash: string;
  readonly reason: string;
  /** How often it was refused, each time minutes after the last, with a harmless text passing before and after. */
  readonly attempts: number;
  readonly at: number;
  /** It is tried again by itself then. Undefined: it has been given up. Milliseconds since 1970. */
  readonly retryAt?: number;
}

/** Records set aside, by guild. Entries that belong to a run's commit are stored by `RunStore.save`. */
export interface QuarantineStore {
  add(guildId: Snowflake, entries: readonly QuarantineEntry[]): Promise<void>;
  /** Entries of a range, newest first. */
  list(guildId: Snowflake, kind: RecordKind, range: IdRange, limit: number): Promise<QuarantineEntry[]>;
  release(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): Promise<void>;
}
