// The index of a folder through LanceDB itself: what no port offers, because only a bench asks for it. Exact neighbours to compare
// with, a search without any filter, and whether a row has become visible to other readers.

import { connect } from "@lancedb/lancedb";
import { filterSql } from "../src/adapters/lancedb/filter-sql.ts";
import { tableName } from "../src/adapters/lancedb/tables.ts";
import type { SearchFilter } from "../src/ports/vector-index.ts";
import type { Snowflake } from "../src/snowflake.ts";
import { GUILD } from "./records.ts";
import { indexFolder } from "./setup.ts";

export interface ExactSearch {
  /** Ids of the nearest rows, best first. No filter: over all rows. */
  nearest(vector: Float32Array, filter: SearchFilter | undefined, limit: number): Promise<Snowflake[]>;
  /** Whether other readers see rows of this id by now. */
  has(id: Snowflake): Promise<boolean>;
  close(): void;
}

/** @returns undefined when there is no index yet */
export async function openExactSearch(folder: string): Promise<ExactSearch | undefined> {
  const database = await connect(indexFolder(folder));
  const name = (await database.tableNames()).find((each) => each.startsWith(tableName(GUILD, "")));
  if (name === undefined) {
    database.close();
    return undefined;
  }
  const table = await database.openTable(name).catch(() => {
    // Its folder is there before its first version is: whoever makes it is not done.
    database.close();
    return undefined;
  });
  const columns = new Set((await table?.schema())?.fields.map(({ name }) => name));
  return (
    table && {
      async nearest(vector, filter, limit) {
        const query = table.query().nearestTo(vector).distanceType("cosine").bypassVectorIndex();
        const where = filter && filterSql(filter, columns);
        const rows = await (where === undefined ? query : query.where(where))
          .select(["id", "_distance"])
          .limit(limit)
          .toArray();
        return rows.map((row: { id: bigint }) => String(row.id));
      },
      async has(id) {
        await table.checkoutLatest();
        return (await table.countRows(`id = ${BigInt(id)}`)) > 0;
      },
      close() {
        table.close();
        database.close();
      },
    }
  );
}
