// Groups prepared records into embedding requests and embeds one such batch. Used by live indexing and by the backfill.

import type { EmbeddingJob, FaultIsolation } from "../../embedding/fault-isolation.ts";
import type { QuarantineEntry } from "../../ports/quarantine.ts";
import type { Snowflake } from "../../snowflake.ts";
import { suspectEntry } from "../live/suspects.ts";
import type { PreparedRecord } from "./rows.ts";

export type Batch = readonly PreparedRecord[];

export interface BatchLimits {
  readonly texts: number;
  readonly tokens: number;
}

/** English averages four characters a token; other languages and code fewer. Errs on the safe side. */
export const CHARACTERS_PER_TOKEN = 3;

const length = (record: PreparedRecord) => record.chunks.reduce((sum, chunk) => sum + chunk.embeddedText.length, 0);

/** In the order in which they are to be cut into batches: similar lengths together, so that a server pads little. */
export function byLength(records: readonly PreparedRecord[]): PreparedRecord[] {
  const measured = records.map((record) => ({ record, length: length(record) }));
  return measured.sort((a, b) => a.length - b.length).map(({ record }) => record);
}

/** Takes a batch off the front: as many records as the limits allow, and at least one. */
export function takeBatch(waiting: PreparedRecord[], limits: BatchLimits): Batch {
  let [texts, tokens, end] = [0, 0, 0];
  for (const record of waiting) {
    texts += record.chunks.length;
    tokens += Math.ceil(length(record) / CHARACTERS_PER_TOKEN);
    if (end > 0 && (texts > limits.texts || tokens > limits.tokens)) break;
    end += 1;
  }
  return waiting.splice(0, end);
}

/** Every record is in exactly one batch. */
export function cutBatches(records: readonly PreparedRecord[], limits: BatchLimits): Batch[] {
  const waiting = byLength(records);
  const batches: Batch[] = [];
  while (waiting.length > 0) batches.push(takeBatch(waiting, limits));
  return batches;
}

export interface EmbeddedBatch {
  readonly embedded: readonly { readonly prepared: PreparedRecord; readonly vectors: readonly Float32Array[] }[];
  /** Records with at least one text that the embedder refuses. */
  readonly refused: readonly QuarantineEntry[];
}

/**
 * Embeds a batch; refused records come back apart.
 * @param refusedBefore how often each record has been refused already
 * @returns undefined when it was stopped before all was embedded
 * @throws WrongVectorsError
 */
export async function embedBatch(
  isolation: FaultIsolation,
  batch: Batch,
  job: EmbeddingJob,
  now: () => number,
  refusedBefore: (id: Snowflake) => number = () => 0,
): Promise<EmbeddedBatch | undefined> {
  const texts = batch.flatMap((prepared) => prepared.chunks.map((chunk) => chunk.embeddedText));
  const outcomes = await isolation.embed(texts, job);
  if (outcomes === undefined) return undefined;
  const embedded: EmbeddedBatch["embedded"][number][] = [];
  const refused: QuarantineEntry[] = [];
  let position = 0;
  for (const prepared of batch) {
    const own = outcomes.slice(position, position + prepared.chunks.length);
    position += prepared.chunks.length;
    const refusal = own.find((outcome) => !(outcome instanceof Float32Array));
    if (refusal === undefined) {
      embedded.push({ prepared, vectors: own.filter((outcome) => outcome instanceof Float32Array) });
    } else if (!(refusal instanceof Float32Array)) {
      const attempts = refusedBefore(prepared.stored.record.id) + 1;
      refused.push(suspectEntry(prepared.stored, refusal.refused, attempts, now()));
    }
  }
  return { embedded, refused };
}
