// Whether a search found anything at all: the nearest vector of a guild is always near something. What nonsense is near to tells how
// much that is worth.

import { splitSearchText } from "../content-hash.ts";
import { fold } from "../fold.ts";
import type { FoundRow } from "../ports/vector-index.ts";
import { dot } from "../vectors.ts";
import type { WordModel } from "./late-interaction.ts";
import { stem, tellingWords, wordsOf } from "./words.ts";

/** Of fewer rows, nothing can be said. */
const LEAST_ROWS = 100;
const DEVIATIONS = 1.5;

/** Letters by chance, one word to three: what they are near to says how near anything is to nothing. */
export const NONSENSE: readonly string[] = [
  "rgkyme",
  "hsmu rcph",
  "wzzcxbp wuxqwpj qtjzveyq",
  "pwyvbdchh",
  "sfmaneq hxatafdha",
  "lzxv sagim xtisk",
  "bkiqcpsq",
  "zeplwkuo tkpg",
  "szvm crzco varlh",
  "deinh",
  "yyvnneupd wsljkjidl",
  "exemcvad zzst vlymq",
  "xasnqaos",
  "olpapjy wacmmkar",
  "puzh eycrrqum zrifcfgr",
  "wdiyad",
];

/** What vectors that have nothing to do with each other have in common, of one guild and one model. */
export interface Farness {
  /** The mean of the guild's rows: how near a query is to everything here. */
  readonly rows: Float32Array;
  /** The mean of the nonsense: how near a row is to any query. */
  readonly nonsense: Float32Array;
  /** What something found should have: more than nonsense finds, as a cosine, */
  readonly leastCosine: number;
  /** and as what a query and a row have in common beyond these means. */
  readonly leastExcess: number;
}

/**
 * Both limits are the mean + 1.5 standard deviations of what the best of the rows has in common with nonsense. A guild in which all
 * texts are alike, or far from how people ask, shifts all cosines of a query at once: there the cosine alone takes the right answer
 * for nonsense, and the excess does not. Measured in docs/evaluation.md.
 * @param rows of unit length, a sample of the guild's
 * @param nonsense vectors of `NONSENSE` as queries
 * @returns undefined where there is too little to say anything
 */
export function measureFarness(rows: readonly Float32Array[], nonsense: readonly Float32Array[]): Farness | undefined {
  if (rows.length < LEAST_ROWS || nonsense.length < 2) return undefined;
  const means = { rows: meanOf(rows), nonsense: meanOf(nonsense) };
  const cosines = nonsense.map((query) => bestOf(rows, (row) => dot(row, query)));
  const excesses = nonsense.map((query) => {
    // Without itself, or it would seem to have less in common with the rows than other nonsense.
    const others = means.nonsense.map((sum, i) => (sum * nonsense.length - (query[i] ?? 0)) / (nonsense.length - 1));
    return bestOf(rows, excessOf(query, { rows: means.rows, nonsense: others }));
  });
  return { ...means, leastCosine: limitOf(cosines), leastExcess: limitOf(excesses) };
}

/** True when none of the rows has one of the query's words, or its beginning, in it. */
export function haveNoWordOf(query: string, rows: readonly Pick<FoundRow, "searchText">[]): boolean {
  // Of some words the stem is not how they begin: "joey".
  const asked = tellingWords(wordsOf(query).map(({ folded }) => folded)).flatMap((word) => [word, stem(word)]);
  return !rows.some(({ searchText }) => {
    const own = fold(splitSearchText(searchText).own);
    return asked.some((word) => own.includes(word));
  });
}

/** So many rows tell in which letters people write. */
const READ_ROWS = 20;
/** Tokens of words are longer; gibberish falls apart into one or two letters each. So do words of Han and Kana, of which this tells nothing. */
const LETTERS_PER_TOKEN = 2.5;

/**
 * True when the query is made of words, and the rows are in other letters: that they have none of its words says nothing then, as in a
 * German question about Japanese texts.
 */
export function isInOtherLetters(
  query: string,
  rows: readonly Pick<FoundRow, "searchText">[],
  model: Pick<WordModel, "tokenIds">,
): boolean {
  const texts = rows.slice(0, READ_ROWS).map(({ searchText }) => splitSearchText(searchText).said);
  if (isLatin(query) === isLatin(texts.join(" "))) return false;
  const asked = wordsOf(query).map(({ folded }) => folded);
  const tokens = asked.reduce((sum, word) => sum + model.tokenIds(word).length, 0);
  return asked.join("").length >= LETTERS_PER_TOKEN * tokens;
}

/** Whether most of its letters are Latin. */
function isLatin(text: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return (text.match(/\p{Script=Latin}/gu)?.length ?? 0) * 2 > letters;
}

/**
 * True when none of the rows is closer to the query than nonsense would find one.
 * @param vector of the query, in the space of the rows
 */
export function areFar(rows: readonly Pick<FoundRow, "vector">[], vector: Float32Array, farness: Farness): boolean {
  const vectors = rows.map((row) => row.vector);
  return (
    bestOf(vectors, (row) => dot(row, vector)) < farness.leastCosine &&
    bestOf(vectors, excessOf(vector, farness)) < farness.leastExcess
  );
}

/** cos(query, row) - mean cos(query, rows) - mean cos(nonsense, row), of a row. */
function excessOf(query: Float32Array, { rows, nonsense }: Pick<Farness, "rows" | "nonsense">) {
  const own = query.map((value, i) => value - (nonsense[i] ?? 0));
  const near = dot(query, rows);
  return (row: Float32Array) => dot(row, own) - near;
}

function bestOf(rows: readonly Float32Array[], value: (row: Float32Array) => number): number {
  return rows.reduce((best, row) => Math.max(best, value(row)), Number.NEGATIVE_INFINITY);
}

function limitOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return mean + DEVIATIONS * Math.sqrt(variance);
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < mean.length; i += 1) mean[i] = (mean[i] ?? 0) + (vector[i] ?? 0);
  return mean.map((sum) => sum / vectors.length);
}
