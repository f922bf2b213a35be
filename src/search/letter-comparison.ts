// Compares a query with candidates by their letters: finds typos, inflected forms, parts of compounds, and the names and jargon that no
// model knows, in every language. Works on hashes of n-grams in typed arrays: nothing is allocated for a word.

import { forEachNgramHash, HASH_BITS } from "../letters.ts";
import { type Candidate, FOLLOWER_SHARE } from "./late-interaction.ts";

/** In how many of `texts` sampled texts each n-gram occurs, by its hash. */
export interface NgramFrequencies {
  readonly texts: number;
  readonly textsWith: Uint16Array;
}

export interface LetterLikeness {
  /** One per candidate, in the order given. */
  readonly scores: Float64Array;
  /** How much of the query the candidate that has most of it has, by rarity: from 0 (no letters alike) to 1 (all of it). */
  readonly coverage: number;
}

/** BM25's usual parameters. */
const K1 = 1.2;
const B = 0.75;
/** What an n-gram of a neighbour counts. Measured: 0.15 and 0.5 are worse; 1, as in the full-text index, much worse. */
const CONTEXT_SHARE = 0.3;

const HASHES = 1 << HASH_BITS;

/** @param texts at most 65,535 */
export function countNgrams(texts: readonly string[]): NgramFrequencies {
  const textsWith = new Uint16Array(HASHES);
  const lastText = new Int32Array(HASHES).fill(-1);
  texts.forEach((text, t) => {
    forEachNgramHash(text, (hash) => {
      if (lastText[hash] === t) return;
      lastText[hash] = t;
      textsWith[hash] = (textsWith[hash] as number) + 1;
    });
  });
  return { texts: texts.length, textsWith };
}

/** Place of an n-gram among the query's, by its hash; -1 where the query does not have it. Cleared after each comparison. */
const places = new Int32Array(HASHES).fill(-1);

/** BM25 of the query's distinct n-grams over the candidates, where those of the context count 0.3, and of a follower 0.4 (the one that has it most). */
export function compareLetters(
  query: string,
  candidates: readonly Candidate[],
  { texts, textsWith }: NgramFrequencies,
): LetterLikeness {
  const asked: number[] = [];
  forEachNgramHash(query, (hash) => {
    if (places[hash] === -1) places[hash] = asked.push(hash) - 1;
  });
  const size = asked.length;
  const rarity = Float64Array.from(asked, (hash) => {
    const found = textsWith[hash] as number;
    return Math.log(1 + (texts - found + 0.5) / (found + 0.5));
  });
  const inOwn = new Float32Array(candidates.length * size);
  const inContext = new Float32Array(candidates.length * size);
  const lengths = new Float64Array(candidates.length);
  candidates.forEach(({ own, context }, c) => {
    const first = c * size;
    const countIn = (counts: Float32Array, share: number) => (hash: number) => {
      lengths[c] = (lengths[c] as number) + share;
      const place = places[hash] as number;
      if (place !== -1) counts[first + place] = (counts[first + place] as number) + share;
    };
    forEachNgramHash(own, countIn(inOwn, 1));
    if (context !== "") forEachNgramHash(context, countIn(inContext, CONTEXT_SHARE));
  });
  for (const hash of asked) places[hash] = -1;

  const meanLength = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, candidates.length);
  const total = rarity.reduce((sum, each) => sum + each, 0);
  const scores = new Float64Array(candidates.length);
  let mostCovered = 0;
  for (let c = 0; c < candidates.length; c += 1) {
    const saturation = K1 * (1 - B + (B * (lengths[c] as number)) / meanLength);
    const followers = candidates[c]?.followers ?? [];
    let [score, covered] = [0, 0];
    for (let q = 0; q < size; q += 1) {
      let most = 0;
      for (const f of followers) most = Math.max(most, inOwn[f * size + q] as number);
      const count = (inOwn[c * size + q] as number) + (inContext[c * size + q] as number) + FOLLOWER_SHARE * most;
      if (count === 0) continue;
      score += ((rarity[q] as number) * count * (K1 + 1)) / (count + saturation);
      covered += rarity[q] as number;
    }
    scores[c] = score;
    mostCovered = Math.max(mostCovered, covered);
  }
  return { scores, coverage: total === 0 ? 0 : mostCovered / total };
}
