// Compares a query with candidates word by word, with the rows of a static model: a candidate scores high when each of the query's
// telling words has a close relative in it, or, a little less, in the conversation around it. Needs no vector of the candidate, so it works
// whatever the embedder.

import { getOrMake } from "../maps.ts";
import { AT_A_TIME, createClosestWords } from "./closest-words.ts";
import { type Candidate, createNeighbourhood } from "./neighbours.ts";
import { createWordsLike, rowLength, type TokenRows } from "./words-like.ts";

/** Any static model will do; ours is the built-in one. */
export interface WordModel extends TokenRows {
  /** Inverse document frequency of each token in general. */
  readonly idf: Float32Array;
}

/** In how many of `texts` sampled texts each token occurs. */
export interface WordFrequencies {
  readonly texts: number;
  readonly textsWith: ReadonlyMap<number, number>;
}

export interface Likeness {
  /** One per candidate, from 0 (nothing alike) to 1 (it has every word of the query), in the order given. */
  readonly scores: Float64Array;
  /** How much of what each says itself is what the query asks, by the weight of its words, from 0 to 1. */
  focus(): Float64Array;
  /** Whether each says a word that is like some words, author and title aside: from 0 (surely not) to 1. @param examples a few of one kind */
  says(examples: string): Float64Array;
  /** How long the candidates are on average. Tokens of their own. */
  readonly meanLength: number;
}

export interface LateInteraction {
  compare(query: string, candidates: readonly Candidate[], frequencies: WordFrequencies): Likeness;
}

/** How many sampled texts the model's own idea of a word's frequency counts for. */
const PRIOR_TEXTS = 50;
/** What is rare tells even more than its rarity says. Measured: docs/evaluation.md. */
const RARITY_POWER = 1.25;
/** What a word of what a message answers or follows is worth. Measured: flat from 0.6 to 0.8; 0.3 and 0.9 are worse. */
export const CONTEXT_SHARE = 0.7;
/** What a word or n-gram of what answers or follows a message is worth. Measured: flat from 0.3 to 0.5. */
export const FOLLOWER_SHARE = 0.4;
/** So much of the query's whole weight each of its tokens counts less, in a long query half of their mean. Measured: docs/evaluation.md. */
const NEGLIGIBLE = 0.01;
/** Cosines with some words: from the first on a token may be like them, from the second on it is. Seen at numbers and days in many languages. */
const [UNLIKE, LIKE] = [0.3, 0.4] as const;
/** So much less counts a word that all candidates have as much as the best: it does not tell one from another. */
const COMMON_LOSS = 0.5;

/**
 * score = sum over the query's distinct tokens t of w(t) m(t) x max over the candidate's tokens d of cos(row t, row d), where a token
 * of what it answers or follows counts 0.7, of what answers or follows it 0.4, each step further 0.7 of that, and nothing counts below 0;
 * w(t) = idf(t)^1.25 x length of row t, and idf(t) = ln((n + 50) / (df(t) + 50 exp(-idf0(t)))): df of n sampled texts, idf0 the
 * model's; m(t) = 1 - mean / (2 best) of the candidates' maxima; w(t) m(t) is scaled to sum 1.
 * Of each w(t) of the query 1 % of their sum is taken away, at most half of their mean; tokens without any left are left out.
 * focus = sum over the candidate's own tokens d of w(d) x max over t of cos(row t, row d) / sum of w(d).
 * docs/evaluation.md has what it is worth.
 */
