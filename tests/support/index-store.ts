// A real LanceDB store in a folder of its own, and rows to put into it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromHalves, writeHalves } from "../../src/adapters/lancedb/half-floats.ts";
import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import type { EmbeddingSpace } from "../../src/ports/embedder.ts";
import type { IndexRow, IndexStore } from "../../src/ports/vector-index.ts";
import { snowflakeTime } from "../../src/snowflake.ts";

export const testSpace: EmbeddingSpace = { modelId: "test", dimensions: 8, fingerprint: "test-8" };

export interface TempIndexStore {
  readonly store: IndexStore;
  readonly folder: string;
  /** Closes the store and removes the folder. */
  close(): Promise<void>;
}

export async function openTempIndexStore(): Promise<TempIndexStore> {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-index-"));
  const store = await createIndexStore(folder);
  return {
    store,
    folder,
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A row of a message in channel 10 by author 20; `text` is also what full text searches unless `searchText` says otherwise. */
export function indexRow(row: Partial<IndexRow> & Pick<IndexRow, "id">): IndexRow {
  const text = row.text ?? `text of ${row.id}`;
  const channelId = row.channelId ?? "10";
  return {
    chunk: 0,
    kind: "message",
    channelId,
    accessChannelId: channelId,
    authorId: "20",
    createdAt: snowflakeTime(row.id),
    contentHash: `hash-${row.id}`,
    tags: [],
    authorName: "Ada",
    text,
    searchText: text,
    ngrams: "",
    vector: unitVector(Number(BigInt(row.id) % 1000n)),
    ...row,
  };
}

/** A unit-length vector in a direction of its own for each seed, as an index keeps it; nearby seeds are as far apart as any. */
export function unitVector(seed: number, dimensions = testSpace.dimensions): Float32Array {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  const vector = Float32Array.from({ length: dimensions }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x9e3779b9;
    state ^= state >>> 13;
    return state / 2 ** 31;
  });
  const length = Math.hypot(...vector);
  const halves = new Uint16Array(dimensions);
  writeHalves(
    vector.map((value) => value / length),
    halves,
  );
  return fromHalves(halves);
}
