// Groups prepared records into embedding requests and embeds one such batch. Used by live indexing and by the backfill.

import { type Embedded, type EmbedTexts, embedEach } from "../../embedding/isolate.ts";
import type { QuarantineEntry } from "../../ports/quarantine.ts";
import type { PreparedRecord } from "./rows.ts";

export type Batch = readonly PreparedRecord[];

export interface BatchLimits {
  readonly texts: number;
  readonly tokens: number;
}

/** English averages four characters a token; other languages and code fewer. Errs on the safe side. */
const CHARACTERS_PER_TOKEN = 3;

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
  /** Records with at least one text that the embedder refuses for good. */
  readonly refused: readonly QuarantineEntry[];
}

/**
 * Embeds a batch; refused records come back apart.
 * @param textsPerRequest a record with more chunks than this takes several requests
 * @throws TransientError when the embedder is at fault
 */
export async function embedBatch(
  embed: EmbedTexts,
  batch: Batch,
  textsPerRequest: number,
  now: () => number,
): Promise<EmbeddedBatch> {
  const texts = batch.flatMap((prepared) => prepared.chunks.map((chunk) => chunk.embeddedText));
  const outcomes: Embedded[] = [];
  for (let start = 0; start < texts.length; start += textsPerRequest) {
    outcomes.push(...(await embedEach(embed, texts.slice(start, start + textsPerRequest))));
  }
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
      const { record, contentHash } = prepared.stored;
      const { refused: reason, attempts } = refusal;
      refused.push({
        kind: record.kind,
        id: record.id,
        channelId: record.channelId,
        contentHash,
        reason,
        attempts,
        at: now(),
      });
    }
  }
  return { embedded, refused };
}
