// One half of an index's search alone, best first, as tests and measurements look at it.

import type { FoundRow, SearchFilter, VectorIndex } from "../../src/ports/vector-index.ts";

type Index = Pick<VectorIndex, "candidates">;

/** The nearest rows by cosine. */
export async function nearest(
  index: Index,
  vector: Float32Array,
  filter: SearchFilter,
  limit: number,
): Promise<FoundRow[]> {
  const found = await index.candidates({ text: "", vector: Promise.resolve(vector), filter, limit });
  return bestFirst(found, (row) => dot(row.vector, vector));
}

/** The best full-text matches. */
export async function matching(index: Index, text: string, filter: SearchFilter, limit: number): Promise<FoundRow[]> {
  const found = await index.candidates({ text, vector: Promise.resolve(undefined), filter, limit });
  return bestFirst(found, (row) => row.textScore ?? 0);
}

function bestFirst(rows: readonly FoundRow[], score: (row: FoundRow) => number): FoundRow[] {
  const scored = rows.map((row) => ({ row, score: score(row) }));
  return scored.sort((one, other) => other.score - one.score).map(({ row }) => row);
}

/** Orders as the cosine does: the rows' vectors are of unit length. */
function dot(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
}
