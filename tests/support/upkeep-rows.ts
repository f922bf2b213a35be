// Rows of an index that gets a vector index early, because its vectors are long.

import type { EmbeddingSpace } from "../../src/ports/embedder.ts";
import type { IndexRow } from "../../src/ports/vector-index.ts";
import { indexRow, unitVector } from "./index-store.ts";

export const tallSpace: EmbeddingSpace = { modelId: "tall", dimensions: 1_280, fingerprint: "tall-1280" };

/** Each with a word of its own, and a vector in a direction of its own. */
export function upkeepRows(from: number, count: number): IndexRow[] {
  return Array.from({ length: count }, (_, n) => {
    const id = from + n;
    return indexRow({ id: String(id), text: `word${id} and others`, vector: unitVector(id, tallSpace.dimensions) });
  });
}
