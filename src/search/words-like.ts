// Which tokens are like some words, by the vectors of a static model: "sechs" and "สี่" are like "two three", in whatever language.

import { getOrMake } from "../maps.ts";

/** A table of token vectors. */
export interface TokenRows {
  readonly dimensions: number;
  /** `dimensions` numbers per token, one row after the other; the vector of token t is its row times `scales[t]`. */
  readonly rows: Int8Array;
  readonly scales: Float32Array;
  tokenIds(text: string): ArrayLike<number>;
}

/** Of a token's row as it is stored, before scaling. */
export function rowLength({ dimensions, rows }: Pick<TokenRows, "dimensions" | "rows">, token: number): number {
  let squares = 0;
  for (let i = token * dimensions; i < (token + 1) * dimensions; i += 1) squares += (rows[i] as number) ** 2;
  return Math.sqrt(squares);
}

/** From 0 (nothing in common) to 1. */
type Closeness = (token: number) => number;

/** @returns the cosine of a token's row with the mean of the rows of some words; each looked up once */
export function createWordsLike(model: TokenRows): (examples: string) => Closeness {
  const { dimensions, rows, scales } = model;
  const lengthOf = (token: number) => rowLength(model, token);
  const known = new Map<string, Closeness>();

  /** Of unit length. */
  function direction(examples: string): Float64Array {
    const sum = new Float64Array(dimensions);
    for (const token of Array.from(model.tokenIds(examples))) {
      const length = lengthOf(token) || 1;
      for (let i = 0; i < dimensions; i += 1) {
        sum[i] = (sum[i] as number) + (rows[token * dimensions + i] as number) / length;
      }
    }
    const length = Math.hypot(...sum) || 1;
    return sum.map((value) => value / length);
  }

  function closenessTo(examples: string): Closeness {
    const towards = direction(examples);
    const cosines = new Float32Array(scales.length).fill(Number.NaN);
    return (token) => {
      if (!Number.isNaN(cosines[token])) return cosines[token] as number;
      let product = 0;
      for (let i = 0; i < dimensions; i += 1) {
        product += (rows[token * dimensions + i] as number) * (towards[i] as number);
      }
      cosines[token] = Math.max(0, product / (lengthOf(token) || 1));
      return cosines[token] as number;
    };
  }

  return (examples) => getOrMake(known, examples, () => closenessTo(examples));
}
