// Compares a query with candidates word by word, with the rows of a static model: a candidate scores high when each of the query's
// telling words has a close relative in it. Needs no vector of the candidate, so it works whatever the embedder.

/** A table of token vectors. Any static model will do; ours is the built-in one. */
export interface WordModel {
  readonly dimensions: number;
  /** `dimensions` numbers per token, one row after the other; the vector of token t is its row times `scales[t]`. */
  readonly rows: Int8Array;
  readonly scales: Float32Array;
  /** Inverse document frequency of each token in general. */
  readonly idf: Float32Array;
  tokenIds(text: string): ArrayLike<number>;
}

/** In how many of `texts` sampled texts each token occurs. */
export interface WordFrequencies {
  readonly texts: number;
  readonly textsWith: ReadonlyMap<number, number>;
}

export interface LateInteraction {
  /** One score per candidate, from 0 (nothing alike) to 1 (every word of the query is in it), in the order given. */
  score(query: string, candidates: readonly string[], frequencies: WordFrequencies): Float64Array;
}

/** How many sampled texts the model's own idea of a word's frequency counts for. */
const PRIOR_TEXTS = 50;

/**
 * score = sum over the query's distinct tokens t of w(t) x max(0, max over the candidate's tokens d of cos(row t, row d)), where
 * w(t) = idf(t) x length of row t, scaled to sum 1, and idf(t) = ln(1 + (n + 50) / (df(t) + 50 exp(-idf0(t)))): df of n sampled
 * texts, idf0 the model's. Measured on four judged sets: +0.01 to +0.04 nDCG@10 on top of vectors and BM25.
 */
export function createLateInteraction(model: WordModel): LateInteraction {
  const { dimensions, rows, idf } = model;
  const lengths = Float32Array.from(model.scales, (scale, token) => scale * integerLength(token));
  /** Where a token stands among the distinct tokens of the candidates at hand; -1 when it has not occurred. */
  const place = new Int32Array(idf.length).fill(-1);

  function integerLength(token: number): number {
    let squares = 0;
    for (let i = token * dimensions; i < (token + 1) * dimensions; i += 1) squares += (rows[i] as number) ** 2;
    return Math.sqrt(squares);
  }

  function cosine(one: number, other: number): number {
    const [a, b] = [one * dimensions, other * dimensions];
    let product = 0;
    for (let i = 0; i < dimensions; i += 1) product += (rows[a + i] as number) * (rows[b + i] as number);
    const norm = (lengths[one] as number) * (lengths[other] as number);
    return norm === 0 ? 0 : (product * (model.scales[one] as number) * (model.scales[other] as number)) / norm;
  }

  function weights(tokens: readonly number[], { texts, textsWith }: WordFrequencies): number[] {
    const raw = tokens.map((token) => {
      const expected = (textsWith.get(token) ?? 0) + PRIOR_TEXTS * Math.exp(-(idf[token] ?? 0));
      return Math.log(1 + (texts + PRIOR_TEXTS) / expected) * (lengths[token] ?? 0);
    });
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return raw.map((weight) => (total === 0 ? 0 : weight / total));
  }

  return {
    score(query, candidates, frequencies) {
      const asked = [...new Set(Array.from(model.tokenIds(query)))];
      const weight = weights(asked, frequencies);
      const distinct: number[] = [];
      const places = candidates.map((text) => {
        const tokens = model.tokenIds(text);
        const found = new Int32Array(tokens.length);
        for (let i = 0; i < tokens.length; i += 1) {
          const token = tokens[i] as number;
          if (place[token] === -1) place[token] = distinct.push(token) - 1;
          found[i] = place[token] as number;
        }
        return found;
      });
      for (const token of distinct) place[token] = -1;

      const scores = new Float64Array(candidates.length);
      const similarity = new Float32Array(distinct.length);
      asked.forEach((token, t) => {
        distinct.forEach((other, d) => {
          similarity[d] = cosine(token, other);
        });
        places.forEach((found, c) => {
          let best = 0;
          for (let i = 0; i < found.length; i += 1) {
            const value = similarity[found[i] as number] as number;
            if (value > best) best = value;
          }
          scores[c] = (scores[c] as number) + (weight[t] as number) * best;
        });
      });
      return scores;
    },
  };
}
