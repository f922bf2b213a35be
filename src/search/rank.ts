// One score for rows that vectors and full text found, best first. Pure.

import { splitSearchText } from "../content-hash.ts";
import { asReadBack } from "../full-text.ts";
import type { FoundRow } from "../ports/vector-index.ts";
import { compareSnowflakes, snowflakeTime } from "../snowflake.ts";
import type { CandidateGroup } from "./generations.ts";
import { comparesLetters, type GuildSample, type UnrelatedTexts } from "./guild-sample.ts";
import type { Candidate, LateInteraction } from "./late-interaction.ts";
import { compareLetters } from "./letter-comparison.ts";

export interface WordComparison {
  readonly lateInteraction: LateInteraction;
  readonly sample: Omit<GuildSample, "vocabulary">;
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
/** What the cosines of external models count beside long texts: such models know sentences, not only words. In a line of chat they know less. */
const LONG_TEXT_WEIGHT = 6;
const UNKNOWN_LENGTH_WEIGHT = 2;
/** The guild's own rows tell better than the probe's sentences, if there are so many. */
const ENOUGH_ROWS = 50;
const LETTERS_WEIGHT = 1.5;
/** Of a query of emoji alone, few of which a model knows: what has them comes before all else. */
const EMOJI_WEIGHT = 10;
/** What words found count beside letters, of what they count alone. */
const BESIDE_LETTERS = 0.5;
/** Of a query in another language than the texts, a name at most is found by letters: less than this share of it. */
const SURE_COVERAGE = 0.3;
/** So much of a query has a relative in the best candidate when it is in the language of the texts. */
const SURE_LIKENESS = 0.6;

/**
 * score = v x (cosine - c0) / (best cosine - c0) + match + (1 + 2 s) x L / best L, for every candidate; nothing counts below 0.
 * * c0 is the mean cosine of unrelated texts where the embedder's vectors lie close together, and v = max(1, 6 x (1 - s)^3); else c0 = 0
 *   and v = 1.
 * * L is the late interaction, and s = 20 / (20 + mean length of the candidates) tells how short these texts are. In a short message a
 *   word stands once or not at all, so counting words tells little; their likeness tells the more.
 * * match, for an English query: (1 - s / 2) x BM25 / best BM25 x min(1, best L / 0.6)^2; BM25 is 0 where full text did not find it.
 * * match, for others: half of that + 1.5 x N / best N x min(1, coverage / 0.3), where N is BM25 of the n-grams of letters.
 * The factors tell whether the query is in the language of the texts: where it is not, the few words found mislead.
 * Each generation's cosines are shares of its own best one, shadowed or not: those of two models do not compare. They count the same in
 * all, the least v of any. The scores of generations whose query has no vector are scaled up: the best of each can come to the same.
 */
export function rank(text: string, groups: readonly CandidateGroup[], words: WordComparison | undefined): Scored[] {
  const candidates = groups.flatMap(({ rows }) => rows);
  const parts = partsOf(candidates);
  const likeness = compareWords(text, parts, words);
  const vectors = withOneWeight(groups.map((group) => compareVectors(group, words && likeness.shortness)));
  const cosines = vectors.flatMap(({ values, weight }) => Array.from(values, (share) => weight * share));
  const compared = [likeness, ...compareMatches(text, candidates, parts, words, likeness)];
  const comparedWeight = compared.reduce((sum, { weight }) => sum + weight, 0);
  const most = vectors.map(({ weight }) => comparedWeight + weight);
  const scales = groups.flatMap(({ rows }, g) => rows.map(() => Math.max(...most) / (most[g] || 1)));
  return candidates
    .map((row, c) => {
      const byWords = compared.reduce((sum, { values, weight }) => sum + weight * (values[c] ?? 0), 0);
      return { row, score: (scales[c] ?? 1) * (byWords + (cosines[c] ?? 0)) };
    })
    .sort(byScore);
}

/** What is compared of each; those that answer or follow another are told to it. */
function partsOf(candidates: readonly FoundRow[]): Candidate[] {
  const followers = new Map<string, number[]>();
  candidates.forEach(({ contextId }, c) => {
    if (contextId === undefined) return;
    const known = followers.get(contextId);
    if (known === undefined) followers.set(contextId, [c]);
    else known.push(c);
  });
  return candidates.map(({ id, searchText }) => ({
    ...splitSearchText(searchText),
    followers: followers.get(id) ?? [],
  }));
}

/** What a best cosine counts, of a model whose unrelated texts are alike too. @param shortness of the candidates; undefined: not known */
function externalWeight(shortness: number | undefined): number {
  if (shortness === undefined) return UNKNOWN_LENGTH_WEIGHT;
  return Math.max(1, LONG_TEXT_WEIGHT * (1 - shortness) ** 3);
}

/** What the cosines of a generation's rows count, as shares of its own best; shadowed rows have none, but may be the best. */
function compareVectors(
  { rows, shadowed = [], vector, unrelated }: CandidateGroup,
  shortness: number | undefined,
): Part {
  if (vector === undefined) return { values: new Float64Array(rows.length), weight: 0 };
  const floor = unrelated === undefined ? 0 : cosineFloor(vector, unrelated);
  const cosines = [...rows, ...shadowed].map((row) => dot(row.vector, vector));
  const values = relative(cosines, floor).subarray(0, rows.length);
  return { values, weight: unrelated === undefined ? 1 : externalWeight(shortness) };
}

/** Where they count more in one generation than in another, words would count less in it, and its second best pass the other's best. */
function withOneWeight(parts: readonly Part[]): Part[] {
  const least = Math.min(...parts.map(({ weight }) => weight).filter((weight) => weight > 0));
  return parts.map(({ values, weight }) => ({ values, weight: Math.min(weight, least) }));
}

/** The mean cosine of a query with texts that have nothing to do with it: of each guild's own, most have not. */
function cosineFloor(vector: Float32Array, { cosine, vectors }: UnrelatedTexts): number {
  if (vectors.length < ENOUGH_ROWS) return cosine;
  return vectors.reduce((sum, other) => sum + dot(other, vector), 0) / vectors.length;
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

/** Shares of the best, what they count, and how good the best is by itself. */
interface Part {
  readonly values: Float64Array;
  readonly weight: number;
}

interface Likeness extends Part {
  /** Of the best candidate, from 0 to 1. */
  readonly best: number;
  /** How short the candidates are, from 0 (long) to 1. */
  readonly shortness: number;
}

function compareWords(text: string, parts: readonly Candidate[], words: WordComparison | undefined): Likeness {
  if (words === undefined) return { values: new Float64Array(), weight: 0, best: 1, shortness: 0 };
  const { scores, meanLength } = words.lateInteraction.compare(asReadBack(text), parts, words.sample.frequencies);
  const best = scores.reduce((max, score) => Math.max(max, score), 0);
  const shortness = SHORT_LENGTH / (SHORT_LENGTH + meanLength);
  return { values: relative(scores), weight: 1 + 2 * shortness, best, shortness };
}

function compareMatches(
  text: string,
  candidates: readonly FoundRow[],
  parts: readonly Candidate[],
  words: WordComparison | undefined,
  { best, shortness }: Pick<Likeness, "best" | "shortness">,
): Part[] {
  const found = {
    values: relative(candidates.map((row) => row.textScore ?? 0)),
    weight: (1 - shortness / 2) * Math.min(1, best / SURE_LIKENESS) ** 2,
  };
  if (!/[\p{L}\p{N}]/u.test(text)) return [{ ...found, weight: EMOJI_WEIGHT }];
  if (words === undefined || !comparesLetters(text, words.sample)) return [found];
  const { scores, coverage } = compareLetters(text, parts, words.sample.ngrams);
  const letters = { values: relative(scores), weight: LETTERS_WEIGHT * Math.min(1, coverage / SURE_COVERAGE) };
  return [{ ...found, weight: BESIDE_LETTERS * found.weight }, letters];
}

/** Each value as a share of the best, both above the floor; nothing below zero. */
function relative(values: ArrayLike<number>, floor = 0): Float64Array {
  const shares = new Float64Array(values.length);
  let best = floor;
  for (let i = 0; i < values.length; i += 1) best = Math.max(best, values[i] as number);
  if (best === floor) return shares;
  for (let i = 0; i < values.length; i += 1) shares[i] = Math.max(0, (values[i] as number) - floor) / (best - floor);
  return shares;
}

/** The cosine, as both are of unit length. */
function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += (one[i] as number) * (other[i] ?? 0);
  return sum;
}
