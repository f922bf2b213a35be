// The built-in model at work: texts to token ids and vectors. No I/O, no threads; a worker loads this and little else.
// How inference works: models/backscroll-static/README.md.

import { createTokenReader } from "./tokens.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Only the first tokens of a text count; the model was made that way. */
export const TOKENS_PER_TEXT = 256;

/** The model's tables, in shared memory: handed to a worker thread they are not copied. */
export interface ModelTables {
  /** Changes when the model does. */
  readonly digest: string;
  readonly vocabulary: Vocabulary;
  readonly dimensions: number;
  /** `dimensions` numbers per token, one row after the other. The embedding of token t is its row times `scales[t]`. */
  readonly rows: Int8Array;
  readonly scales: Float32Array;
  /** Inverse document frequency of each token in the texts the model was trained on. */
  readonly idf: Float32Array;
}

export interface StaticModel extends ModelTables {
  /** For another thread: all but the functions. */
  readonly tables: ModelTables;
  /** The text's token ids in order, unknown ones left out, at most 256. Never empty: a text without tokens is one unknown token. */
  tokenIds(text: string): readonly number[];
  /** Unit-length vector of a text. */
  vector(text: string): Float32Array;
  /** Writes the text's vector to `target[offset .. offset + dimensions]`. */
  writeVector(text: string, target: Float32Array, offset: number): void;
}

export function createStaticModel(tables: ModelTables): StaticModel {
  const { vocabulary, dimensions, rows, scales } = tables;
  const tokens = createTokenReader(vocabulary);
  const sums = new Float64Array(dimensions);

  function tokenIds(text: string): readonly number[] {
    const ids = tokens.read(text, TOKENS_PER_TEXT);
    return ids.length > 0 ? ids : [vocabulary.unknownId];
  }

  function writeVector(text: string, target: Float32Array, offset: number): void {
    const ids = tokenIds(text);
    sums.fill(0);
    for (let k = 0; k < ids.length; k += 4) addFourRows(ids, k);
    let squares = 0;
    for (let i = 0; i < dimensions; i += 1) squares += (sums[i] as number) ** 2;
    const scale = 1 / Math.sqrt(squares);
    for (let i = 0; i < dimensions; i += 1) target[offset + i] = (sums[i] as number) * scale;
  }

  /** Four at a time reads and writes the sums a quarter as often: twice as fast. Rows past the end count nothing. */
  function addFourRows(ids: readonly number[], k: number): void {
    const [a = 0, b = 0, c = 0, d = 0] = [ids[k], ids[k + 1], ids[k + 2], ids[k + 3]];
    const scaleA = scales[a] as number;
    const scaleB = k + 1 < ids.length ? (scales[b] as number) : 0;
    const scaleC = k + 2 < ids.length ? (scales[c] as number) : 0;
    const scaleD = k + 3 < ids.length ? (scales[d] as number) : 0;
    const [rowA, rowB, rowC, rowD] = [a * dimensions, b * dimensions, c * dimensions, d * dimensions];
    for (let i = 0; i < dimensions; i += 1) {
      sums[i] =
        (sums[i] as number) +
        (rows[rowA + i] as number) * scaleA +
        (rows[rowB + i] as number) * scaleB +
        (rows[rowC + i] as number) * scaleC +
        (rows[rowD + i] as number) * scaleD;
    }
  }

  return {
    ...tables,
    tables,
    tokenIds,
    writeVector,
    vector(text) {
      const vector = new Float32Array(dimensions);
      writeVector(text, vector, 0);
      return vector;
    },
  };
}
