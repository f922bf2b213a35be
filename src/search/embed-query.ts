// The query's vectors: a search does not wait longer for one than it must, and goes on by words where there is none.

import { toError } from "../errors.ts";
import { getOrMake } from "../maps.ts";
import type { Clock } from "../ports/clock.ts";
import type { EmbedQuery } from "../ports/embedder.ts";
import type { SearchedIndex } from "./generations.ts";
import { NONSENSE } from "./nothing-close.ts";

/** A search does not wait longer than this for a vector; full text answers without it. */
const EMBEDDING_TIMEOUT_MS = 5_000;

/** A vector, or why there is none. */
export type Embedded = Float32Array | string;

export interface QueryVectors {
  /**
   * For each generation the query's vector, or why there is none; nothing where its embedder is gone. Each embedder is asked once.
   * Rejects only when the search itself is given up.
   * @param known vectors of the query that need no embedder, by generation
   */
  forEach(
    index: Pick<SearchedIndex, "generations">,
    text: string,
    known: readonly (Float32Array | undefined)[],
    signal?: AbortSignal,
  ): Promise<Embedded | undefined>[];
  /** Vectors of `NONSENSE`, asked for once; undefined when the embedder does not give them all now. */
  nonsense(embedQuery: EmbedQuery): Promise<readonly Float32Array[] | undefined>;
}

export function createQueryVectors(clock: Pick<Clock, "sleep">): QueryVectors {
  const knownNonsense = new WeakMap<EmbedQuery, Promise<readonly Embedded[]>>();

  async function embed(embedQuery: EmbedQuery, text: string, signal?: AbortSignal): Promise<Embedded> {
    const done = new AbortController();
    const tooLate = clock
      .sleep(EMBEDDING_TIMEOUT_MS, done.signal)
      .then(() => `no answer in ${EMBEDDING_TIMEOUT_MS} ms`);
    try {
      const waiting = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
      return await Promise.race([embedQuery(text, waiting), tooLate]);
    } catch (thrown) {
      signal?.throwIfAborted();
      return toError(thrown).message;
    } finally {
      done.abort();
    }
  }

  return {
    forEach({ generations }, text, known, signal) {
      const asked = new Map<EmbedQuery, Promise<Embedded>>();
      return generations.map(({ embedQuery }, place) => {
        const vector = known[place];
        if (vector !== undefined || embedQuery === undefined) return Promise.resolve(vector);
        return getOrMake(asked, embedQuery, () => embed(embedQuery, text, signal));
      });
    },

    async nonsense(embedQuery) {
      const ask = () => Promise.all(NONSENSE.map((text) => embed(embedQuery, text)));
      const asked = await getOrMake(knownNonsense, embedQuery, ask);
      const vectors = asked.filter((each) => typeof each !== "string");
      if (vectors.length === NONSENSE.length) return vectors;
      knownNonsense.delete(embedQuery);
      return undefined;
    },
  };
}
