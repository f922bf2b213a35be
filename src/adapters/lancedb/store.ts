// The indexes of all guilds: a LanceDB database with one table per guild and embedding space.

import { Session, type Table } from "@lancedb/lancedb";
import { getOrTry } from "../../maps.ts";
import type { EmbeddingSpace } from "../../ports/embedder.ts";
import type { IndexStore, VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import { columnsFingerprint, tableSchema } from "./columns.ts";
import { commit } from "./commit.ts";
import { createDeadlines, type Patience } from "./deadlines.ts";
import { diskBytes } from "./disk-bytes.ts";
import { cannotOpen } from "./faults.ts";
import { closeHandle } from "./handles.ts";
import { addressOf, connectTo, type IndexLocation } from "./location.ts";
import { type CacheOptions, openObjectCache } from "./object-cache/index.ts";
import { requireConditionalPut } from "./object-store.ts";
import { partsWithRemovedRows } from "./renewal.ts";
import { buildNgramIndex, buildTextIndex, indexCoverage } from "./table-indexes.ts";
import { tableName, tablesOf } from "./tables.ts";
import { createUpkeep } from "./upkeep.ts";
import { createVectorIndex } from "./vector-index.ts";

/** LanceDB would cache up to 6 GB of indexes and 1 GB of metadata; a million rows need a tenth of that. */
const INDEX_CACHE_BYTES = 1024n * 1024n * 1024n;
const METADATA_CACHE_BYTES = 128n * 1024n * 1024n;

/** In an object store a read may be under way for so long, each file of it another request. On a disk it moves on (see read-again.ts). */
const REMOTE_READERS_MS = 60_000;

export interface IndexStoreOptions {
  readonly patience?: Patience;
  /** Of what lies in an object store. Without it, every read goes there. */
  readonly cache?: CacheOptions | undefined;
}

/** @throws UserError when the location cannot be used, TransientError when it cannot be reached */
export async function createIndexStore(
  location: IndexLocation,
  { patience, cache: cacheOptions }: IndexStoreOptions = {},
): Promise<IndexStore> {
  const root = addressOf(location);
  const isLocal = typeof location === "string";
  if (!isLocal) await requireConditionalPut(location);
  const session = new Session(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES);
  const cache = isLocal || !cacheOptions ? undefined : await openObjectCache(location, cacheOptions);
  const database = await connectTo(cache?.store ?? location, session).catch((thrown: unknown) => {
    throw cannotOpen(root, thrown);
  });
  const { withinChange, bounded } = createDeadlines(root, patience);
  const inTime = isLocal ? <Result>(work: Promise<Result>) => work : withinChange;
  const upkeep = createUpkeep();
  /** One index per table: a second handle would not see the first one's writes. */
  const open = new Map<string, Promise<VectorIndex>>();

  const readersMs = isLocal ? 0 : REMOTE_READERS_MS;
  const address = (name: string) => `${root}/${name}.lance`;

  /** @param openWriter opens, or makes, the table */
  async function openIndex(
    name: string,
    space: EmbeddingSpace,
    openWriter: () => Promise<Table>,
  ): Promise<VectorIndex> {
    const where = address(name);
    try {
      const writer = await openWriter();
      const reader = await database.openTable(name);
      const columns = new Set((await reader.schema()).fields.map((field) => field.name));
      const openStill = async () => {
        const still = await database.openTable(name);
        await still.checkout(await reader.version());
        return still;
      };
      const index = createVectorIndex(
        space,
        { writer, reader, openStill, columns },
        {
          isRemote: !isLocal,
          diskBytes: () => diskBytes(location, name),
          wornParts: () => partsWithRemovedRows(location, name),
          optimize: ({ keepVersionsMs = readersMs, signal, erase }) => {
            const job = {
              location,
              table: name,
              dimensions: space.dimensions,
              keepVersionsMs,
              ...(erase && { erase }),
            };
            return upkeep.run(job, signal);
          },
          onClose: () => open.delete(name),
        },
      );
      return isLocal ? index : bounded(index);
    } catch (thrown) {
      throw cannotOpen(where, thrown);
    }
  }

  async function openOrMake(name: string, space: EmbeddingSpace) {
    // The columns are in the name: a table with others is another one.
    const table = await database.createEmptyTable(name, tableSchema(space.dimensions), { existOk: true });
    const { textIndex, ngramIndex } = await indexCoverage(table);
    if (!textIndex) await buildTextIndex(table);
    if (!ngramIndex) await buildNgramIndex(table);
    return table;
  }

  const openOnce = (name: string, opening: () => Promise<VectorIndex>) => getOrTry(open, name, () => inTime(opening()));

  async function drop(guildId: Snowflake, only?: string): Promise<void> {
    for (const { name, fingerprint } of await tablesOf(database, guildId)) {
      if (only !== undefined && fingerprint !== only) continue;
      const index = await open.get(name);
      await index?.close();
      await database.dropTable(name);
    }
  }

  return {
    columns: columnsFingerprint(),
    open(guildId, space) {
      const name = tableName(guildId, space.fingerprint);
      return openOnce(name, () => openIndex(name, space, () => commit(undefined, () => openOrMake(name, space))));
    },

    async openExisting(guildId, space) {
      const name = tableName(guildId, space.fingerprint);
      const isThere = await inTime(tablesOf(database, guildId));
      if (!isThere.some((table) => table.name === name)) return undefined;
      return await openOnce(name, () => openIndex(name, space, () => database.openTable(name)));
    },

    fingerprints: async (guildId) => (await inTime(tablesOf(database, guildId))).map(({ fingerprint }) => fingerprint),
    drop: (guildId, fingerprint) => inTime(drop(guildId, fingerprint)),

    async close() {
      upkeep.close();
      const indexes = await Promise.allSettled(open.values());
      for (const index of indexes) if (index.status === "fulfilled") await index.value.close();
      closeHandle(database);
      await cache?.close();
    },
  };
}
