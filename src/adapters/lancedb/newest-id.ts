// See `VectorIndex.newestId`.

import type { Table } from "@lancedb/lancedb";
import { FIRST_SNOWFLAKE, newest, type Snowflake } from "../../snowflake.ts";
import { LINK_COLUMNS } from "./columns.ts";
import { collect, toTexts } from "./read-rows.ts";

/** A million rows: two columns are read, which takes tens of milliseconds. */
export async function newestId(table: Table): Promise<Snowflake> {
  const ids = await Promise.all(
    LINK_COLUMNS.map((column) => {
      const ordering = { columnName: column, ascending: false };
      const query = table.query().where(`${column} IS NOT NULL`).select([column]).orderBy(ordering).limit(1);
      return collect(query, (batch) => toTexts(batch, column));
    }),
  );
  return newest([FIRST_SNOWFLAKE, ...ids.flat()]);
}
