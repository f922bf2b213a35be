// One way to put something around every call of an index: pooling, deadlines.

import type { VectorIndex } from "./vector-index.ts";

/** What each method does to the rows: changes them, reads what a change will rest on, or only reads. */
export const indexMethods = {
  write: "changes",
  removeIds: "changes",
  removeScope: "changes",
  removeRun: "changes",
  removeContext: "changes",
  keys: "decides",
  affected: "decides",
  holds: "decides",
  newestId: "decides",
  stats: "decides",
  refresh: "decides",
  rows: "reads",
  candidates: "reads",
  latest: "reads",
  sampleRows: "reads",
  sampleVectors: "reads",
  count: "reads",
  tag: "reads",
  untag: "reads",
  wornParts: "reads",
  renewPart: "reads",
  optimize: "maintains",
} as const satisfies Record<Exclude<keyof VectorIndex, "space" | "close">, string>;

export type IndexMethod = keyof typeof indexMethods;
export type IndexCall = (...given: readonly unknown[]) => Promise<unknown>;

/** A method as it can be called without knowing which it is. */
export const callOf = (index: VectorIndex, name: IndexMethod): IndexCall => index[name] as IndexCall;

/** @param around makes what is called in place of each method; it must pass on what it is given, and answer what the method answers */
export function decorateIndex(
  { space, close }: Pick<VectorIndex, "space" | "close">,
  around: (name: IndexMethod) => IndexCall,
): VectorIndex {
  const names = Object.keys(indexMethods) as IndexMethod[];
  const methods = Object.fromEntries(names.map((name) => [name, around(name)])) as Record<IndexMethod, IndexCall>;
  return { space, close, ...methods } as VectorIndex;
}
