// One score for rows that vectors and full text found, best first. Pure.

import { splitSearchText } from "../content-hash.ts";
import type { FoundRow } from "../ports/vector-index.ts";
import { compareSnowflakes, snowflakeTime } from "../snowflake.ts";
import type { CandidateGroup } from "./generations.ts";
import type { LateInteraction, WordFrequencies } from "./late-interaction.ts";

export interface WordComparison {
  readonly lateInteraction: LateInteraction;
  readonly frequencies: WordFrequencies;
}

export interface Scored {
  readonly row: FoundRow;
  readonly score: number;
}

/** What the newest candidate gains, as a share of the best score. */
const NEWEST_BONUS = 0.1;
/** Answers in chat go stale over months, not days: last week's message and today's are about as new. */
const HALF_LIFE_DAYS = 180;
const DAY_MS = 86_400_000;

/** Candidates of this many tokens on average are as much short as long. */
const SHORT_LENGTH = 20;

/**
 * score = cosine / best cosine + BM25 / best BM25 + (1 + 2 s) x L / best L, for every candidate; BM25 is 0 where full text did not
 * find it, L is the late interaction, and s = 20 / (20 + mean length of the candidates) tells how short these texts are. In a short
 * message a word stands once or not at all, so counting words, as BM25 does, tells little; their likeness tells the more.
 * Each generation's cosines are shares of its own best one: those of two models do not compare. Rows of a generation whose query has no
 * vector are scored by the rest, scaled to the same sum.
 */
export function rank(text: string, groups: readonly CandidateGroup[], words: WordComparison | undefined): Scored[] {
  const candidates = groups.flatMap(({ rows }) => rows);
  const cosines = groups.flatMap(({ rows, vector }) =>
    vector ? relative(rows.map((row) => dot(row.vector, vector))) : rows.map(() => undefined),
  );
  const textScores = relative(candidates.map((row) => row.textScore ?? 0));
  const { likeness, weight } = compareWords(text, candidates, words);
  return candidates
    .map((row, c) => {
      const byWords = (textScores[c] ?? 0) + weight * (likeness[c] ?? 0);
      return { row, score: byWords + (cosines[c] ?? byWords / (1 + weight)) };
    })
    .sort(byScore);
}

/**
 * score + 0.1 x best score x 2 ^ (-age / 180 days), where age is counted from the newest candidate, so that a server that has long been
 * quiet has newer messages too. Nothing passes what scored better by more than a tenth of the best score, however new it is.
 */
export function preferNewer(ranked: readonly Scored[]): Scored[] {
  const times = ranked.map(({ row }) => snowflakeTime(row.id));
  const newest = times.reduce((max, time) => Math.max(max, time), 0);
  const best = ranked.reduce((max, { score }) => Math.max(max, score), 0);
  return ranked
    .map(({ row, score }, r) => {
      const ageDays = (newest - (times[r] ?? 0)) / DAY_MS;
      return { row, score: score + NEWEST_BONUS * best * 2 ** (-ageDays / HALF_LIFE_DAYS) };
    })
    .sort(byScore);
}

/** Best first; of equals, the newer. */
function byScore(one: Scored, other: Scored): number {
  return other.score - one.score || compareSnowflakes(other.row.id, one.row.id);
}

function compareWords(text: string, candidates: readonly FoundRow[], words: WordComparison | undefined) {
  if (words === undefined) return { likeness: [], weight: 0 };
  const parts = candidates.map(({ searchText }) => splitSearchText(searchText));
  const { scores, meanLength } = words.lateInteraction.compare(text, parts, words.frequencies);
  return { likeness: relative(scores), weight: 1 + (2 * SHORT_LENGTH) / (SHORT_LENGTH + meanLength) };
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
