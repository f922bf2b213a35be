// The built-in model's vocabulary, as a trie that all threads share: which tokens a text can be cut into, and where words end.
// parse-vocabulary.ts makes it of tokenizer.json, tokens.ts reads texts with it. A worker loads this and little else.

/**
 * A trie of all tokens, kept as a hash table of its edges: a node is the slot that the edge to it lies in, and the root the last slot.
 * Word beginnings ("ing") and continuations ("##ing") share their nodes, as in many scripts they share their ids, too.
 */
export interface Vocabulary {
  /**
   * Four numbers a slot: the parent node (-1 where the slot is free); a UTF-16 code unit, and above it which of the 16 classes of code
   * units have an edge from here, so that most steps into nothing cost no look-up; the ids of the tokens that end here, -1 where none.
   */
  readonly edges: Int32Array;
  /** Of each code point below 0x20000, its `CharacterKind`, and in the higher bits which of `runs` it belongs to, counted from 1. */
  readonly characters: Uint8Array;
  /** For runs of characters that are cut from what stands beside them: the most that stay together. */
  readonly longestRuns: readonly number[];
  /** A word of more code points is unknown. */
  readonly longestWord: number;
  readonly unknownId: number;
}

export const CharacterKind = { letter: 0, space: 1, mark: 2 } as const;
export const KIND_BITS = 2;
export const NUMBERS_PER_SLOT = 4;
/** Places within a slot: of the code unit, and of the ids. */
const EDGE = 1;
export const AT_START = 2;
export const CONTINUING = 3;
/** No code point from here on is white space or punctuation. */
export const CLASSIFIED_CODE_POINTS = 0x20000;

/**
 * The node that a code unit leads to, or -1.
 * @param node the root is `rootOf(edges)`
 */
export function step(edges: Int32Array, node: number, codeUnit: number): number {
  const edgesFromHere = edges[node * NUMBERS_PER_SLOT + EDGE] as number;
  if (((edgesFromHere >>> classBit(codeUnit)) & 1) === 0) return -1;
  const last = rootOf(edges) - 1;
  for (let slot = firstSlot(node, codeUnit, last); ; slot = (slot + 1) & last) {
    const parent = edges[slot * NUMBERS_PER_SLOT];
    if (parent === node && ((edges[slot * NUMBERS_PER_SLOT + EDGE] as number) & 0xffff) === codeUnit) return slot;
    if (parent === -1) return -1;
  }
}

export const rootOf = (edges: Int32Array): number => edges.length / NUMBERS_PER_SLOT - 1;
const classBit = (codeUnit: number): number => 16 + (codeUnit & 15);

/** @param last number of the last slot, all ones in binary */
function firstSlot(node: number, codeUnit: number, last: number): number {
  const mixed = Math.imul(Math.imul(node, 0x9e3779b1) ^ codeUnit, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) & last;
}

/** @returns the new node; there is no edge for this code unit yet, and at least one slot is free */
export function addEdge(edges: Int32Array, node: number, codeUnit: number): number {
  const last = rootOf(edges) - 1;
  let slot = firstSlot(node, codeUnit, last);
  while (edges[slot * NUMBERS_PER_SLOT] !== -1) slot = (slot + 1) & last;
  edges[slot * NUMBERS_PER_SLOT] = node;
  edges[slot * NUMBERS_PER_SLOT + EDGE] = codeUnit;
  edges[node * NUMBERS_PER_SLOT + EDGE] = (edges[node * NUMBERS_PER_SLOT + EDGE] as number) | (1 << classBit(codeUnit));
  return slot;
}

export function emptyTrie(slotBits: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((2 ** slotBits + 1) * NUMBERS_PER_SLOT * 4)).fill(-1);
}
