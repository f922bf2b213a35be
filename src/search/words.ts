// What counts as a word, and when two words are the same to a reader: for phrases, marks and repeats. Ranking has its own ways.

import { fold, isAscii, spellings } from "../fold.ts";
import { EMOJI } from "../full-text.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

export interface Word {
  /** As `fold` leaves it. */
  readonly folded: string;
  /** UTF-16 positions in the text. */
  readonly start: number;
  readonly end: number;
}

/** The words of a text in order, emoji among them; also of languages that do not put spaces between them. */
export function wordsOf(text: string): Word[] {
  return Array.from(segmenter.segment(text)).flatMap(({ segment, index, isWordLike }) =>
    isWordLike ? [{ folded: fold(segment), start: index, end: index + segment.length }] : emojiOf(segment, index),
  );
}

/** Each as it is found: how it is drawn is no part of it. */
function emojiOf(segment: string, index: number): Word[] {
  if (isAscii(segment)) return [];
  return Array.from(segment.matchAll(EMOJI), ({ 0: whole, 1: emoji = whole, index: at }) => ({
    folded: emoji,
    start: index + at,
    end: index + at + whole.length,
  }));
}

/** Words and what is between them. */
function segmentsOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** True when the words of the phrase stand in the text next to each other; case, accents and punctuation do not matter. */
export function containsPhrase(text: string, phrase: string): boolean {
  const asked = spellings(phrase).map(spaced);
  return spellings(text).some((spelling) => {
    const words = spaced(spelling);
    return asked.some((each) => words.includes(each));
  });
}

/** Writing without spaces between the words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** An emoji is a word, too; a flag is one of two halves. */
const WORD = /[\p{L}\p{M}\p{N}]+|\p{Regional_Indicator}{2}|\p{Extended_Pictographic}/gu;

/** Split also at punctuation, as the full-text index does: "github.com" and "don't" are two words each. @param text folded */
function spaced(text: string): string {
  // Looking words up in dictionaries takes thirty times as long.
  const words = UNSPACED.test(text) ? segmentsOf(text) : [text];
  return ` ${words.flatMap((word) => word.match(WORD) ?? []).join(" ")} `;
}

/** English words that hold a sentence together and say nothing of what it is about; marking them would hide those that do. */
const functionWords = new Set(
  `a about all also am an and any are as at be been but by can could did do does for from had has have he her him his how i if in
  into is it its just me my no not of on one or our out she should so some than that the their them then there these they this to
  too up us was we were what when where which who why will with would you your`.split(/\s+/),
);

/** In Japanese, these words are one letter of Hiragana: が, の, を. */
const PARTICLE = /^\p{Script=Hiragana}$/u;

/** The words that say what a text is about; all of them where none does. */
export function tellingWords(words: readonly string[]): readonly string[] {
  const telling = words.filter((word) => !functionWords.has(word) && !PARTICLE.test(word));
  return telling.length > 0 ? telling : words;
}

/** English words are shorter; what is longer has no endings to speak of. */
const LONGEST_STEMMED = 40;

/**
 * The same for words that differ by an English ending at most: antenna, antennas; mount, mounted, mounting. Cut twice, as endings
 * follow each other: "soldering" and "solder" both end as "sold".
 */
export function stem(word: string): string {
  return word.length > LONGEST_STEMMED ? word : withoutEnding(withoutEnding(word));
}

function withoutEnding(word: string): string {
  return word
    .replace(/['’]s?$/, "")
    .replace(/(?<=^.{3,})(?:ies|ied|ying|y)$/, "i")
    .replace(/(?<=^.{3,})(?:ing|edly|ed|ers|er|ly|es|(?<!s)s|e)$/, "")
    .replace(/(?<=^.{2,})([b-df-hj-np-rtv-z])\1$/, "$1");
}
