// The form in which words go into the full-text index and a query goes to it: LanceDB only folds case and most Latin accents, knows one way of
// writing a letter, and drops emoji. Pure. What is shown, embedded and compared word by word is as it was written.

import { fold, isAscii } from "./fold.ts";

/**
 * What the index would not fold by itself: accents outside of Latin, those that have no letter of their own, vowel points, and the
 * Turkish capital i, which in lower case is two characters to it.
 */
const UNFOLDED =
  /(?:\p{Script=Greek}|\p{Script=Cyrillic})(?:\p{Script=Greek}|\p{Script=Cyrillic}|\p{Mn})*|\p{Script=Latin}\p{Mn}+|İ|[\p{Script=Arabic}\p{Script=Hebrew}\u064b-\u065f\u0670]+/gu;

/** An emoji is a word, a flag's two halves are one. What tells how it is drawn (variation, skin) is no part of it. */
export const EMOJI =
  /(\p{Regional_Indicator}{2}|\p{Extended_Pictographic})(?:[\ufe0e\ufe0f\u200d]|\p{Emoji_Modifier})*/gu;
const EMOJI_WORD = / ?\bemoji((?:x[0-9a-f]{2,5}){1,2})z\b ?/g;

/** Vowels of Thai and Lao that NFKC takes apart: the dictionaries which find words know them whole. */
const TAKEN_APART = /\u0e4d\u0e32|\u0ecd\u0eb2/g;
const wholeVowel = (parts: string) => (parts.startsWith("\u0e4d") ? "\u0e33" : "\u0eb3");

/** Compatible forms made one (NFKC), letters folded that the index does not fold, each emoji a word of letters and digits. */
export function toFullText(text: string): string {
  if (isAscii(text)) return text;
  return text
    .replace(EMOJI, (_, emoji: string) => ` ${emojiWord(emoji)} `)
    .normalize("NFKC")
    .replace(TAKEN_APART, wholeVowel)
    .replace(UNFOLDED, fold);
}

/** With its emoji as they are. */
export function fromFullText(text: string): string {
  if (!text.includes("emojix")) return text;
  return text.replace(EMOJI_WORD, (_, codes: string) => ` ${charactersOf(codes)} `);
}

/** As what is read back from the index is written: for comparing a query with it word by word. */
export function asReadBack(text: string): string {
  return fromFullText(toFullText(text));
}

/** E.g. "emojix1f6b2z": it ends in no letter that a stemmer would take for an ending. */
function emojiWord(emoji: string): string {
  return `emoji${Array.from(emoji, (part) => `x${part.codePointAt(0)?.toString(16)}`).join("")}z`;
}

function charactersOf(codes: string): string {
  return String.fromCodePoint(
    ...codes
      .slice(1)
      .split("x")
      .map((code) => Number.parseInt(code, 16)),
  );
}
