// The token ids of words that were read before. People use the same words again and again, and reading one is a look-up far away in
// the memory for each of its letters; here it is one for all of them.

/** Words, and letters and ids of all of them together: 1 MB. Beyond, all are forgotten. */
const MOST_WORDS = 1 << 14;
const MOST_LETTERS = MOST_WORDS * 8;
const MOST_IDS = MOST_WORDS * 4;
/** Longer ones hardly ever come again. */
const LONGEST = 32;
/** Twice as many as words, so that what is asked for is found at once. */
const SLOTS = MOST_WORDS * 2;
/** Of a slot: the hash, where its letters and ids begin, and how many these are; no letters: it is free. */
const [HASH, LETTERS_AT, LETTERS, IDS_AT, IDS, NUMBERS] = [0, 1, 2, 3, 4, 5] as const;

export const FIRST_HASH = 0x811c9dc5;
/** FNV-1a, of a word letter by letter. */
export const nextHash = (hash: number, codeUnit: number): number => Math.imul(hash ^ codeUnit, 0x01000193);

export interface KnownWords {
  /**
   * Adds the ids of the word from `from` to `to` of a text.
   * @param hash of its letters
   */
  read(text: string, from: number, to: number, hash: number, ids: number[]): void;
}

/** @param readWord adds the ids of a word that is not known */
export function createKnownWords(
  readWord: (text: string, from: number, to: number, ids: number[]) => void,
): KnownWords {
  const slots = new Int32Array(SLOTS * NUMBERS);
  const letters = new Uint16Array(MOST_LETTERS);
  const knownIds = new Int32Array(MOST_IDS);
  let [words, lettersEnd, idsEnd] = [0, 0, 0];

  function isAt(slot: number, text: string, from: number, length: number): boolean {
    if (slots[slot + LETTERS] !== length) return false;
    const at = slots[slot + LETTERS_AT] as number;
    for (let i = 0; i < length; i += 1) if (letters[at + i] !== text.charCodeAt(from + i)) return false;
    return true;
  }

  function learn(slot: number, text: string, from: number, to: number, hash: number, ids: readonly number[]) {
    slots[slot + HASH] = hash;
    slots[slot + LETTERS_AT] = lettersEnd;
    slots[slot + LETTERS] = to - from;
    slots[slot + IDS_AT] = idsEnd;
    slots[slot + IDS] = ids.length;
    for (let at = from; at < to; at += 1) letters[lettersEnd++] = text.charCodeAt(at);
    for (const id of ids) knownIds[idsEnd++] = id;
    words += 1;
  }

  function forgetAll() {
    slots.fill(0);
    [words, lettersEnd, idsEnd] = [0, 0, 0];
  }

  return {
    read(text, from, to, hash, ids) {
      const length = to - from;
      if (length > LONGEST) return readWord(text, from, to, ids);
      // A word has no more tokens than letters.
      const isFull = words === MOST_WORDS || lettersEnd + length > MOST_LETTERS || idsEnd + length > MOST_IDS;
      let place = (hash ^ (hash >>> 15)) & (SLOTS - 1);
      for (; slots[place * NUMBERS + LETTERS] !== 0; place = (place + 1) & (SLOTS - 1)) {
        const slot = place * NUMBERS;
        if (slots[slot + HASH] !== hash || !isAt(slot, text, from, length)) continue;
        const start = slots[slot + IDS_AT] as number;
        const end = start + (slots[slot + IDS] as number);
        for (let i = start; i < end; i += 1) ids.push(knownIds[i] as number);
        return;
      }
      const before = ids.length;
      readWord(text, from, to, ids);
      if (isFull) forgetAll();
      else learn(place * NUMBERS, text, from, to, hash, ids.slice(before));
    },
  };
}
