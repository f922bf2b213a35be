// From a query to ranked records: candidates from the vectors and from full text under one filter, one entry per record.

import { splitSearchText } from "../content-hash.ts";
import { lookUpForms } from "../fold.ts";
import { toFullText } from "../full-text.ts";
import { ngramText } from "../letters.ts";
import type { FoundRow, SearchFilter } from "../ports/vector-index.ts";
import { foldRepeats } from "./fold-repeats.ts";
import type { CandidateGroup, SearchedIndex } from "./generations.ts";
import { comparesLetters, type UnrelatedTexts } from "./guild-sample.ts";
import { preferNewer, rank, type Scored, type WordComparison } from "./rank.ts";
import { containsPhrase } from "./words.ts";

export type { WordComparison } from "./rank.ts";

/** What full text finds, at most. */
const CANDIDATES = 100;
/**
 * Of those, so many more by the vectors: what is nearest but for sixty changes nothing in what is found first (docs/evaluation.md), and looking
 * for 500 among a million instead of 100 takes 4 ms of 11.
 */
const NEAREST_SHARE = 0.6;
/** A phrase may stand in the context of a message, or span both: look further down for those that have it themselves. */
const PHRASE_CANDIDATES = 400;

/**
 * One word of so many that people write, or more: "the", "und". In chat these stand in every eighth text, in articles in most. Looking up what has
 * them takes almost half of the time of full text at a million rows, and the best ten are the same without.
 */
const COMMON_SHARE = 1 / 100;
/** All words that are looked up, together: the longest questions would take twice the time of others, and find the same. */
const LOOKED_UP_SHARE = 1 / 50;
const LEAST_LOOKED_UP = 3;

export interface Ranked {
  /** The record's best row. */
  readonly row: FoundRow;
  readonly score: number;
  /** Other records that say the same, best first; not listed on their own. */
  readonly repeats: readonly FoundRow[];
}

export interface RetrieveRequest {
  /** What is asked, without operators. */
  readonly text: string;
  /** Of each, one of the ways to write it must stand in the text as it is. */
  readonly phrases: readonly (readonly string[])[];
  /** None may stand in it. */
  readonly without?: readonly string[];
  readonly filter: SearchFilter;
  /** One for each generation. Resolves to undefined when the query could not be embedded: full text answers alone. */
  readonly vectors: readonly Promise<Float32Array | undefined>[];
  readonly words?: WordComparison | undefined;
  /** Of each generation; undefined where unrelated texts have a cosine of 0. */
  readonly unrelated?: readonly (UnrelatedTexts | undefined)[];
  /** Of about equally good matches, the newer first. */
  readonly preferNewer?: boolean | undefined;
}

/** @returns every candidate's record, best first */
export async function retrieve(index: SearchedIndex, request: RetrieveRequest): Promise<Ranked[]> {
  const ranked = rank(request.text, await findCandidates(index, request), request.words);
  return asRecords(request.preferNewer ? preferNewer(ranked) : ranked);
}

/** The rows that full text or the vectors find in each generation, in no order that matters. */
export async function findCandidates(
  index: Pick<SearchedIndex, "candidates">,
  { text, phrases, without = [], filter, vectors, words, unrelated }: RetrieveRequest,
): Promise<CandidateGroup[]> {
  const isNarrowed = phrases.length + without.length > 0;
  const limit = isNarrowed ? PHRASE_CANDIDATES : CANDIDATES;
  const [longest] = [...phrases].sort(([one = ""], [other = ""]) => other.length - one.length);
  const phrase = longest && {
    spellings: [...new Set(longest.flatMap(lookUpForms).map(toFullText))],
    ngrams: longest.map(ngramText),
  };
  const ngrams = words && comparesLetters(text, words.sample) ? ngramText(text) : undefined;
  const fits = isNarrowed ? saying(phrases, without) : undefined;
  const telling = words ? tellingWords(text, words.sample.commonness) : text;
  const nearest = limit * NEAREST_SHARE;
  const asked = { text: toFullText(telling), ngrams, phrase, fits, filter, limit, nearest };
  const found = await index.candidates(asked, vectors);
  return found.map((group, place) => ({ ...group, unrelated: unrelated?.[place] }));
}

/** Tells whether a row says each of the phrases and nothing of what is to be left out, mentions by name. */
export function saying(phrases: readonly (readonly string[])[], without: readonly string[]) {
  return ({ searchText }: Pick<FoundRow, "searchText">): boolean => {
    const { said } = splitSearchText(searchText);
    return (
      phrases.every((ways) => ways.some((phrase) => containsPhrase(said, phrase))) &&
      !without.some((word) => containsPhrase(said, word))
    );
  };
}

/** One entry per record, records that say the same folded. @param best rows, best first */
export function asRecords(best: readonly Scored[]): Ranked[] {
  const seen = new Set<string>();
  return foldRepeats(best.filter(({ row }) => !seen.has(row.id) && seen.add(row.id)));
}

/** What full text looks for: it reads through all that has one of the words. The rarest; all, where each is common. */
function tellingWords(text: string, commonness: (word: string) => number): string {
  const words = text.split(/\s+/);
  const rarestFirst = [...new Set(words)]
    .map((word) => ({ word, share: commonness(word) }))
    .filter(({ share }) => share <= COMMON_SHARE)
    .sort((one, other) => one.share - other.share);
  const telling = new Set<string>();
  let sum = 0;
  for (const { word, share } of rarestFirst) {
    sum += share;
    if (sum > LOOKED_UP_SHARE && telling.size >= LEAST_LOOKED_UP) break;
    telling.add(word);
  }
  return telling.size > 0 ? words.filter((word) => telling.has(word)).join(" ") : text;
}
