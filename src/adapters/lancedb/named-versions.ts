// The emergency restore: sets a guild's index back to a version that was named, by making that version the latest.

import type { Table } from "@lancedb/lancedb";
import type { EmbeddingSpace } from "../../ports/embedder.ts";
import type { Snowflake } from "../../snowflake.ts";
import { cannotOpen } from "./faults.ts";
import { addressOf, connectTo, type IndexLocation } from "./location.ts";
import { tablesOf } from "./tables.ts";

export interface NamedVersion {
  readonly name: string;
  /** When that version was made. Milliseconds since 1970. */
  readonly at: number;
  readonly rows: number;
  /** Of the table; the model's name is not known here. */
  readonly space: EmbeddingSpace;
  /** Makes it the latest; safe to repeat. Nobody may have the table open. */
  restore(): Promise<void>;
}

/**
 * Newest first.
 * @param location as of `createIndexStore`
 * @throws UserError when what is there cannot be read
 */
export async function namedVersions(location: IndexLocation, guildId: Snowflake): Promise<NamedVersion[]> {
  try {
    const database = await connectTo(location);
    const found: NamedVersion[] = [];
    for (const { name, fingerprint } of await tablesOf(database, guildId)) {
      found.push(...(await versionsOf(await database.openTable(name), fingerprint)));
    }
    return found.sort((a, b) => b.at - a.at);
  } catch (thrown) {
    throw cannotOpen(addressOf(location), thrown);
  }
}

async function versionsOf(table: Table, fingerprint: string): Promise<NamedVersion[]> {
  const made = new Map((await table.listVersions()).map(({ version, timestamp }) => [version, timestamp.getTime()]));
  const vector = (await table.schema()).fields.find(({ name }) => name === "vector")?.type;
  // A type of LanceDB's own copy of apache-arrow, hence only the shape is relied on.
  const { listSize: dimensions } = vector as { readonly listSize?: number };
  if (dimensions === undefined) throw new Error("it has no column of vectors");
  const space: EmbeddingSpace = { modelId: fingerprint, dimensions, fingerprint };
  const found: NamedVersion[] = [];
  for (const [name, { version }] of Object.entries(await (await table.tags()).list())) {
    await table.checkout(version);
    const rows = await table.countRows();
    const restore = async () => {
      await table.checkout(version);
      await table.restore();
    };
    found.push({ name, at: made.get(version) ?? 0, rows, space, restore });
  }
  await table.checkoutLatest();
  return found;
}
