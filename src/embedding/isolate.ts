// Finds the text that an embedder refuses: bisects the batch down to the culprit, shortens what is too long, and makes sure with
// a canary that it is the text and not the embedder. One refused text never holds up the others.

import { RejectedInputError, TransientError } from "../errors.ts";
import { CANARY } from "./circuit-breaker.ts";

/** A single text is refused this often before it is given up. */
const TRIES = 3;
/** How often a text that is too long is halved. */
const SHORTENINGS = 4;

export type EmbedTexts = (texts: readonly string[]) => Promise<Float32Array[]>;

/** A vector, or why this text cannot have one. */
export type Embedded = Float32Array | { readonly refused: string; readonly attempts: number };

/**
 * Embeds a batch; texts that are refused come back as such, in their places.
 * @throws TransientError when the embedder is at fault: then nothing is charged to any text
 */
export async function embedEach(embed: EmbedTexts, texts: readonly string[]): Promise<Embedded[]> {
  try {
    return await embed(texts);
  } catch (thrown) {
    if (!(thrown instanceof RejectedInputError)) throw thrown;
    const first = texts[0];
    if (first === undefined) return [];
    if (texts.length === 1) return [await embedAlone(embed, first, thrown)];
    const half = Math.ceil(texts.length / 2);
    const left = await embedEach(embed, texts.slice(0, half));
    return [...left, ...(await embedEach(embed, texts.slice(half)))];
  }
}

/** The text alone has been refused once already. */
async function embedAlone(embed: EmbedTexts, text: string, refusal: RejectedInputError): Promise<Embedded> {
  let last = refusal;
  let attempts = 1;
  let shortened = text;
  for (let shortenings = 0; last.reason === "too-long" && shortenings < SHORTENINGS; shortenings += 1) {
    shortened = shortened.slice(0, Math.ceil(shortened.length / 2)).toWellFormed();
    const outcome = await tryOnce(embed, shortened);
    if (outcome instanceof Float32Array) return outcome;
    last = outcome;
    attempts += 1;
  }
  while (attempts < TRIES) {
    const outcome = await tryOnce(embed, shortened);
    if (outcome instanceof Float32Array) return outcome;
    last = outcome;
    attempts += 1;
  }
  await requireCanary(embed);
  return { refused: last.message, attempts };
}

async function tryOnce(embed: EmbedTexts, text: string): Promise<Float32Array | RejectedInputError> {
  try {
    const [vector] = await embed([text]);
    return vector ?? new RejectedInputError("the embedder answered without a vector");
  } catch (thrown) {
    if (thrown instanceof RejectedInputError) return thrown;
    throw thrown;
  }
}

async function requireCanary(embed: EmbedTexts): Promise<void> {
  const outcome = await tryOnce(embed, CANARY);
  if (outcome instanceof RejectedInputError) {
    throw new TransientError(`the embedder refuses even a harmless text: ${outcome.message}`, { cause: outcome });
  }
}
