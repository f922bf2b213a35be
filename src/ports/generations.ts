// Which indexes a guild has, as the archive remembers them: one for each way in which its messages were made searchable.

import type { Snowflake } from "../snowflake.ts";
import type { EmbedderSettings, EmbeddingSpace } from "./embedder.ts";
import type { Lease } from "./owners.ts";
import type { Versioned } from "./versioned.ts";

/** `building`: it may lack messages. `current`: it has all. `retired`: not searched any more, kept for the way back. */
export type GenerationStatus = "building" | "current" | "retired";

/** One index of a guild: a table, and what its rows are. */
export interface Generation {
  /** Of its table: the embedding space, and how texts and rows are made. */
  readonly fingerprint: string;
  readonly space: EmbeddingSpace;
  /** How its queries are embedded. Never with keys. */
  readonly embedder: EmbedderSettings;
  readonly status: GenerationStatus;
  /** Why it is in this status. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly statusAt: number;
}

/** All generations of a guild. They change together. */
export interface Generations {
  /** A search takes each record from the first that holds it. */
  readonly list: readonly Generation[];
  /** Which change the admins have been told of: the fingerprint of the generation to be built. */
  readonly toldOf?: string | undefined;
  /** A rollback has put the former one before it: it is written to, but does not take over by itself. */
  readonly heldBack?: string | undefined;
}

/** From one generation to another, while both are searched. */
export interface GenerationChange {
  /** Written to, by the present settings. */
  readonly to: Generation;
  /** Searched beside it. At least one. */
  readonly from: readonly Generation[];
  /** Only texts or columns are made in another way; the model is the same. */
  readonly isSameModel: boolean;
  /** A rollback keeps it from taking over by itself. */
  readonly isHeldBack: boolean;
}

/** Every write is one atomic commit, guarded by compare-and-set and by the lease: only who owns a guild moves its generations. */
export interface GenerationStore {
  /** A stored value that does not validate reads as none: the tables on the disk tell the rest. */
  loadGenerations(guildId: Snowflake): Promise<Versioned<Generations> | undefined>;
  /**
   * Stores them if nobody changed them since `expected` (undefined: if there are none) and the lease is still good.
   * @returns the new version, or "changed" / "lease-lost"
   */
  saveGenerations(
    guildId: Snowflake,
    generations: Generations,
    expected: string | undefined,
    lease: Lease,
  ): Promise<Versioned<Generations> | "changed" | "lease-lost">;
}
