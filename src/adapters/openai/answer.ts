// Reads an answer to /v1/embeddings without believing it: HTTP 200 proves nothing.

import { RejectedInputError, TransientError } from "../../errors.ts";
import { CHECK_ADDRESS, UnexplainedError } from "./faults.ts";

/** No request has more. */
const MOST_TOKENS = 100_000_000;

export interface Answer {
  /** Unit length, in the order of the texts. */
  readonly vectors: Float32Array[];
  readonly dimensions: number;
  /** The model's name according to the server; empty when it does not say. */
  readonly modelName: string;
  readonly encoding: "base64" | "float";
  /** Tokens that the server counted in the texts; undefined when it does not say. */
  readonly tokens: number | undefined;
}

/**
 * @param body the answer's JSON, of unknown shape
 * @param count how many texts were sent, at least 1
 * @param where for messages, e.g. "The embedding server at localhost:1234"
 * @throws TransientError when the answer as a whole cannot be trusted
 * @throws RejectedInputError when some vectors are good and others are not numbers or zero: it is those texts
 */
export function readAnswer(body: unknown, count: number, where: string): Answer {
  const { data, model, usage } = (body ?? {}) as { data?: unknown; model?: unknown; usage?: unknown };
  if (!Array.isArray(data))
    throw new TransientError(`${where} answers with something else than embeddings. ${CHECK_ADDRESS}`);
  if (data.length !== count) {
    // OpenRouter answers with none for base64 that the model's host cannot make: perhaps another form is answered.
    const Failure = data.length === 0 ? UnexplainedError : TransientError;
    throw new Failure(`${where} answered ${data.length} vectors for ${count} texts.`);
  }
  const raw = inOrder(data, where);
  if (raw.some((value) => Array.isArray(value) && ["object", "string"].includes(typeof (value[0] ?? 0)))) {
    throw new TransientError(
      `${where} answers with a vector for each word instead of one for the text: this server does not pool. Start it with pooling (llama.cpp: --pooling mean), or load an embedding model.`,
    );
  }
  const dimensions = lengthOf(raw[0]);
  if (raw.every((value) => !(lengthOf(value) > 0))) {
    throw new UnexplainedError(`${where} answered ${count === 1 ? "an empty vector" : "empty vectors"}.`);
  }
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
    tokens: tokensIn(usage),
  };
}

function tokensIn(usage: unknown): number | undefined {
  const { prompt_tokens, total_tokens } = (usage ?? {}) as { prompt_tokens?: unknown; total_tokens?: unknown };
  // Some servers fill in zeros.
  const tokens = [total_tokens, prompt_tokens].find((each) => typeof each === "number" && each > 0) as
    | number
    | undefined;
  // What no request can have is not counted, and what is counted is added up for months.
  return tokens === undefined || tokens > MOST_TOKENS ? undefined : Math.ceil(tokens);
}

/**
 * The embeddings in the order of the texts. A missing index is 0: Gemini's compatible endpoint leaves that one out. Where all are 0
 * they say nothing, and the list is in order; otherwise they only need to differ.
 * @throws TransientError when indexes contradict each other
 */
function inOrder(data: readonly unknown[], where: string): unknown[] {
  const items = data.map((item) => {
    const { index, embedding } = (item ?? {}) as { index?: unknown; embedding?: unknown };
    if (!Number.isInteger(index ?? 0)) throw contradiction(where, index);
    return { index: (index ?? 0) as number, embedding };
  });
  if (!items.every(({ index }) => index === 0)) {
    items.sort((a, b) => a.index - b.index);
    const twice = items.find(({ index }, i) => index === items[i + 1]?.index);
    if (twice) throw contradiction(where, twice.index);
  }
  return items.map(({ embedding }) => embedding);
}

function contradiction(where: string, index: unknown): TransientError {
  return new TransientError(`${where} does not say which vector belongs to which text (index ${String(index)}).`);
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
