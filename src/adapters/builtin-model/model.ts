// Reads the built-in model's files. What it then does is in static-model.ts.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { toError, UserError } from "../../errors.ts";
import { createStaticModel, type ModelTables, type StaticModel } from "./static-model.ts";

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
