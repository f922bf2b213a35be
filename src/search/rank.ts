// One score for rows that vectors and full text found, best first. Pure.

import type { FoundRow } from "../ports.ts";
import { compareSnowflakes } from "../snowflake.ts";
import type { LateInteraction, WordFrequencies } from "./late-interaction.ts";

export interface WordComparison {
  readonly lateInteraction: LateInteraction;
  readonly frequencies: WordFrequencies;
}

export interface Scored {
  readonly row: FoundRow;
  readonly score: number;
}

/**
 * Measured recipe: score = 1/2 cosine / best cosine + 1/2 BM25 / best BM25 + 1/2 L / best L; the cosine and the late interaction L
 * computed for every candidate, BM25 0 where full text did not find it.
 * @param vector of the query; without it, by words alone
 */
export function rank(
  text: string,
  candidates: readonly FoundRow[],
  vector: Float32Array | undefined,
  words: WordComparison | undefined,
): Scored[] {
  const cosines = relative(candidates.map((row) => (vector ? dot(row.vector, vector) : 0)));
  const textScores = relative(candidates.map((row) => row.textScore ?? 0));
  const likeness = relative(
    words ? words.lateInteraction.score(text, candidates.map(ownWords), words.frequencies) : [],
  );
  return candidates
    .map((row, c) => ({ row, score: ((cosines[c] ?? 0) + (textScores[c] ?? 0) + (likeness[c] ?? 0)) / 2 }))
    .sort((one, other) => other.score - one.score || compareSnowflakes(other.row.id, one.row.id));
}

function ownWords(row: FoundRow): string {
  return `${row.authorName}: ${row.text}`;
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
