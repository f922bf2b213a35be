// What was meant by a word that nobody wrote: one of the guild's own that differs by a typo. Pure.

import { splitSearchText } from "../content-hash.ts";
import { fold } from "../fold.ts";
import { letterDistance } from "../letters.ts";
import type { FoundRow, SearchFilter } from "../ports/vector-index.ts";
import { comparesLetters, type GuildSample } from "./guild-sample.ts";
import type { WordModel } from "./late-interaction.ts";
import { type Known, WORD } from "./vocabulary.ts";
import { stem, tellingWords, wordsOf } from "./words.ts";

/** As the words of a vocabulary are. */
const LETTERS = /^[\p{L}\p{M}]{4,}$/u;
/** A word this long may have two letters wrong. */
const LONG_WORD = 7;
/** In languages of many forms, what differs in its last letters only is another form. */
const ENDING = 3;
/** Only the first so many words that nobody wrote are looked up. */
const MOST_WORDS = 3;

export interface Corrected {
  /** What was found, or would be if it could be read where it stands. */
  readonly rows: readonly Pick<FoundRow, "searchText">[];
  /** Words that the asker can read. */
  words(): ReadonlyMap<string, Known>;
  /** Where English is written, unknown words are told from forms of known ones: elsewhere less is taken for a typo. */
  readonly isEnglish: boolean;
  /** A word of some language is no typo. @param word folded */
  isKnown(word: string): boolean;
}

/** What each word is to be replaced with; empty where nothing is to be offered. Keys folded. */
export function corrections(query: string, { rows, words, isEnglish, isKnown }: Corrected): Map<string, string> {
  const asked = tellingWords([...new Set(wordsOf(query).map(({ folded }) => folded))]);
  // Most searches end here, before the rows' texts are looked at.
  const doubtful = asked.filter((word) => LETTERS.test(word) && !isKnown(word));
  if (doubtful.length === 0) return new Map();
  const texts = rows.map(({ searchText }) => fold(splitSearchText(searchText).own));
  const isAbsent = (word: string) => !texts.some((text) => text.includes(word) || text.includes(stem(word)));
  // Half of the questions in Russian or Arabic have a word that is one letter from another.
  const isStrict = !isEnglish && !asked.every(isAbsent);
  const absent = doubtful.filter(isAbsent).slice(0, MOST_WORDS);
  if (absent.length === 0) return new Map();
  const sampled = words();
  const found = new Set(texts.flatMap((text) => text.match(WORD) ?? []));
  function* known(): Iterable<readonly [string, Known]> {
    for (const word of found) yield [word, sampled.get(word) ?? { shown: word, texts: 1 }];
    yield* sampled;
  }
  return new Map(
    absent.flatMap((word) => {
      const meant = closest(word, known(), isEnglish, isStrict);
      return meant === undefined ? [] : [[word, meant] as const];
    }),
  );
}

/** As `corrections`, of a guild's words and of those found. */
export function meantWords(
  query: string,
  {
    rows,
    filter,
    sample,
    wordModel,
  }: Pick<Corrected, "rows"> & {
    readonly filter: Pick<SearchFilter, "accessChannelIds">;
    readonly sample: Pick<GuildSample, "notEnglish" | "vocabulary">;
    readonly wordModel: Pick<WordModel, "tokenIds">;
  },
): Map<string, string> {
  return corrections(query, {
    rows,
    words: () => sample.vocabulary.wordsIn(filter.accessChannelIds),
    isEnglish: !comparesLetters(query, sample),
    // The model has the words of 35 languages, and takes others apart.
    isKnown: (word) => wordModel.tokenIds(word).length === 1,
  });
}

/** The text with these words replaced. @param meant by folded word */
export function replaceWords(text: string, meant: ReadonlyMap<string, string>): string {
  return wordsOf(text).reduceRight((all, { folded, start, end }) => {
    const other = meant.get(folded);
    return other === undefined ? all : all.slice(0, start) + other + all.slice(end);
  }, text);
}

/** @returns undefined also for a word that is there after all, perhaps in another form */
function closest(
  word: string,
  words: Iterable<readonly [string, Known]>,
  isEnglish: boolean,
  isStrict: boolean,
): string | undefined {
  const most = word.length >= LONG_WORD && !isStrict ? 2 : 1;
  const own = stem(word);
  let best: { readonly distance: number; readonly known: Known } | undefined;
  for (const [other, known] of words) {
    if (Math.abs(other.length - word.length) > most) continue;
    const distance = letterDistance(word, other, most);
    if (distance === 0 || (distance <= most && stem(other) === own)) return undefined;
    if (distance > most || (!isEnglish && !isSlip(word, other) && (isStrict || isOtherForm(word, other)))) continue;
    const isBetter =
      best === undefined || distance < best.distance || (distance === best.distance && known.texts > best.known.texts);
    if (isBetter) best = { distance, known };
  }
  return best?.known.shown;
}

/** The typos that hardly ever make a word: letters in another order, and one doubled or not. */
function isSlip(one: string, other: string): boolean {
  const single = (word: string) => word.replace(/(.)\1/gu, "$1");
  const sorted = (word: string) => Array.from(word).sort().join("");
  return sorted(one) === sorted(other) || single(one) === single(other);
}

function isOtherForm(one: string, other: string): boolean {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same += 1;
  return same >= Math.max(one.length, other.length) - ENDING;
}
