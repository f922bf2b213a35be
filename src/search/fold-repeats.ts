// Chat repeats itself: cross-posts, forwards, "thank you". Of records that say the same, a result list shows the best.

import type { IndexRow } from "../ports.ts";
import { foldWord } from "./words.ts";

/** Texts that share this much of their word pairs say the same. */
const SAME_SHARE = 0.9;
/** Shorter texts must be equal: "yes, 5 V" and "yes, 9 V" are not the same. Word pairs. */
const MIN_PAIRS = 12;

interface Entry {
  readonly row: IndexRow;
}

/** @param entries best first */
export function foldRepeats<E extends Entry>(entries: readonly E[]): (E & { readonly repeats: readonly IndexRow[] })[] {
  const kept: { entry: E; text: string; pairs: ReadonlySet<string>; repeats: IndexRow[] }[] = [];
  for (const entry of entries) {
    const words = foldWord(entry.row.text).match(/[\p{L}\p{N}]+/gu) ?? [];
    const text = words.join(" ");
    const pairs = new Set(words.slice(1).map((word, index) => `${words[index]} ${word}`));
    const original = kept.find((other) => (text !== "" && text === other.text) || isAlmostSame(pairs, other.pairs));
    if (original) original.repeats.push(entry.row);
    else kept.push({ entry, text, pairs, repeats: [] });
  }
  return kept.map(({ entry, repeats }) => ({ ...entry, repeats }));
}

function isAlmostSame(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  if (small.size < MIN_PAIRS || small.size < SAME_SHARE * large.size) return false;
  let shared = 0;
  for (const pair of small) if (large.has(pair)) shared += 1;
  return shared / (small.size + large.size - shared) >= SAME_SHARE;
}
