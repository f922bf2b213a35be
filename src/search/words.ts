// What counts as a word, and when two words are the same to a reader: for phrases, marks and repeats. Ranking has its own ways.

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

export interface Word {
  /** As `foldWord` leaves it. */
  readonly folded: string;
  /** UTF-16 positions in the text. */
  readonly start: number;
  readonly end: number;
}

/** The words of a text in order; also of languages that do not put spaces between them. */
export function wordsOf(text: string): Word[] {
  return Array.from(segmenter.segment(text))
    .filter((segment) => segment.isWordLike)
    .map(({ segment, index }) => ({ folded: foldWord(segment), start: index, end: index + segment.length }));
}

/** Without case and accents. */
export function foldWord(word: string): string {
  return word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** True when the words of the phrase stand in the text next to each other; case, accents and punctuation do not matter. */
export function containsPhrase(text: string, phrase: string): boolean {
  return spaced(text).includes(spaced(phrase));
}

function spaced(text: string): string {
  return ` ${wordsOf(text)
    .map((word) => word.folded)
    .join(" ")} `;
}

/** True when the words differ by an English ending at most: antenna, antennas; mount, mounted, mounting. */
export function isSameWord(one: string, other: string): boolean {
  return one === other || stem(one) === stem(other);
}

function stem(word: string): string {
  return word
    .replace(/['’]s?$/, "")
    .replace(/(?<=^.{3,})(?:ies|ied|ying|y)$/, "i")
    .replace(/(?<=^.{3,})(?:ing|edly|ed|ers|er|ly|es|(?<!s)s|e)$/, "")
    .replace(/(?<=^.{2,})([b-df-hj-np-rtv-z])\1$/, "$1");
}
