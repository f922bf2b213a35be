// A guild's index as a search sees it: one generation, or several while the model, the texts or the columns change. Each record is taken
// from the first generation that holds it, whether or not the viewer may see it there: a former one must not show what the present one
// no longer lets them read.

import type { EmbedQuery } from "../ports/embedder.ts";
import type { FormerIndex, FoundRow, IndexRow, SearchFilter } from "../ports/vector-index.ts";
import { compareSnowflakes } from "../snowflake.ts";
import type { UnrelatedTexts } from "./guild-sample.ts";

type Part = Pick<
  FormerIndex,
  "space" | "candidates" | "rows" | "latest" | "sampleRows" | "sampleVectors" | "count" | "holds"
>;

export interface SearchedGeneration {
  readonly index: Part;
  /** In the space of its rows; the same function for the same space. Undefined: its embedder is gone, and it answers by words. */
  readonly embedQuery: EmbedQuery | undefined;
}

/** What one generation found, to be ranked with what the others found. */
export interface CandidateGroup {
  readonly rows: readonly FoundRow[];
  /** Found, too, but to be taken from an earlier generation: they tell how good the best of this one is. */
  readonly shadowed?: readonly FoundRow[];
  /** Of the query, in the space of these rows. */
  readonly vector: Float32Array | undefined;
  /** Undefined: unrelated texts of this space have a cosine of 0. */
  readonly unrelated?: UnrelatedTexts | undefined;
}

/** All generations as one. */
export interface SearchedIndex extends Pick<FormerIndex, "latest" | "count"> {
  readonly generations: readonly SearchedGeneration[];
  /** What each generation finds, without what an earlier one holds. */
  candidates(
    asked: Omit<Parameters<FormerIndex["candidates"]>[0], "vector">,
    vectors: readonly Promise<Float32Array | undefined>[],
  ): Promise<CandidateGroup[]>;
  /** The rows of a record, if the viewer may see it. */
  rowsOf(id: IndexRow["id"], filter: SearchFilter): Promise<IndexRow[]>;
  /** The one with the most rows, for what a sample of the guild's texts tells. */
  fullest(): Promise<Part>;
}

/** @param generations at least one; the first comes first */
export function searchedIndex(generations: readonly SearchedGeneration[]): SearchedIndex {
  const [first] = generations;
  if (first === undefined) throw new Error("a guild has at least one generation");
  const isOne = generations.length === 1;

  /** Rows of each generation without those of records that an earlier one holds. */
  async function unshadowed<Row extends Pick<IndexRow, "id">>(found: readonly (readonly Row[])[]) {
    return await Promise.all(
      found.map(async (rows, place) => {
        const ids = [...new Set(rows.map(({ id }) => id))];
        if (place === 0 || ids.length === 0) return rows;
        const held = await Promise.all(generations.slice(0, place).map(({ index }) => index.holds(ids)));
        const shadowed = new Set(held.flat());
        return rows.filter(({ id }) => !shadowed.has(id));
      }),
    );
  }

  return {
    generations,

    async candidates(asked, vectors) {
      const vectorOf = (place: number) => vectors[place] ?? Promise.resolve(undefined);
      const found = await Promise.all(
        generations.map(({ index }, place) => index.candidates({ ...asked, vector: vectorOf(place) })),
      );
      const own = await unshadowed(found);
      return await Promise.all(
        own.map(async (rows, place) => {
          const taken = new Set(rows);
          const shadowed = (found[place] ?? []).filter((row) => !taken.has(row));
          return { rows, shadowed, vector: await vectorOf(place) };
        }),
      );
    },

    async rowsOf(id, filter) {
      for (const { index } of generations) {
        if (isOne || (await index.holds([id])).length > 0) return await index.rows([id], filter);
      }
      return [];
    },

    async latest(filter, limit, offset) {
      if (isOne) return await first.index.latest(filter, limit, offset);
      const found = await Promise.all(generations.map(({ index }) => index.latest(filter, offset + limit, 0)));
      return (await unshadowed(found))
        .flat()
        .sort((one, other) => compareSnowflakes(other.id, one.id))
        .slice(offset, offset + limit);
    },

    // A record in two of them counts twice: it is only asked whether there are any.
    async count(filter) {
      const counts = await Promise.all(generations.map(({ index }) => index.count(filter)));
      return counts.reduce((sum, each) => sum + each, 0);
    },

    async fullest() {
      if (isOne) return first.index;
      const counts = await Promise.all(generations.map(({ index }) => index.count()));
      return generations[counts.indexOf(Math.max(...counts))]?.index ?? first.index;
    },
  };
}
