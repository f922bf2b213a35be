// From a query to ranked records: candidates from the vectors and from full text under one filter, one score, one entry per record.

import type { IndexRow, SearchFilter, VectorIndex } from "../ports.ts";
import { compareSnowflakes } from "../snowflake.ts";
import { foldRepeats } from "./fold-repeats.ts";
import type { LateInteraction, WordFrequencies } from "./late-interaction.ts";
import { containsPhrase } from "./words.ts";

/** Length of each of the two lists. */
const CANDIDATES = 100;
/** Most messages with a phrase's words do not have the phrase; look further down for it. */
const PHRASE_CANDIDATES = 1_000;

export interface Ranked {
  /** The record's best row. */
  readonly row: IndexRow;
  readonly score: number;
  /** Other records that say the same, best first; not listed on their own. */
  readonly repeats: readonly IndexRow[];
}

export interface WordComparison {
  readonly lateInteraction: LateInteraction;
  readonly frequencies: WordFrequencies;
}

export interface RetrieveRequest {
  /** What is asked, without operators. */
  readonly text: string;
  /** Each must stand in the text as it is. */
  readonly phrases: readonly string[];
  readonly filter: SearchFilter;
  /** Resolves to undefined when the query could not be embedded: full text answers alone. */
  readonly vector: Promise<Float32Array | undefined>;
  readonly words?: WordComparison | undefined;
}

/**
 * Measured recipe: score = 1/2 cosine / best cosine + 1/2 BM25 / best BM25 + 1/2 L / best L, for the top 100 of both lists; the
 * cosine and the late interaction L computed for every candidate, BM25 0 where full text did not find it.
 * @returns every candidate's record, best first
 */
export async function retrieve(index: VectorIndex, request: RetrieveRequest): Promise<Ranked[]> {
  const { text, phrases, filter, words } = request;
  const limit = phrases.length > 0 ? PHRASE_CANDIDATES : CANDIDATES;
  const [rows, vector] = await Promise.all([
    index.candidates({ text, vector: request.vector, filter, limit }),
    request.vector,
  ]);
  const candidates = rows.filter((row) => phrases.every((phrase) => containsPhrase(row.text, phrase)));

  const cosines = relative(candidates.map((row) => (vector ? dot(row.vector, vector) : 0)));
  const textScores = relative(candidates.map((row) => row.textScore ?? 0));
  const likeness = relative(
    words ? words.lateInteraction.score(text, candidates.map(ownWords), words.frequencies) : [],
  );

  const scored = candidates.map((row, c) => ({
    row,
    score: ((cosines[c] ?? 0) + (textScores[c] ?? 0) + (likeness[c] ?? 0)) / 2,
  }));
  scored.sort((one, other) => other.score - one.score || compareSnowflakes(other.row.id, one.row.id));
  return foldRepeats(bestOfRecord(scored));
}

function ownWords(row: IndexRow): string {
  return `${row.authorName}: ${row.text}`;
}

function bestOfRecord<Entry extends { readonly row: IndexRow }>(best: readonly Entry[]): Entry[] {
  const seen = new Set<string>();
  return best.filter(({ row }) => !seen.has(row.id) && seen.add(row.id));
}

/** Each value as a share of the best; nothing below zero. */
function relative(values: ArrayLike<number>): number[] {
  const list = Array.from(values);
  const best = list.reduce((max, value) => Math.max(max, value), 0);
  return list.map((value) => (best > 0 ? Math.max(0, value) / best : 0));
}

/** The cosine, as both are of unit length. */
function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += (one[i] as number) * (other[i] ?? 0);
  return sum;
}
