// The canary: a harmless text whose vector is known. That it fails shows that the embedder is at fault and no record; that it gets
// another vector than before shows that vectors come for the wrong texts, or from another model, though every answer looks right.

import { RejectedInputError, TransientError } from "../errors.ts";
import type { KnownCanary } from "../ports/vector-checks.ts";
import { dot } from "../vectors.ts";
import type { EmbeddingPriority, EmbeddingQueue } from "./queue.ts";

/** Any embedder accepts these. */
export const CANARY = "The quick brown fox jumps over the lazy dog.";
const OTHER = "Invoices are due within thirty days of delivery, net of tax.";
/** The canary's vector is wrong from this far on, where 1 is how far a text about something else is from it. */
const WRONG_FROM = 0.4;
/** Vectors of different texts this close together are one vector for everything. Cosine. */
const CONSTANT = 0.99999;

/** Vectors come, but they are not those of the texts. Not worth another try by itself: somebody has to look at the server. */
export class WrongVectorsError extends Error {
  override readonly name = "WrongVectorsError";
}

/** Where a canary's vector outlives the process, so that it notices another model that answers by the same name. */
export interface CanaryMemory {
  load(): Promise<KnownCanary | undefined>;
  save(known: KnownCanary): Promise<void>;
}

export interface CanaryRequest {
  readonly priority: EmbeddingPriority;
  readonly signal: AbortSignal;
  /** See `EmbeddingQueue.embed`. */
  readonly stop?: AbortSignal;
  readonly withinMs?: number | undefined;
  /** See `EmbeddingQueue.embed`. */
  readonly onUse?: ((tokens: number, isCounted: boolean) => void) | undefined;
}

export interface CanaryCheck {
  /** Called whenever its vector is not its own, whoever has sent it. */
  onWrong(listener: () => void): void;
  /**
   * Sends the canary, and compares its vector with the known one if there is one.
   * @throws TransientError when it gets no vector, or not its own: the embedder is at fault
   */
  send(request: CanaryRequest): Promise<void>;
  /** Learns the canary's vector, each text in a request of its own, unless it is known. @throws as `send`, WrongVectorsError */
  learn(request: CanaryRequest): Promise<void>;
  /**
   * Sends texts, at most one less than fit a request, with the canary in the midst of them.
   * @returns the texts' vectors
   * @throws WrongVectorsError when the canary's is not its own; whatever the queue throws
   */
  takeAlong(texts: readonly string[], request: CanaryRequest): Promise<Float32Array[]>;
  /** Both: a harmless request of several texts comes back right. @throws as these */
  check(request: CanaryRequest): Promise<void>;
}

/** @param memory of the queue's embedder's vectors; undefined: it is learnt anew by each process */
export function createCanaryCheck(queue: EmbeddingQueue, memory?: CanaryMemory): CanaryCheck {
  let known: KnownCanary | undefined;
  let recalling: Promise<void> | undefined;
  /** The canary's vector while it is not known yet how far others are from it: a server may answer only now and then. */
  let first: Float32Array | undefined;

  let tellWrong = () => {};

  const embed = (texts: readonly string[], request: CanaryRequest) =>
    queue.embed(texts, { use: "document", ...request });

  async function embedAlone(text: string, request: CanaryRequest): Promise<Float32Array> {
    try {
      const [vector] = await embed([text], request);
      if (vector !== undefined) return vector;
    } catch (thrown) {
      if (!(thrown instanceof RejectedInputError)) throw thrown;
      throw new TransientError(`the search model refuses even a harmless text: ${thrown.message}`, { cause: thrown });
    }
    throw new TransientError("the search model answered without a result");
  }

  function whatIsWrong(vector: Float32Array): string | undefined {
    if (known === undefined) return undefined;
    const distance = (1 - dot(vector, known.vector)) / Math.max(1 - known.unrelated, Number.EPSILON);
    if (distance < WRONG_FROM) return undefined;
    tellWrong();
    return (
      "the vectors that come are not those of the texts: a test sentence that went along got another one than before. " +
      "Either the server mixes up the texts of a request, or another model answers. If the model was changed on purpose, " +
      "it needs a name of its own (EMBEDDINGS_MODEL)"
    );
  }

  async function recall(): Promise<void> {
    recalling ??= (async () => {
      known ??= await memory?.load();
    })();
    await recalling;
  }

  const send = async (request: CanaryRequest) => {
    await recall();
    const wrong = whatIsWrong(await embedAlone(CANARY, request));
    if (wrong !== undefined) throw new TransientError(wrong);
  };

  async function learn(request: CanaryRequest): Promise<void> {
    await recall();
    if (known !== undefined) return;
    first ??= await embedAlone(CANARY, request);
    const vector = first;
    const unrelated = dot(vector, await embedAlone(OTHER, request));
    // A vector of one number, of unit length, says nothing.
    if (unrelated > CONSTANT && vector.length > 1) {
      first = undefined;
      throw new WrongVectorsError("the server gives the same vector to texts that have nothing in common");
    }
    known ??= { vector, unrelated };
    await memory?.save(known);
  }

  async function takeAlong(texts: readonly string[], request: CanaryRequest): Promise<Float32Array[]> {
    // A server that takes one text at a time.
    if (queue.embedder.limits.textsPerRequest === 1) {
      await send(request);
      return await embed(texts, request);
    }
    // Not in the middle: that is where it would be in a reversed answer, too.
    const place = Math.floor(texts.length / 3);
    const vectors = await embed(texts.toSpliced(place, 0, CANARY), request);
    const wrong = vectors.splice(place, 1).map(whatIsWrong)[0];
    if (wrong !== undefined) throw new WrongVectorsError(wrong);
    return vectors;
  }

  return {
    onWrong(listener) {
      tellWrong = listener;
    },
    send,
    learn,
    takeAlong,
    async check(request) {
      await learn(request);
      await takeAlong([OTHER, OTHER].slice(0, Math.max(1, queue.embedder.limits.textsPerRequest - 1)), request);
    },
  };
}
