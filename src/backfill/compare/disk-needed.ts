// What an index will take on disk, told from a sample of what is to go into it.

import { OUTRUNS_UPKEEP } from "../../indexing/guild-index/upkeep.ts";
import type { PreparedChunk } from "../../indexing/text/prepare.ts";

/** Of a vector, bytes a number: 2 to be searched, 1 to be ranked by, a half in the vector index. */
const PER_NUMBER = 3.5;
/** Of a row, whatever it says: ids, hashes and tags, and their indexes. Measured, as the two below. */
const PER_ROW = 150;
/** Of a search text and of n-grams, for each byte of theirs, compressed and in the index of words. */
const PER_TEXT_BYTE = 1.2;
const PER_NGRAM_BYTE = 1.4;
/** While a backfill is on, rows and indexes lie there twice at times: what is put in order is written anew. */
const WHILE_WRITING = 2.15;
/** Rows are, where they are put in order once, at the end: what is indexed then has been nowhere else. */
const WHILE_WRITING_FAST = 1.6;

export interface DiskSample {
  /** Records that the chunks are of. */
  readonly records: number;
  readonly chunks: readonly Pick<PreparedChunk, "text" | "searchText" | "ngrams">[];
}

/** Bytes of an index of so many records, in order. @param averageLength of all of them, characters: a sample's may differ */
export function indexBytes(
  records: number,
  dimensions: number,
  { records: sampled, chunks }: DiskSample,
  averageLength: number,
): number {
  if (sampled === 0) return 0;
  const sum = (of: (chunk: DiskSample["chunks"][number]) => number) =>
    chunks.reduce((total, chunk) => total + of(chunk), 0) / sampled;
  const texts = sum(({ searchText }) => Buffer.byteLength(searchText)) * PER_TEXT_BYTE;
  const ngrams = sum(({ ngrams }) => Buffer.byteLength(ngrams)) * PER_NGRAM_BYTE;
  const share = averageLength / (sum(({ text }) => text.length) || averageLength || 1);
  const rows = chunks.length / sampled;
  return Math.ceil(records * (rows * (dimensions * PER_NUMBER + PER_ROW) + (texts + ngrams) * share));
}

/**
 * Bytes on disk that a backfill of so many records wants, with room for the copies that upkeep makes.
 * @param bytes of the index in order
 * @param perSecond records that can be embedded; undefined: not known
 */
export function diskNeeded(bytes: number, perSecond: number | undefined): number {
  const isFast = perSecond !== undefined && perSecond > OUTRUNS_UPKEEP;
  return Math.ceil(bytes * (isFast ? WHILE_WRITING_FAST : WHILE_WRITING));
}
