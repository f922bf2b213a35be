// The indexes of all guilds: a LanceDB database with one table per guild and embedding space.

import { Session } from "@lancedb/lancedb";
import type { EmbeddingSpace } from "../../ports/embedder.ts";
import type { IndexStore, VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import { tableSchema } from "./columns.ts";
import { commit } from "./commit.ts";
import { createDeadlines, type Patience } from "./deadlines.ts";
import { diskBytes } from "./disk-bytes.ts";
import { cannotOpen } from "./faults.ts";
import { closeHandle } from "./handles.ts";
import { addressOf, connectTo, type IndexLocation } from "./location.ts";
import { requireConditionalPut } from "./object-store.ts";
import { buildTextIndex, indexCoverage } from "./table-indexes.ts";
import { tableName, tablesOf } from "./tables.ts";
import { createUpkeep } from "./upkeep.ts";
import { createVectorIndex } from "./vector-index.ts";

/** LanceDB would cache up to 6 GB of indexes and 1 GB of metadata; a million rows need a tenth of that. */
const INDEX_CACHE_BYTES = 1024n * 1024n * 1024n;
const METADATA_CACHE_BYTES = 128n * 1024n * 1024n;

/** @throws UserError when the location cannot be used, TransientError when it cannot be reached */
export async function createIndexStore(location: IndexLocation, patience?: Patience): Promise<IndexStore> {
  const root = addressOf(location);
  const isLocal = typeof location === "string";
  if (!isLocal) await requireConditionalPut(location);
  const session = new Session(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES);
  const database = await connectTo(location, session).catch((thrown: unknown) => {
    throw cannotOpen(root, thrown);
  });
  const { withinChange, bounded } = createDeadlines(root, patience);
  const inTime = isLocal ? <Result>(work: Promise<Result>) => work : withinChange;
  const upkeep = createUpkeep();
  /** One index per table: a second handle would not see the first one's writes. */
  const open = new Map<string, Promise<VectorIndex>>();

  const address = (name: string) => `${root}/${name}.lance`;

  async function openIndex(name: string, space: EmbeddingSpace): Promise<VectorIndex> {
    const where = address(name);
    try {
      const writer = await commit(undefined, () => openOrMake(name, space));
      const reader = await database.openTable(name);
      const openStill = async () => {
        const still = await database.openTable(name);
        await still.checkout(await reader.version());
        return still;
      };
      const index = createVectorIndex(
        space,
        { writer, reader, openStill },
        {
          isRemote: !isLocal,
          diskBytes: () => diskBytes(location, name),
          optimize: ({ keepVersionsMs, signal }) => {
            const job = { location, table: name, dimensions: space.dimensions, keepVersionsMs };
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
    // Refuses a table with other columns.
    const table = await database.createEmptyTable(name, tableSchema(space.dimensions), { existOk: true });
    if (!(await indexCoverage(table)).textIndex) await buildTextIndex(table);
    return table;
  }

  async function spaces(guildId: Snowflake) {
    return await Promise.all(
      (await tablesOf(database, guildId)).map(async ({ name, fingerprint }) => {
        const table = await database.openTable(name).catch((thrown: unknown) => {
          throw cannotOpen(address(name), thrown);
        });
        const rows = await table.countRows();
        closeHandle(table);
        return { fingerprint, rows };
      }),
    );
  }

  async function drop(guildId: Snowflake): Promise<void> {
    for (const { name } of await tablesOf(database, guildId)) {
      const index = await open.get(name);
      await index?.close();
      await database.dropTable(name);
    }
  }

  return {
    open(guildId, space) {
      const name = tableName(guildId, space.fingerprint);
      let index = open.get(name);
      if (!index) {
        index = inTime(openIndex(name, space));
        open.set(name, index);
        index.catch(() => open.delete(name));
      }
      return index;
    },

    spaces: (guildId) => inTime(spaces(guildId)),
    drop: (guildId) => inTime(drop(guildId)),

    async close() {
      upkeep.close();
      const indexes = await Promise.allSettled(open.values());
      for (const index of indexes) if (index.status === "fulfilled") await index.value.close();
      closeHandle(database);
    },
  };
}
