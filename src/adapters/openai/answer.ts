// Reads an answer to /v1/embeddings without believing it: HTTP 200 proves nothing.

import { RejectedInputError, TransientError } from "../../errors.ts";

export interface Answer {
  /** Unit length, in the order of the texts. */
  readonly vectors: Float32Array[];
  readonly dimensions: number;
  /** The model's name according to the server; empty when it does not say. */
  readonly modelName: string;
  readonly encoding: "base64" | "float";
}

/**
 * @param body the answer's JSON, of unknown shape
 * @param count how many texts were sent, at least 1
 * @param where for messages, e.g. "The embedding server at localhost:1234"
 * @throws TransientError when the answer as a whole cannot be trusted
 * @throws RejectedInputError when some vectors are good and others are not numbers or zero: it is those texts
 */
export function readAnswer(body: unknown, count: number, where: string): Answer {
  const { data, model } = (body ?? {}) as { data?: unknown; model?: unknown };
  if (!Array.isArray(data)) throw new TransientError(`${where} answers with something else than embeddings.`);
  if (data.length !== count) {
    throw new TransientError(`${where} answered ${data.length} vectors for ${count} texts.`);
  }
  const raw = inOrder(data, where);
  const dimensions = lengthOf(raw[0]);
  const other = raw.find((value) => lengthOf(value) !== dimensions);
  if (!Number.isInteger(dimensions) || dimensions === 0 || other !== undefined) {
    throw new TransientError(
      `${where} answered vectors of different or impossible lengths (${dimensions} and ${lengthOf(other)} numbers).`,
    );
  }
  const flat = new Float32Array(count * dimensions);
  const vectors = raw.map((value, i) => {
    const vector = flat.subarray(i * dimensions, (i + 1) * dimensions);
    fill(vector, value);
    return vector;
  });
  const bad = vectors.filter((vector) => !makeUnitLength(vector)).length;
  if (bad === count && count > 1) {
    throw new TransientError(`${where} answers with empty or broken vectors only. Load the model again.`);
  }
  if (bad > 0) throw new RejectedInputError(`${where} gave no usable vector for ${bad} of ${count} texts.`);
  return {
    vectors,
    dimensions,
    modelName: typeof model === "string" ? model : "",
    encoding: typeof raw[0] === "string" ? "base64" : "float",
  };
}

/** The embeddings, sorted by `index`; each index exactly once. */
function inOrder(data: readonly unknown[], where: string): unknown[] {
  const sorted = new Array<unknown>(data.length);
  const seen = new Set<unknown>();
  for (const item of data) {
    const { index, embedding } = (item ?? {}) as { index?: unknown; embedding?: unknown };
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= data.length || seen.has(index)) {
      throw new TransientError(`${where} does not say which vector belongs to which text (index ${String(index)}).`);
    }
    seen.add(index);
    sorted[index] = embedding;
  }
  return sorted;
}

/** How many numbers a vector has: an array of numbers, or little-endian float32 in base64. NaN when it is neither. */
function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value, "base64") / 4;
  return Array.isArray(value) ? value.length : Number.NaN;
}

function fill(vector: Float32Array, value: unknown): void {
  if (typeof value === "string") {
    const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    // Fewer bytes than announced means that it was not base64.
    if (bytes.write(value, "base64") < bytes.length) vector.fill(Number.NaN);
  } else {
    // JSON has no NaN: it arrives as null, which a typed array would silently take for 0.
    (value as unknown[]).forEach((number, i) => {
      vector[i] = typeof number === "number" ? number : Number.NaN;
    });
  }
}

/** @returns false when the vector is zero or not all numbers */
function makeUnitLength(vector: Float32Array): boolean {
  let squares = 0;
  for (let i = 0; i < vector.length; i += 1) squares += (vector[i] as number) ** 2;
  if (!(squares > 0 && squares < Number.POSITIVE_INFINITY)) return false;
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] as number) * scale;
  return true;
}
