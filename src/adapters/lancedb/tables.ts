// How the tables of a guild are called, and which there are: one per embedding space.

import type { Connection } from "@lancedb/lancedb";
import { isSnowflake, type Snowflake } from "../../snowflake.ts";

/** Ends in the space's fingerprint. */
export function tableName(guildId: Snowflake, fingerprint: string): string {
  if (!isSnowflake(guildId)) throw new Error(`not a guild id: ${guildId}`);
  if (!/^[\w.-]*$/.test(fingerprint)) throw new Error(`not a fingerprint: ${fingerprint}`);
  return `g${guildId}_${fingerprint}`;
}

export async function tablesOf(
  database: Connection,
  guildId: Snowflake,
): Promise<{ readonly name: string; readonly fingerprint: string }[]> {
  const prefix = tableName(guildId, "");
  const names: string[] = [];
  let page: string[];
  do {
    page = await database.tableNames({ startAfter: names.at(-1) ?? prefix, limit: 100 });
    names.push(...page);
  } while (page.length > 0 && names.at(-1)?.startsWith(prefix));
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ name, fingerprint: name.slice(prefix.length) }));
}
