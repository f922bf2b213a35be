// The built-in model itself: reads its files, cuts texts into tokens and turns them into vectors. No threads, no I/O after loading.
// How inference works: models/backscroll-static/README.md.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { toError, UserError } from "../../errors.ts";
import { createTokenReader } from "./tokens.ts";

/** Only the first tokens of a text count; the model was made that way. */
export const TOKENS_PER_TEXT = 256;

/** The model's tables, in shared memory: handed to a worker thread they are not copied. */
export interface ModelTables {
  readonly dimensions: number;
  /** `dimensions` numbers per token, one row after the other. The embedding of token t is its row times `scales[t]`. */
  readonly rows: Int8Array;
  readonly scales: Float32Array;
  /** Inverse document frequency of each token in the texts the model was trained on. */
  readonly idf: Float32Array;
}

export interface StaticModel extends ModelTables {
  /** The text's token ids in order, unknown ones left out, at most 256. Never empty: a text without tokens is one unknown token. */
  tokenIds(text: string): readonly number[];
  /** Unit-length vector of a text. */
  vector(text: string): Float32Array;
  /** Writes the text's vector to `target[offset .. offset + dimensions]`. */
  writeVector(text: string, target: Float32Array, offset: number): void;
}

/** Reads the model of a folder. @throws UserError when its files are missing or damaged */
export async function loadStaticModel(folder: string): Promise<StaticModel> {
  const [{ tables }, tokenizerJson] = await Promise.all([readTables(folder), readTokenizer(folder)]);
  return createStaticModel(tables, tokenizerJson);
}

/**
 * Reads the tables into shared memory.
 * @returns also `digest`, which changes when the file does
 * @throws UserError when the file is missing or damaged
 */
export async function readTables(folder: string): Promise<{ readonly tables: ModelTables; readonly digest: string }> {
  try {
    const file = await readFile(join(folder, "model.safetensors"));
    return { tables: parseTables(file), digest: createHash("sha256").update(file).digest("hex").slice(0, 8) };
  } catch (thrown) {
    throw unusable(folder, thrown);
  }
}

/** The text of tokenizer.json. @throws UserError when it is missing */
export async function readTokenizer(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, "tokenizer.json"), "utf8");
  } catch (thrown) {
    throw unusable(folder, thrown);
  }
}

/** @param tokenizerJson content of the model's tokenizer.json */
export function createStaticModel(tables: ModelTables, tokenizerJson: string): StaticModel {
  const { dimensions, rows, scales } = tables;
  const tokens = createTokenReader(tokenizerJson);
  const sums = new Float64Array(dimensions);

  function tokenIds(text: string): readonly number[] {
    const ids = tokens.read(text, TOKENS_PER_TEXT);
    return ids.length > 0 ? ids : [tokens.unknownId];
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
    tokenIds,
    writeVector,
    vector(text) {
      const vector = new Float32Array(dimensions);
      writeVector(text, vector, 0);
      return vector;
    },
  };
}

const tensor = z.object({
  dtype: z.string(),
  shape: z.array(z.int().positive()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const header = z.object({ rows: tensor, scales: tensor, idf: tensor });

/** safetensors: 8 bytes header length, a JSON header, raw little-endian tensors. https://huggingface.co/docs/safetensors */
function parseTables(file: Buffer): ModelTables {
  const dataStart = 8 + Number(file.readBigUInt64LE(0));
  if (dataStart > file.length) throw new Error("model.safetensors ends inside its header");
  const { rows, scales, idf } = header.parse(JSON.parse(file.toString("utf8", 8, dataStart)));
  const [tokens = 0, dimensions = 0] = rows.shape;

  function bytes(name: string, { dtype, shape, data_offsets: [from, to] }: z.infer<typeof tensor>, expected: string) {
    if (`${dtype} ${shape.join(" x ")}` !== expected) throw new Error(`${name} is ${dtype} ${shape}, not ${expected}`);
    const length = shape.reduce((product, size) => product * size, dtype === "I8" ? 1 : 4);
    if (to - from !== length || dataStart + to > file.length) throw new Error(`${name} is cut off`);
    const shared = new SharedArrayBuffer(length);
    new Uint8Array(shared).set(file.subarray(dataStart + from, dataStart + to));
    return shared;
  }

  return {
    dimensions,
    rows: new Int8Array(bytes("rows", rows, `I8 ${tokens} x ${dimensions}`)),
    scales: new Float32Array(bytes("scales", scales, `F32 ${tokens}`)),
    idf: new Float32Array(bytes("idf", idf, `F32 ${tokens}`)),
  };
}

function unusable(folder: string, thrown: unknown): UserError {
  const cause = toError(thrown);
  return new UserError(
    `The built-in model in ${folder} cannot be read (${cause.message}). Its files come with the package: install it again.`,
    { cause },
  );
}
