// What a candidate's conversation says: a message is found by the words of those that it answers or follows, and of those that answer or
// follow it. Pure.

import { splitSearchText } from "../content-hash.ts";
import type { FoundRow } from "../ports/vector-index.ts";

/** What is compared with the query. */
export interface Candidate {
  /** The message's own words, with author and title before them. */
  readonly own: string;
  /** Without these: the end of `own`. */
  readonly said: string;
  /** Those of the one that it answers or follows, where that is none of the candidates; may be empty. */
  readonly context: string;
  /** The candidate that it answers or follows, by its place: one before its own. */
  readonly neighbour: number | undefined;
}

/** What a word counts less with each further step along a conversation. Measured: flat from 0.6 to 0.8. */
const FURTHER_SHARE = 0.7;

/** @param rows oldest first */
export function candidatesOf(rows: readonly Pick<FoundRow, "id" | "contextId" | "searchText">[]): Candidate[] {
  const places = new Map<string, number>();
  return rows.map(({ id, contextId, searchText }, place) => {
    const neighbour = contextId === undefined ? undefined : places.get(contextId);
    // Of a long message, the first of its rows.
    if (!places.has(id)) places.set(id, place);
    const { own, context, said } = splitSearchText(searchText);
    return { own, said, context: neighbour === undefined ? context : "", neighbour };
  });
}

export interface Neighbourhood {
  /** How much of a word stands before each candidate in its conversation, and how much after it; overwritten by the next call. */
  read(own: Float32Array, context: Float32Array): { readonly before: Float32Array; readonly after: Float32Array };
}

/** How much of one word or n-gram the neighbours of each have; one n steps away counts 0.7^(n - 1). */
export function createNeighbourhood(candidates: readonly Pick<Candidate, "neighbour">[]): Neighbourhood {
  const neighbours = Int32Array.from(candidates, ({ neighbour }) => neighbour ?? -1);
  const before = new Float32Array(candidates.length);
  const after = new Float32Array(candidates.length);
  return {
    read(own, context) {
      after.fill(0);
      for (let c = 0; c < neighbours.length; c += 1) {
        const n = neighbours[c] as number;
        before[c] = n < 0 ? (context[c] as number) : Math.max(own[n] as number, FURTHER_SHARE * (before[n] as number));
      }
      for (let c = neighbours.length - 1; c >= 0; c -= 1) {
        const n = neighbours[c] as number;
        if (n < 0) continue;
        after[n] = Math.max(after[n] as number, own[c] as number, FURTHER_SHARE * (after[c] as number));
      }
      return { before, after };
    },
  };
}
