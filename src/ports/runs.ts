// The durable state of backfills.

import type { Snowflake } from "../snowflake.ts";
import type { Lease } from "./owners.ts";
import type { QuarantineEntry } from "./quarantine.ts";
import type { Versioned } from "./versioned.ts";

/** Durable state of backfills. Every write is one atomic commit, guarded by compare-and-set and, where given, by the lease. */
export interface RunStore<Run> {
  /** A guild's current or latest run. A stored value that does not validate reads as `damaged`. */
  load(guildId: Snowflake): Promise<Versioned<Run> | undefined>;
  /**
   * Stores the run if nobody changed it since `expected` (undefined: if there is none), and, where a lease is given, if it is
   * still the guild's owner; without one, as somebody else who asks its owner for something. Quarantine entries given go into the
   * same commit.
   * @returns the new version, or "changed" / "lease-lost"
   */
  save(
    guildId: Snowflake,
    run: Run,
    expected: string | undefined,
    guard?: { readonly lease?: Lease; readonly quarantine?: readonly QuarantineEntry[] },
  ): Promise<Versioned<Run> | "changed" | "lease-lost">;
}
