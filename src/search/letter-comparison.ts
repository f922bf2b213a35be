// Compares a query with candidates by their letters: finds typos, inflected forms, parts of compounds, and the names and jargon that no
// model knows, in every language. Works on hashes of n-grams in typed arrays: nothing is allocated for a word.

import { forEachNgramHash, HASH_BITS } from "../letters.ts";
import { FOLLOWER_SHARE } from "./late-interaction.ts";
import { type Candidate, createNeighbourhood } from "./neighbours.ts";

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
/** What an n-gram of what a message answers or follows counts. Measured: 0.15 and 0.5 are worse; 1, as in the full-text index, much worse. */
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

/**
 * BM25 of the query's distinct n-grams over the candidates, where those of what a message answers or follows count 0.3, of what answers or
 * follows it 0.4 (of the one that has it most), and each step further 0.7 of that.
 */
export function compareLetters(
  query: string,
  candidates: readonly Omit<Candidate, "said">[],
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
  const count = candidates.length;
  /** Of each n-gram, one number per candidate. */
  const [inOwn, inContext] = [new Float32Array(size * count), new Float32Array(size * count)];
  const [ownLengths, contextLengths] = [new Float64Array(count), new Float64Array(count)];
  candidates.forEach(({ own, context }, c) => {
    const countIn = (counts: Float32Array, lengths: Float64Array) => (hash: number) => {
      lengths[c] = (lengths[c] as number) + 1;
      const at = (places[hash] as number) * count + c;
      if (at >= 0) counts[at] = (counts[at] as number) + 1;
    };
    forEachNgramHash(own, countIn(inOwn, ownLengths));
    if (context !== "") forEachNgramHash(context, countIn(inContext, contextLengths));
  });
  for (const hash of asked) places[hash] = -1;

  const lengths = ownLengths.map((length, c) => {
    const neighbour = candidates[c]?.neighbour;
    return length + CONTEXT_SHARE * ((neighbour === undefined ? contextLengths[c] : ownLengths[neighbour]) ?? 0);
  });
  const meanLength = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, count);
  const saturations = lengths.map((length) => K1 * (1 - B + (B * length) / meanLength));
  const neighbourhood = createNeighbourhood(candidates);
  const [scores, covered] = [new Float64Array(count), new Float64Array(count)];
  rarity.forEach((rare, q) => {
    const [first, end] = [q * count, (q + 1) * count];
    const own = inOwn.subarray(first, end);
    const { before, after } = neighbourhood.read(own, inContext.subarray(first, end));
    for (let c = 0; c < count; c += 1) {
      const times = (own[c] as number) + CONTEXT_SHARE * (before[c] as number) + FOLLOWER_SHARE * (after[c] as number);
      if (times === 0) continue;
      scores[c] = (scores[c] as number) + (rare * times * (K1 + 1)) / (times + (saturations[c] as number));
      covered[c] = (covered[c] as number) + rare;
    }
  });
  const total = rarity.reduce((sum, each) => sum + each, 0);
  const mostCovered = covered.reduce((most, each) => Math.max(most, each), 0);
  return { scores, coverage: total === 0 ? 0 : mostCovered / total };
}
