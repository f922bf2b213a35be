// Reads the built-in model's files. What it then does is in static-model.ts.

import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { toError, UserError } from "../../errors.ts";
import { parseVocabulary } from "./parse-vocabulary.ts";
import { createStaticModel, type ModelTables, type StaticModel } from "./static-model.ts";

/**
 * Reads the files into shared memory: once, for all that use the model and for all threads.
 * @throws UserError when one is missing or damaged
 */
export async function loadStaticModel(folder: string): Promise<StaticModel> {
  try {
    const [tensors, tokenizer] = await Promise.all([
      readShared(join(folder, "model.safetensors")),
      readFile(join(folder, "tokenizer.json")),
    ]);
    return createStaticModel({
      digest: createHash("sha256").update(tensors).update(tokenizer).digest("hex").slice(0, 8),
      vocabulary: parseVocabulary(tokenizer.toString("utf8")),
      ...parseTensors(tensors),
    });
  } catch (thrown) {
    const cause = toError(thrown);
    throw new UserError(
      `The built-in model in ${folder} cannot be read (${cause.message}). Its files come with the package: install it again.`,
      { cause },
    );
  }
}

async function readShared(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) throw new Error(`${path} ended at ${filled} of ${size} bytes`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

const tensor = z.object({
  dtype: z.string(),
  shape: z.array(z.int().positive()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const header = z.object({ rows: tensor, scales: tensor, idf: tensor });

/** safetensors: 8 bytes header length, a JSON header, raw little-endian tensors. https://huggingface.co/docs/safetensors */
function parseTensors(file: Uint8Array): Pick<ModelTables, "dimensions" | "rows" | "scales" | "idf"> {
  const bytes = Buffer.from(file.buffer);
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  if (dataStart > bytes.length) throw new Error("model.safetensors ends inside its header");
  const { rows, scales, idf } = header.parse(JSON.parse(bytes.toString("utf8", 8, dataStart)));
  const [tokens = 0, dimensions = 0] = rows.shape;

  /** Where the tensor lies in the file. */
  function place(name: string, { dtype, shape, data_offsets: [from, to] }: z.infer<typeof tensor>, expected: string) {
    if (`${dtype} ${shape.join(" x ")}` !== expected) throw new Error(`${name} is ${dtype} ${shape}, not ${expected}`);
    const length = shape.reduce((product, size) => product * size, 1);
    if (to - from !== length * (dtype === "I8" ? 1 : 4) || dataStart + to > bytes.length) {
      throw new Error(`${name} is cut off`);
    }
    return [file.buffer, dataStart + from, length] as const;
  }

  return {
    dimensions,
    rows: new Int8Array(...place("rows", rows, `I8 ${tokens} x ${dimensions}`)),
    scales: new Float32Array(...place("scales", scales, `F32 ${tokens}`)),
    idf: new Float32Array(...place("idf", idf, `F32 ${tokens}`)),
  };
}
