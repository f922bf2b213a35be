// Into what blocks an object is cut: so much of it is fetched and kept together.

/** Parts of an index that are read here and there: words, and rows that a filter leaves. */
export const BLOCK_BYTES = 256 * 1024;
/** A search reads a hundred and more rows, each from another place. */
export const ROWS_BLOCK_BYTES = 64 * 1024;
/** Fewer requests and files for what is needed whole. */
export const WHOLE_BLOCK_BYTES = 2 * 1024 * 1024;
/** Of all that may be kept: of a larger object one half would put out the other, so it is read as it is asked for. */
const WHOLE_SHARE = 3 / 4;

export interface Cut {
  readonly blockBytes: number;
  /** What is asked for will be followed by all the rest. */
  readonly isReadWhole: boolean;
}

/** @param maxBytes all that may be kept, of everything */
export function cutOf(path: string, size: number, maxBytes: number): Cut {
  // The vectors: each search looks into all partitions.
  if (path.endsWith("/auxiliary.idx") && size <= maxBytes * WHOLE_SHARE) {
    return { blockBytes: WHOLE_BLOCK_BYTES, isReadWhole: true };
  }
  return { blockBytes: path.includes(".lance/data/") ? ROWS_BLOCK_BYTES : BLOCK_BYTES, isReadWhole: false };
}
