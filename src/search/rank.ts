// One score for rows that vectors and full text found, best first. Pure.

import { asReadBack } from "../full-text.ts";
import type { FoundRow } from "../ports/vector-index.ts";
import { compareSnowflakes, snowflakeTime } from "../snowflake.ts";
import { dot } from "../vectors.ts";
import { wordsLikeAnswer } from "./expected-answer.ts";
import type { CandidateGroup } from "./generations.ts";
import { comparesLetters, type GuildSample, type UnrelatedTexts } from "./guild-sample.ts";
import type { LateInteraction } from "./late-interaction.ts";
import { compareLetters } from "./letter-comparison.ts";
import { type Candidate, candidatesOf } from "./neighbours.ts";

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
/** What the built-in model's cosines count of messages in a conversation, beside those that stand alone: these say themselves what they are about. */
const IN_CONVERSATION = 0.6;
/** What focus counts of messages that stand alone. In a conversation, what is to the point is often an answer to the question's own words. */
const FOCUS_WEIGHT = 0.5;
/** What the cosines of external models count beside long texts: such models know sentences, not only words. In a line of chat they know less. */
const LONG_TEXT_WEIGHT = 6;
const UNKNOWN_LENGTH_WEIGHT = 2;
/** The guild's own rows tell better than the probe's sentences, if there are so many. */
const ENOUGH_ROWS = 50;
/** What cosines count beside a generation that answers by words alone, of what they count else. */
const BESIDE_WORDS_ALONE = 0.5;
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
 * score = v x (cosine - c0) / (best cosine - c0) + match + (1 + 2 s) x L / best L + 0.5 a x F / best F + s A, for every candidate;
 * nothing counts below 0.
 * * c0 is the mean cosine of unrelated texts where the embedder's vectors lie close together, and v = max(1, 6 x (1 - s)^3); else c0 = 0
 *   and v = 0.6 + 0.4 a.
 * * L is the late interaction, F its focus, and s = 20 / (20 + mean length of the candidates) tells how short these texts are. In a short
 *   message a word stands once or not at all, so counting words tells little; their likeness tells the more.
 * * A is 1 of what says a number, where the query asks for one ("how many"), or a time, where it asks for that; less where that is unsure.
 *   Long texts have numbers anyway.
 * * a is the share of the candidates that stand alone: that answer and follow nothing, as forum posts and notes.
 * * match, for an English query: (1 - s / 2) x BM25 / best BM25 x min(1, best L / 0.6)^2; BM25 is 0 where full text did not find it.
 * * match, for others: half of that + 1.5 x N / best N x min(1, coverage / 0.3), where N is BM25 of the n-grams of letters.
 * The factors tell whether the query is in the language of the texts: where it is not, the few words found mislead.
 * Each generation's cosines are shares of its own best one, shadowed or not: those of two models do not compare. They count the same in
 * all, the least v of any; half of it beside a generation whose query has no vector. The scores of the latter are scaled up: the best of
 * each can come to the same.
 */
export function rank(text: string, groups: readonly CandidateGroup[], words: WordComparison | undefined): Scored[] {
  const found = groups.flatMap(({ rows }, g) => rows.map((row, r) => ({ row, g, r }))).sort(byAge);
  const candidates = found.map(({ row }) => row);
  const parts = candidatesOf(candidates);
  const alone = candidates.filter(({ contextId }) => contextId === undefined).length / Math.max(1, candidates.length);
  const { likeness, best, shortness } = compareWords(text, parts, words, alone);
  const vectors = withOneWeight(groups.map((group) => compareVectors(group, words && { shortness, alone })));
  const compared = [...likeness, ...compareMatches(text, candidates, parts, words, { best, shortness })];
  const comparedWeight = compared.reduce((sum, { weight }) => sum + weight, 0);
  const most = vectors.map(({ weight }) => comparedWeight + weight);
  const scales = most.map((own) => Math.max(...most) / (own || 1));
  return found
    .map(({ row, g, r }, c) => {
      const byWords = compared.reduce((sum, { values, weight }) => sum + weight * (values[c] ?? 0), 0);
      const byVector = (vectors[g]?.weight ?? 0) * (vectors[g]?.values[r] ?? 0);
      return { row, score: (scales[g] ?? 1) * (byWords + byVector) };
    })
    .sort(byScore);
}

