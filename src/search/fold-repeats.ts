// Chat repeats itself: cross-posts, forwards, "thank you". Of records that say the same, a result list shows the best. A note is no
// repeat of the message it was saved from: whoever saved it looks for it.

import { fold, isAscii } from "../fold.ts";
import { EMOJI } from "../full-text.ts";
import type { FoundRow } from "../ports/vector-index.ts";

/** Texts that share this much of their word pairs say the same. */
const SAME_SHARE = 0.9;
/** Shorter texts must be equal: "yes, 5 V" and "yes, 9 V" are not the same. Words. */
const MIN_WORDS = 12;
const ROUNDING = 1e-9;

interface Entry {
  readonly row: FoundRow;
}

interface Kept<E> {
  readonly entry: E;
  readonly repeats: FoundRow[];
  readonly pairs: ReadonlySet<string>;
}

/** @param entries best first */
export function foldRepeats<E extends Entry>(entries: readonly E[]): (E & { readonly repeats: readonly FoundRow[] })[] {
  const kept: Kept<E>[] = [];
  const byText = new Map<string, Kept<E>>();
  for (const entry of entries) {
    const words = fold(entry.row.text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
    const { kind } = entry.row;
    // "yes ✅" is not "yes ❌".
    const emoji = isAscii(entry.row.text) ? [] : Array.from(entry.row.text.matchAll(EMOJI), ([, each]) => each);
    const text = `${kind} ${words.join(" ")} ${emoji.join("")}`;
    const pairs = words.length < MIN_WORDS ? new Set<string>() : wordPairs(words);
    const original =
      byText.get(text) ??
      (pairs.size > 0
        ? kept.find((other) => other.entry.row.kind === kind && isAlmostSame(pairs, other.pairs))
        : undefined);
    if (original) {
      original.repeats.push(entry.row);
      continue;
    }
    const first = { entry, repeats: [], pairs };
    kept.push(first);
    // Texts without a word (a picture alone, emoji) are not taken for each other.
    if (words.length > 0) byText.set(text, first);
  }
  return kept.map(({ entry, repeats }) => ({ ...entry, repeats }));
}

function wordPairs(words: readonly string[]): Set<string> {
  return new Set(words.slice(1).map((word, index) => `${words[index]} ${word}`));
}

function isAlmostSame(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  // shared / (small + large - shared) is to be at least that share: most texts are told apart by their first pairs.
  let spare = small.size - (SAME_SHARE * (small.size + large.size)) / (1 + SAME_SHARE) + ROUNDING;
  for (const pair of small) {
    if (spare < 0) return false;
    if (!large.has(pair)) spare -= 1;
  }
  return spare >= 0;
}
