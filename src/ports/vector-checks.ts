// What is known of whether an embedder's vectors are those of the texts. It outlives the process: a wrong answer may be found out only
// by the next one.

import type { Snowflake } from "../snowflake.ts";
import type { RecordKind } from "./records.ts";

/** A harmless text's vector, as the embedder gave it when it was first asked. */
export interface KnownCanary {
  /** Of unit length. */
  readonly vector: Float32Array;
  /** Of a text about something else. Cosine. */
  readonly unrelated: number;
}

/** Records whose vectors came since the embedder last showed that its vectors are those of the texts. */
export interface UnconfirmedBatch {
  readonly guildId: Snowflake;
  /** Unique in the guild. */
  readonly serial: string;
  readonly kind: RecordKind;
  readonly ids: readonly Snowflake[];
  /** It has turned out that they are not: their rows are to be taken out. */
  readonly isRejected: boolean;
}

export interface VectorCheckStore {
  /** @param fingerprint of the embedding space */
  loadCanary(fingerprint: string): Promise<KnownCanary | undefined>;
  saveCanary(fingerprint: string, known: KnownCanary): Promise<void>;
  /** @returns them as stored, in one batch or several */
  add(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): Promise<UnconfirmedBatch[]>;
  list(guildId: Snowflake): Promise<UnconfirmedBatch[]>;
  reject(batches: readonly UnconfirmedBatch[]): Promise<void>;
  /** They are right, or out of the index and marked. */
  release(batches: readonly UnconfirmedBatch[]): Promise<void>;
}
