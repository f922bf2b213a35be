// Gives a question that was typed without accents those which the guild's people write: models know "dónde" better than "donde", and
// "hỏng" not at all as "hong". Full text and letters are compared without accents anyway. Pure.

import { fold, isAscii } from "../fold.ts";
import { isEnglish } from "../letters.ts";

/** How a guild writes its words. */
export interface AccentedForms {
  /** Of each word that some write with accents, by how it looks without: how often which form occurs. */
  readonly forms: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** How often two words follow each other, at least one of which is among them: the first, a space, the second. */
  readonly pairs: ReadonlyMap<string, number>;
}

/** A pair seen once tells as much as a word that is so many times as common as another. */
const PAIR_WEIGHT = 10;

const WORD = /[\p{L}\p{M}]+/gu;
const wordsIn = (text: string): readonly string[] => text.normalize("NFC").toLowerCase().match(WORD) ?? [];
const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

export function countAccentedForms(texts: readonly string[]): AccentedForms {
  const forms = new Map<string, Map<string, number>>();
  for (const text of texts) {
    if (isAscii(text)) continue;
    for (const word of wordsIn(text)) {
      if (isAscii(word)) continue;
      const bare = fold(word);
      if (bare !== word && !forms.has(bare)) forms.set(bare, new Map());
    }
  }
  const pairs = new Map<string, number>();
  if (forms.size === 0) return { forms, pairs };
  for (const text of texts) {
    let [before, isBeforeAccented] = ["", false];
    for (const word of wordsIn(text)) {
      const counts = forms.get(fold(word));
      const isAccented = counts !== undefined;
      if (isAccented) add(counts, word);
      if (before !== "" && (isAccented || isBeforeAccented)) add(pairs, `${before} ${word}`);
      [before, isBeforeAccented] = [word, isAccented];
    }
  }
  return { forms, pairs };
}

/** The likeliest forms of the words up to one, if that has this form. */
interface Path {
  readonly form: string;
  readonly score: number;
  readonly before: Path | undefined;
}

/** @returns the text with the likeliest form of each word; as it is where it has an accent, since who types one types all */
export function restoreAccents(text: string, { forms, pairs }: AccentedForms): string {
  const usual = text.normalize("NFKC").toLowerCase();
  if (forms.size === 0 || fold(text) !== usual) return text;
  let paths: readonly Path[] = [];
  for (const word of wordsIn(text)) {
    const known = forms.get(word) ?? new Map([[word, 1]]);
    paths = Array.from(known, ([form, count]) => {
      const previous = paths.map((path) => {
        const together = pairs.get(`${path.form} ${form}`) ?? 0;
        return { path, score: path.score + Math.log(1 + PAIR_WEIGHT * together) };
      });
      const best = previous.reduce<(typeof previous)[number] | undefined>(
        (one, other) => (one === undefined || other.score > one.score ? other : one),
        undefined,
      );
      return { form, score: (best?.score ?? 0) + Math.log(count), before: best?.path };
    });
  }
  const chosen: string[] = [];
  const best = paths.reduce<Path | undefined>((one, path) => (one && one.score >= path.score ? one : path), undefined);
  for (let path = best; path !== undefined; path = path.before) chosen.unshift(path.form);
  let place = 0;
  return text.normalize("NFC").replace(WORD, (word) => {
    const form = chosen[place];
    place += 1;
    return form === undefined || form === word.toLowerCase() ? word : form;
  });
}

/** With the accents that the guild's people write, where it has none and is not English. */
export function asPeopleWrite(text: string, accents: AccentedForms): string {
  return isEnglish(text) ? text : restoreAccents(text, accents);
}
