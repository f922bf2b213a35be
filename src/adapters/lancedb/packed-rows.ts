// What a search reads of a row beside its search text, as one column of bytes. Each column of a row lies elsewhere: one read of a file, and 3 ms
// a search. Little-endian: flags (2 bytes), dimensions (2), chunk (4), four ids (8 each), scale of the vector (4), the vector (1 byte a number),
// and the text, where the search text does not tell it.

import { END_OF_CONTEXT, splitSearchText } from "../../content-hash.ts";
import type { FoundRow, IndexRow } from "../../ports/vector-index.ts";

const IS_NOTE = 1;
const HAS_CONTEXT = 2;
const HAS_TEXT = 4;
const VECTOR_AT = 44;
/** Largest number of a vector, as stored. */
const MOST = 127;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface PackedRows {
  readonly valueOffsets: Int32Array;
  readonly data: Uint8Array;
}

export function packRows(rows: readonly IndexRow[], dimensions: number): PackedRows {
  const texts = rows.map(({ text, searchText }) => (text === splitSearchText(searchText).said ? undefined : text));
  // UTF-8 needs at most three bytes per UTF-16 code unit.
  const most = texts.reduce((total, text) => total + VECTOR_AT + dimensions + (text?.length ?? 0) * 3, 0);
  const data = new Uint8Array(most);
  const view = new DataView(data.buffer);
  const valueOffsets = new Int32Array(rows.length + 1);
  let at = 0;
  rows.forEach((row, index) => {
    const text = texts[index];
    const flags =
      (row.kind === "note" ? IS_NOTE : 0) |
      (row.searchText.includes(END_OF_CONTEXT) ? HAS_CONTEXT : 0) |
      (text === undefined ? 0 : HAS_TEXT);
    view.setUint16(at, flags, true);
    view.setUint16(at + 2, dimensions, true);
    view.setInt32(at + 4, row.chunk, true);
    [row.id, row.channelId, row.authorId, row.contextId ?? "0"].forEach((id, n) => {
      view.setBigInt64(at + 8 + n * 8, BigInt(id), true);
    });
    const scale = largest(row.vector) / MOST;
    view.setFloat32(at + 40, scale, true);
    if (scale > 0) {
      const numbers = new Int8Array(data.buffer, at + VECTOR_AT, dimensions);
      for (let i = 0; i < dimensions; i += 1) numbers[i] = Math.round((row.vector[i] as number) / scale);
    }
    at += VECTOR_AT + dimensions;
    at += encoder.encodeInto(text ?? "", data.subarray(at)).written;
    valueOffsets[index + 1] = at;
  });
  return { valueOffsets, data: data.subarray(0, at) };
}

function largest(vector: Float32Array): number {
  let most = 0;
  for (let i = 0; i < vector.length; i += 1) most = Math.max(most, Math.abs(vector[i] as number));
  return most;
}

/**
 * One row.
 * @param searchText of the same row: a neighbour's words may have been taken out of it, and then it has none any more
 */
export function unpackRow(packed: Uint8Array, searchText: string): Omit<FoundRow, "textScore"> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const [flags, dimensions] = [view.getUint16(0, true), view.getUint16(2, true)];
  const idAt = (n: number) => String(view.getBigInt64(8 + n * 8, true));
  const contextId = idAt(3);
  const isCut = (flags & HAS_CONTEXT) !== 0 && !searchText.includes(END_OF_CONTEXT);
  const scale = view.getFloat32(40, true);
  const numbers = new Int8Array(packed.buffer, packed.byteOffset + VECTOR_AT, dimensions);
  const vector = new Float32Array(dimensions);
  for (let i = 0; i < dimensions; i += 1) vector[i] = (numbers[i] as number) * scale;
  const hasText = (flags & HAS_TEXT) !== 0;
  return {
    id: idAt(0),
    chunk: view.getInt32(4, true),
    kind: (flags & IS_NOTE) === 0 ? "message" : "note",
    channelId: idAt(1),
    authorId: idAt(2),
    ...(contextId !== "0" && !isCut && { contextId }),
    text: hasText ? decoder.decode(packed.subarray(VECTOR_AT + dimensions)) : splitSearchText(searchText).said,
    searchText,
    vector,
  };
}
