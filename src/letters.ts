// Texts by their letters, in any script: the n-grams by which a typo, an inflected form or a part of a compound is near its word. Pure.
// For words as people read them, see search/words.ts.

import { fold } from "./fold.ts";

/** What a code unit is to whoever takes texts apart. Letters of different kinds never share an n-gram. */
const NONE = 1;
const SPACED = 2;
const HANGUL = 3;
const HAN_OR_KANA = 4;
/** Scripts of South-East Asia that put no spaces between words. */
const UNSPACED = 5;
/** Half of a rare letter or an emoji. */
const SURROGATE = 6;

const kinds = new Uint8Array(0x10000);

function kindOf(code: number): number {
  return kinds[code] || learnKind(code);
}

function learnKind(code: number): number {
  const unit = String.fromCharCode(code);
  let kind = NONE;
  if (code >= 0xd800 && code <= 0xdfff) kind = SURROGATE;
  else if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]/u.test(unit)) kind = HAN_OR_KANA;
  else if (/[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(unit)) kind = UNSPACED;
  else if (/\p{Script=Hangul}/u.test(unit)) kind = HANGUL;
  else if (/[\p{L}\p{M}\p{N}]/u.test(unit)) kind = SPACED;
  kinds[code] = kind;
  return kind;
}

/** Told the runs of letters of one kind in a folded text. */
type OnRun = (folded: string, start: number, end: number, kind: number) => void;

function forEachRun(folded: string, onRun: OnRun): void {
  for (let start = 0; start < folded.length; ) {
    const kind = kindOf(folded.charCodeAt(start));
    let end = start + 1;
    if (kind === SURROGATE) end = Math.min(folded.length, start + 2);
    else while (end < folded.length && kindOf(folded.charCodeAt(end)) === kind) end += 1;
    if (kind !== NONE) onRun(folded, start, end, kind);
    start = end;
  }
}

/** Letters of an n-gram, and whether the edges of a word count as one. Measured: docs/evaluation.md. */
function shapeOf(kind: number): { readonly size: number; readonly edge: number } {
  if (kind === SPACED) return { size: 4, edge: 1 };
  if (kind === HANGUL) return { size: 2, edge: 1 };
  return { size: kind === UNSPACED ? 3 : 2, edge: 0 };
}

/** Koreans set spaces as they like: to a reader "보고 싶어" and "보고싶어" are the same. */
const withoutHangulSpaces = (folded: string): string =>
  /[\uac00-\ud7a3]/.test(folded) ? folded.replace(/(?<=[\uac00-\ud7a3])\s+(?=[\uac00-\ud7a3])/g, "") : folded;

/** Told an n-gram from `from` to `to` of the folded text; what lies outside the word, from `start` to `end`, is its edge. */
type OnNgram = (folded: string, from: number, to: number, start: number, end: number) => void;

/**
 * Four letters of `_word_`, two of Hangul; three of Thai and its like; one and two of Han and Kana. A short word is one n-gram.
 * @param text folded
 */
function forEachNgram(text: string, onNgram: OnNgram): void {
  forEachRun(text, (folded, start, end, kind) => {
    if (kind === HAN_OR_KANA) for (let i = start; i < end; i += 1) onNgram(folded, i, i + 1, start, end);
    const { size, edge } = shapeOf(kind);
    const [first, last] = [start - edge, end + edge - size];
    if (last < first && kind !== HAN_OR_KANA) onNgram(folded, first, end + edge, start, end);
    for (let i = first; i <= last; i += 1) onNgram(folded, i, i + size, start, end);
  });
}

const EDGE = "_";
const EDGE_CODE = EDGE.charCodeAt(0);

/** All n-grams of a text, with spaces between them: what a full-text index takes for words. */
export function ngramText(text: string): string {
  const all: string[] = [];
  forEachNgram(fold(text), (folded, from, to, start, end) => {
    const letters = folded.slice(Math.max(from, start), Math.min(to, end));
    all.push((from < start ? EDGE : "") + letters + (to > end ? EDGE : ""));
  });
  return all.join(" ");
}

/** Hashes of n-grams have so many bits: two of a guild's common ones rarely share one. */
export const HASH_BITS = 20;

/** Each n-gram's hash (FNV-1a, folded to `HASH_BITS`); those of Korean words run on over the spaces between them. */
export function forEachNgramHash(text: string, onHash: (hash: number) => void): void {
  forEachNgram(withoutHangulSpaces(fold(text)), (folded, from, to, start, end) => {
    let hash = 0x811c9dc5;
    for (let i = from; i < to; i += 1) {
      hash = Math.imul(hash ^ (i < start || i >= end ? EDGE_CODE : folded.charCodeAt(i)), 0x01000193);
    }
    onHash((hash >>> HASH_BITS) ^ (hash & ((1 << HASH_BITS) - 1)));
  });
}

/** Common English words that are not words of other languages written with the same letters. */
const ENGLISH = new Set(
  `the of and to that it you for with this have not are but what can my your how when where why who which does did do from they
  there would should could will be been about if has had get got just like any anyone think know need their them
  these those than then because some other were into only also more very really using used don`.split(/\s+/),
);
/** At least one in so many words of an English text is among them. */
const WORDS_PER_ENGLISH = 10;

/** The longest of them. */
const LONGEST_ENGLISH = 7;

/**
 * Whether a text is English, by its commonest words. Texts too short to tell are not: where this decides if letters are compared, that
 * costs little with them.
 */
export function isEnglish(text: string): boolean {
  let [words, ascii, english] = [0, 0, 0];
  for (let start = 0; start < text.length; ) {
    let isAscii = true;
    let end = start;
    for (; end < text.length; end += 1) {
      const code = text.charCodeAt(end);
      if (isAsciiLetter(code)) continue;
      if (code < 0x80 || kindOf(code) === NONE) break;
      isAscii = false;
    }
    if (end > start) {
      words += 1;
      if (isAscii) ascii += 1;
      if (isAscii && end - start <= LONGEST_ENGLISH && ENGLISH.has(text.slice(start, end).toLowerCase())) english += 1;
    }
    start = end + 1;
  }
  return english > 0 && english * WORDS_PER_ENGLISH >= words && ascii * 2 > words;
}

function isAsciiLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}

/**
 * Letters to add, drop, change or swap with the next one, to make one word of another.
 * @returns more than `most` where it is more than that
 */
export function letterDistance(one: string, other: string, most = Number.POSITIVE_INFINITY): number {
  // Almost all words of a vocabulary are told from a word by this alone.
  if (differing(lettersIn(one) ^ lettersIn(other)) > 2 * most) return most + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      let cost = Math.min(at(last, column) + 1, at(line, column - 1) + 1, at(last, column - 1) + (isSame ? 0 : 1));
      const isSwapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (isSwapped) cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      line.push(cost);
    }
    if (Math.min(...line) > most) return most + 1;
    [beforeLast, last] = [last, line];
  }
  return at(last, other.length);
}

/** Which letters a word has, by their last five bits: to add or drop a letter changes one bit at most, to change one two, to swap none. */
function lettersIn(word: string): number {
  let letters = 0;
  for (let i = 0; i < word.length; i += 1) letters |= 1 << (word.charCodeAt(i) & 31);
  return letters;
}

function differing(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}

function at(line: readonly number[], column: number): number {
  return line[column] ?? Number.POSITIVE_INFINITY;
}
