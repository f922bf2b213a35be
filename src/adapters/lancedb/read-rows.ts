// What LanceDB answers, as rows of ours.

import type { Query, TakeQuery, VectorQuery } from "@lancedb/lancedb";
import type { FoundRow, IndexRow, RowKey, SampledRow } from "../../ports/vector-index.ts";
import { snowflakeTime } from "../../snowflake.ts";
import { translate } from "./faults.ts";
import { fromHalves } from "./half-floats.ts";
import { unpackRow } from "./packed-rows.ts";

/** What LanceDB yields: a record batch of its own copy of apache-arrow, hence only the shape is relied on. */
export interface Batch {
  readonly numRows: number;
  getChild(name: string): { get(index: number): unknown } | null;
}

/** Everything that a query yields, read batch by batch. */
export async function collect<T>(
  query: Query | VectorQuery | TakeQuery,
  read: (batch: Batch) => readonly T[],
): Promise<T[]> {
  const found: T[] = [];
  try {
    for await (const batch of query) found.push(...read(batch));
  } catch (thrown) {
    throw translate(thrown);
  }
  return found;
}

/** Reads what a batch has of `foundColumns`, row by row. */
function foundIn(batch: Batch): (index: number) => Omit<FoundRow, "textScore"> {
  if (batch.getChild("found")) {
    const [packed, searchText] = [values(batch, "found"), texts(batch, "searchText")];
    return (index) => unpackRow(packed(index) as Uint8Array, searchText(index));
  }
  const [id, kind, text, searchText] = [
    ids(batch, "id"),
    texts(batch, "kind"),
    texts(batch, "text"),
    texts(batch, "searchText"),
  ];
  const [channelId, authorId] = [ids(batch, "channelId"), ids(batch, "authorId")];
  const [chunk, contextId, vector] = [values(batch, "chunk"), values(batch, "contextId"), vectors(batch)];
  return (index) => {
    const context = contextId(index);
    return {
      id: id(index),
      chunk: Number(chunk(index)),
      kind: kind(index) === "note" ? "note" : "message",
      channelId: channelId(index),
      authorId: authorId(index),
      ...(context !== null && { contextId: String(context) }),
      text: text(index),
      searchText: searchText(index),
      vector: vector(index),
    };
  };
}

/** Rows of a batch that has all of `ROW_COLUMNS`. */
export function toRows(batch: Batch): IndexRow[] {
  const found = foundIn(batch);
  const [ownerId, runId, vector] = [values(batch, "ownerId"), values(batch, "runId"), vectors(batch)];
  const accessChannelId = ids(batch, "accessChannelId");
  const [contentHash, authorName] = [texts(batch, "contentHash"), texts(batch, "authorName")];
  // A table of an earlier version may have neither.
  const ngrams = batch.getChild("ngrams") ? texts(batch, "ngrams") : () => "";
  const tags = batch.getChild("tags") ? values(batch, "tags") : () => [];
  return Array.from({ length: batch.numRows }, (_, index) => {
    const [owner, run] = [ownerId(index), runId(index)];
    const row = found(index);
    return {
      ...row,
      vector: vector(index),
      accessChannelId: accessChannelId(index),
      createdAt: snowflakeTime(row.id),
      contentHash: contentHash(index),
      tags: Array.from(tags(index) as Iterable<unknown>, String),
      authorName: authorName(index),
      ngrams: ngrams(index),
      ...(owner !== null && { ownerId: String(owner) }),
      ...(run !== null && { runId: String(run) }),
    };
  });
}

/**
 * Rows of a batch that has all of `foundColumns` and `_rowid`.
 * @param scores of full text by place
 */
export function toFoundRows(batch: Batch, scores: ReadonlyMap<bigint, number | undefined>): FoundRow[] {
  const found = foundIn(batch);
  const place = values(batch, "_rowid");
  return Array.from({ length: batch.numRows }, (_, index) => {
    const textScore = scores.get(place(index) as bigint);
    return { ...found(index), ...(textScore !== undefined && { textScore }) };
  });
}

/** Where a found row lies in the table, with its distance or score. */
export interface Place {
  readonly place: bigint;
  readonly value: number;
}

export function toPlaces(batch: Batch, column: "_distance" | "_score"): Place[] {
  const [place, value] = [values(batch, "_rowid"), values(batch, column)];
  return Array.from({ length: batch.numRows }, (_, index) => ({
    place: place(index) as bigint,
    value: Number(value(index)),
  }));
}

/** Of a batch that has `_rowid` and "searchText". */
export function toSearchTexts(batch: Batch): { readonly place: bigint; readonly searchText: string }[] {
  const [place, searchText] = [values(batch, "_rowid"), texts(batch, "searchText")];
  return Array.from({ length: batch.numRows }, (_, index) => ({
    place: place(index) as bigint,
    searchText: searchText(index),
  }));
}

/** Rows of a batch that has `sampledColumns`. */
export function toSampledRows(batch: Batch): SampledRow[] {
  const found = batch.getChild("found") ? foundIn(batch) : undefined;
  const [text, authorName, accessChannelId, ownerId] = [
    found ? (index: number) => found(index).text : texts(batch, "text"),
    texts(batch, "authorName"),
    ids(batch, "accessChannelId"),
    values(batch, "ownerId"),
  ];
  return Array.from({ length: batch.numRows }, (_, index) => {
    const owner = ownerId(index);
    return {
      text: text(index),
      authorName: authorName(index),
      accessChannelId: accessChannelId(index),
      ...(owner !== null && { ownerId: String(owner) }),
    };
  });
}

/** Keys of a batch that has `KEY_COLUMNS`. */
export function toKeys(batch: Batch): RowKey[] {
  const [id, contentHash] = [ids(batch, "id"), texts(batch, "contentHash")];
  const [chunk, runId] = [values(batch, "chunk"), values(batch, "runId")];
  return Array.from({ length: batch.numRows }, (_, index) => {
    const run = runId(index);
    const key = { id: id(index), chunk: Number(chunk(index)), contentHash: contentHash(index) };
    return run === null ? key : { ...key, runId: String(run) };
  });
}

/** Ids of a batch that has `LINK_COLUMNS`. */
export function toLinks(batch: Batch): { readonly id: string; readonly contextId: string | undefined }[] {
  const [id, contextId] = [ids(batch, "id"), values(batch, "contextId")];
  return Array.from({ length: batch.numRows }, (_, index) => {
    const context = contextId(index);
    return { id: id(index), contextId: context === null ? undefined : String(context) };
  });
}

/** One column as text: ids in decimal. */
export function toTexts(batch: Batch, name: string): string[] {
  return Array.from({ length: batch.numRows }, (_, index) => texts(batch, name)(index));
}

export function toVectors(batch: Batch): Float32Array[] {
  const vector = vectors(batch);
  return Array.from({ length: batch.numRows }, (_, index) => vector(index));
}

/** Of 16 bits a number, or 32 in a former table. */
function vectors(batch: Batch): (index: number) => Float32Array {
  const vector = values(batch, "vector");
  return (index) => {
    const numbers = (vector(index) as { toArray(): Float32Array | Uint16Array }).toArray();
    return numbers instanceof Uint16Array ? fromHalves(numbers) : numbers;
  };
}

function values(batch: Batch, name: string): (index: number) => unknown {
  const column = batch.getChild(name);
  if (!column) throw new Error(`the query did not return the column ${name}`);
  return (index) => column.get(index);
}

function texts(batch: Batch, name: string): (index: number) => string {
  const column = values(batch, name);
  return (index) => String(column(index));
}

const ids = texts;
