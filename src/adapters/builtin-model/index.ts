// The built-in model as an Embedder: splits a request over worker threads, so that the main thread stays free for Discord.

import { availableParallelism } from "node:os";
import { TransientError } from "../../errors.ts";
import type { Embedder } from "../../ports/embedder.ts";
import { slices } from "../../slices.ts";
import { type StaticModel, TOKENS_PER_TEXT } from "./static-model.ts";
import { createWorkerPool } from "./worker-pool.ts";

const MODEL_ID = "backscroll-static";
const TEXTS_PER_REQUEST = 1024;
/** Below this a second worker costs more than it saves. */
const TEXTS_PER_WORKER = 64;

export interface BuiltinEmbedderOptions {
  readonly model: StaticModel;
  /** Worker threads; by default a core is left to everything else, and two are enough to outrun the index. */
  readonly workers?: number;
}

/**
 * Starts the model's workers.
 * `embed` fails with a TransientError when a worker dies (a fresh one takes its place) and with the signal's reason when aborted.
 */
export async function createBuiltinEmbedder(options: BuiltinEmbedderOptions): Promise<Embedder> {
  const workers = options.workers ?? Math.min(2, Math.max(1, availableParallelism() - 1));
  const { tables, dimensions, digest } = options.model;
  const pool = createWorkerPool(workers, tables);

  async function embed(texts: readonly string[], _use: unknown, signal?: AbortSignal): Promise<Float32Array[]> {
    signal?.throwIfAborted();
    if (texts.length > TEXTS_PER_REQUEST) {
      throw new Error(`${texts.length} texts in one request; limits.textsPerRequest is ${TEXTS_PER_REQUEST}`);
    }
    const parts = Math.max(1, Math.min(workers, Math.floor(texts.length / TEXTS_PER_WORKER)));
    const answers = await Promise.all(
      slices(texts, Math.ceil(texts.length / parts)).map((slice) => pool.run(slice, signal)),
    );
    return answers.flatMap((flat) =>
      Array.from({ length: flat.length / dimensions }, (_, i) => flat.subarray(i * dimensions, (i + 1) * dimensions)),
    );
  }

  try {
    await embed(["warm up"], "document");
  } catch (thrown) {
    await pool.close();
    throw thrown instanceof TransientError ? new Error("The built-in model does not start", { cause: thrown }) : thrown;
  }
  return {
    space: { modelId: MODEL_ID, dimensions, fingerprint: `${MODEL_ID}-${dimensions}-${digest}` },
    settings: { kind: "built-in" },
    limits: {
      textsPerRequest: TEXTS_PER_REQUEST,
      tokensPerText: TOKENS_PER_TEXT,
      tokensPerRequest: TEXTS_PER_REQUEST * TOKENS_PER_TEXT,
      // One more than there are workers, so that none waits for its next request.
      parallelRequests: workers + 1,
    },
    embed,
    close: () => pool.close(),
  };
}