/** Oldest first. */
function byAge({ row: one }: { readonly row: FoundRow }, { row: other }: { readonly row: FoundRow }): number {
  return compareSnowflakes(one.id, other.id) || one.chunk - other.chunk;
}

/** How the candidates are: how short, and what share of them stands alone. */
interface Shape {
  readonly shortness: number;
  readonly alone: number;
}

/** What a best cosine counts. @param shape undefined: not known */
function cosineWeight(isExternal: boolean, shape: Shape | undefined): number {
  if (shape === undefined) return isExternal ? UNKNOWN_LENGTH_WEIGHT : 1;
  if (!isExternal) return IN_CONVERSATION + (1 - IN_CONVERSATION) * shape.alone;
  // Of a model whose unrelated texts are alike, too.
  return Math.max(1, LONG_TEXT_WEIGHT * (1 - shape.shortness) ** 3);
}

/** What the cosines of a generation's rows count, as shares of its own best; shadowed rows have none, but may be the best. */
function compareVectors({ rows, shadowed = [], vector, unrelated }: CandidateGroup, shape: Shape | undefined): Part {
  if (vector === undefined) return { values: new Float64Array(rows.length), weight: 0 };
  const floor = unrelated === undefined ? 0 : cosineFloor(vector, unrelated);
  const cosines = [...rows, ...shadowed].map((row) => dot(row.vector, vector));
  const values = relative(cosines, floor).subarray(0, rows.length);
  return { values, weight: cosineWeight(unrelated !== undefined, shape) };
}

/**
 * Where they count more in one generation than in another, words would count less in it, and its second best pass the other's best.
 * Where one has none at all, words are what compares.
 */
function withOneWeight(parts: readonly Part[]): Part[] {
  const weights = parts.map(({ weight }) => weight);
  const least = Math.min(...weights.filter((weight) => weight > 0));
  const share = weights.includes(0) ? BESIDE_WORDS_ALONE : 1;
  return parts.map(({ values, weight }) => ({ values, weight: share * Math.min(weight, least) }));
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

interface ComparedWords {
  /** Likeness, of candidates that stand alone focus, and whether they have what is asked for. */
  readonly likeness: readonly Part[];
  /** The best likeness, from 0 to 1. */
  readonly best: number;
  /** How short the candidates are, from 0 (long) to 1. */
  readonly shortness: number;
}

function compareWords(
  text: string,
  parts: readonly Candidate[],
  words: WordComparison | undefined,
  alone: number,
): ComparedWords {
  if (words === undefined) return { likeness: [], best: 1, shortness: 0 };
  const { scores, focus, says, meanLength } = words.lateInteraction.compare(
    asReadBack(text),
    parts,
    words.sample.frequencies,
  );
  const best = scores.reduce((max, score) => Math.max(max, score), 0);
  const shortness = SHORT_LENGTH / (SHORT_LENGTH + meanLength);
  const likeness: Part[] = [{ values: relative(scores), weight: 1 + 2 * shortness }];
  if (alone > 0) likeness.push({ values: relative(focus()), weight: FOCUS_WEIGHT * alone });
  const like = wordsLikeAnswer(text);
  if (like !== undefined) {
    const values = says(like).map((value, c) => (/\p{N}/u.test(parts[c]?.said ?? "") ? 1 : value));
    likeness.push({ values, weight: shortness });
  }
  return { likeness, best, shortness };
}

function compareMatches(
  text: string,
  candidates: readonly FoundRow[],
  parts: readonly Candidate[],
  words: WordComparison | undefined,
  { best, shortness }: Pick<ComparedWords, "best" | "shortness">,
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