export function createLateInteraction(model: WordModel): LateInteraction {
  const { scales, idf } = model;
  /** Of the rows as stored, before scaling: the scale cancels out of a cosine. */
  const integerLengths = Float64Array.from(scales, (_, token) => rowLength(model, token));
  /** Where a token stands among the distinct tokens of the candidates at hand; -1 when it has not occurred. */
  const place = new Int32Array(idf.length).fill(-1);
  const wordsLike = createWordsLike(model);
  const closestWords = createClosestWords(model, integerLengths);

  /** w of each token, once asked for; of one guild's frequencies at a time, as searches come in a row. */
  const known = new Float32Array(idf.length).fill(Number.NaN);
  let knownFor: WordFrequencies | undefined;

  function weigher(frequencies: WordFrequencies): (token: number) => number {
    if (knownFor !== frequencies) known.fill(Number.NaN);
    knownFor = frequencies;
    const { texts, textsWith } = frequencies;
    return (token) => {
      const weight = known[token] as number;
      if (!Number.isNaN(weight)) return weight;
      const expected = (textsWith.get(token) ?? 0) + PRIOR_TEXTS * Math.exp(-(idf[token] ?? 0));
      const rarity = Math.max(0, Math.log((texts + PRIOR_TEXTS) / expected));
      known[token] = rarity ** RARITY_POWER * (integerLengths[token] ?? 0) * (scales[token] ?? 0);
      return known[token] as number;
    };
  }

  /** Reads texts as places among the distinct tokens of all of them; each text once: a neighbour is often a candidate, too. */
  function readTexts() {
    const distinct: number[] = [];
    const texts: Int32Array[] = [];
    const numbers = new Map<string, number>();
    function read(text: string): Int32Array {
      const tokens = text === "" ? [] : model.tokenIds(text);
      const found = new Int32Array(tokens.length);
      for (let i = 0; i < tokens.length; i += 1) {
        const token = tokens[i] as number;
        if (place[token] === -1) place[token] = distinct.push(token) - 1;
        found[i] = place[token] as number;
      }
      return found;
    }
    return {
      distinct,
      texts,
      /** @returns which of the texts it is */
      numberOf: (text: string) => getOrMake(numbers, text, () => texts.push(read(text)) - 1),
    };
  }

  return {
    compare(query, candidates, frequencies) {
      const weightOf = weigher(frequencies);
      const tokensAsked = [...new Set(Array.from(model.tokenIds(query)))];
      const sumOfWeights = tokensAsked.reduce((sum, token) => sum + weightOf(token), 0);
      const least = sumOfWeights * Math.min(NEGLIGIBLE, 0.5 / tokensAsked.length);
      const asked = tokensAsked.filter((token) => weightOf(token) > least);
      const { distinct, texts, numberOf } = readTexts();
      const own = Int32Array.from(candidates, (candidate) => numberOf(candidate.own));
      const context = Int32Array.from(candidates, (candidate) => numberOf(candidate.context));
      for (const token of distinct) place[token] = -1;

      const { ask, closest } = closestWords.open(distinct, texts);
      const textOf = (place: number) => texts[own[place] as number] as Int32Array;
      const scores = new Float64Array(candidates.length);
      const inOwn = new Float32Array(candidates.length);
      const inContext = new Float32Array(candidates.length);
      const likeness = new Float32Array(candidates.length);
      const neighbourhood = createNeighbourhood(candidates);
      let best = new Float32Array();
      let total = 0;
      asked.forEach((token, t) => {
        const nth = t % AT_A_TIME;
        if (nth === 0) best = ask(asked.slice(t, t + AT_A_TIME));
        for (let c = 0; c < own.length; c += 1) {
          inOwn[c] = best[(own[c] as number) * AT_A_TIME + nth] as number;
          inContext[c] = best[(context[c] as number) * AT_A_TIME + nth] as number;
        }
        const { before, after } = neighbourhood.read(inOwn, inContext);
        let [most, sum] = [0, 0];
        for (let c = 0; c < own.length; c += 1) {
          const around = Math.max(CONTEXT_SHARE * (before[c] as number), FOLLOWER_SHARE * (after[c] as number));
          const value = Math.max(inOwn[c] as number, around);
          likeness[c] = value;
          most = Math.max(most, value);
          sum += value;
        }
        const loss = most === 0 ? 0 : (COMMON_LOSS * sum) / own.length / most;
        const weight = (weightOf(token) - least) * (1 - loss);
        total += weight;
        for (let c = 0; c < own.length; c += 1) scores[c] = (scores[c] as number) + weight * (likeness[c] as number);
      });
      if (total > 0) for (let c = 0; c < own.length; c += 1) scores[c] = (scores[c] as number) / total;
      const nearness = closest();
      const tokens = own.reduce((sum, text) => sum + (texts[text] as Int32Array).length, 0);
      return {
        scores,
        focus() {
          const weight = new Float32Array(distinct.length);
          for (let d = 0; d < distinct.length; d += 1) weight[d] = weightOf(distinct[d] as number);
          return Float64Array.from(own, (_, c) => meanOf(nearness, weight, textOf(c)));
        },
        says(examples) {
          const closeness = wordsLike(examples);
          const like = Float32Array.from(distinct, (token) => (closeness(token) - UNLIKE) / (LIKE - UNLIKE));
          const headingLengths = new Map<string, number>([["", 0]]);
          return Float64Array.from(candidates, ({ own: whole, said }, c) => {
            const heading = whole.slice(0, whole.length - said.length);
            const length = getOrMake(headingLengths, heading, () => model.tokenIds(heading).length);
            return Math.min(1, highest(like, textOf(c).subarray(length)));
          });
        },
        meanLength: own.length === 0 ? 0 : tokens / own.length,
      };
    },
  };
}

/** The mean of the values at some places, by their weights. */
function meanOf(values: Float32Array, weight: Float32Array, places: Int32Array): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < places.length; i += 1) {
    const d = places[i] as number;
    sum += (weight[d] as number) * (values[d] as number);
    total += weight[d] as number;
  }
  return total === 0 ? 0 : sum / total;
}

function highest(values: Float32Array, places: Int32Array): number {
  let best = 0;
  for (let i = 0; i < places.length; i += 1) {
    const value = values[places[i] as number] as number;
    if (value > best) best = value;
  }
  return best;
}
