// A worker thread of the built-in model: texts in, one flat array of vectors out (transferred, not copied).

import { parentPort, workerData } from "node:worker_threads";
import { toError } from "../../errors.ts";
import { createStaticModel, type ModelTables } from "./static-model.ts";

export interface WorkerRequest {
  readonly id: number;
  readonly texts: readonly string[];
}
export type WorkerAnswer =
  | { readonly id: number; readonly vectors: Float32Array<ArrayBuffer> }
  | { readonly id: number; readonly error: string };

const model = createStaticModel(workerData as ModelTables);

parentPort?.on("message", ({ id, texts }: WorkerRequest) => {
  try {
    const vectors = new Float32Array(texts.length * model.dimensions);
    texts.forEach((text, i) => {
      model.writeVector(text, vectors, i * model.dimensions);
    });
    parentPort?.postMessage({ id, vectors } satisfies WorkerAnswer, [vectors.buffer]);
  } catch (thrown) {
    parentPort?.postMessage({ id, error: toError(thrown).message } satisfies WorkerAnswer);
  }
});
