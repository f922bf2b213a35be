// Whether the stores of a stopped bot hold exactly what the stand-in's world holds: nothing lost, nothing twice, no old words.

import { join } from "node:path";
import { connect } from "@lancedb/lancedb";
import { expect } from "vitest";
import type { Sandbox } from "../../sandbox/server.ts";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { unpackRow } from "../../src/adapters/lancedb/packed-rows.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake } from "../../src/snowflake.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const oldestFirst = (all: Iterable<[Snowflake, string]>) => [...all].sort(([a], [b]) => compareSnowflakes(a, b));

/** Of every message that a person wrote in channels that are not left out: id and content, oldest first. */
export function writtenIn(
  { world }: Pick<Sandbox, "world">,
  guildId: Snowflake,
  leftOut: readonly Snowflake[] = [],
): [Snowflake, string][] {
  const channels = [...(world.state.guilds.get(guildId)?.channels.values() ?? [])];
  const messages = channels.filter(({ id }) => !leftOut.includes(id)).flatMap((channel) => channel.messages.all());
  return oldestFirst(
    messages
      .filter(({ authorId }) => authorId !== world.bot.id)
      .map(({ id, content }): [Snowflake, string] => [id, content]),
  );
}

async function readArchiveOf(dataDir: string, guildId: Snowflake) {
  const { archive, close } = await openArchive({ location: join(dataDir, "archive.sqlite"), logger: quiet });
  const range = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
  const { records } = await archive.page(guildId, "message", range, 100_000);
  const pending = await archive.pending(guildId, 100);
  await close();
  return { messages: records.map(({ record }): [Snowflake, string] => [record.id, record.content]), pending };
}

/** What the archive holds, also while a bot is at it: id and content. */
export async function readArchive(dataDir: string, guildId: Snowflake): Promise<Map<Snowflake, string>> {
  return new Map((await readArchiveOf(dataDir, guildId)).messages);
}

/** What the index holds, in rows of one chunk each: id and text. */
export async function readIndex(dataDir: string, guildId: Snowflake): Promise<[Snowflake, string][]> {
  const database = await connect(join(dataDir, "index"));
  const rows: [Snowflake, string][] = [];
  for (const name of (await database.tableNames()).filter((each) => each.startsWith(`g${guildId}_`))) {
    const table = await database.openTable(name);
    const found = (await table.query().select(["found", "searchText"]).toArray()) as {
      readonly found: Uint8Array;
      readonly searchText: string;
    }[];
    for (const row of found) {
      const { id, text } = unpackRow(row.found, row.searchText);
      rows.push([id, text]);
    }
    table.close();
  }
  database.close();
  return rows;
}

/** Fails unless archive and index hold these, once each, with these words. */
export async function expectStored(
  dataDir: string,
  guildId: Snowflake,
  expected: readonly [Snowflake, string][],
): Promise<void> {
  const { messages, pending } = await readArchiveOf(dataDir, guildId);
  expect(oldestFirst(messages)).toEqual(expected);
  expect(pending).toEqual([]);
  expect(oldestFirst(await readIndex(dataDir, guildId))).toEqual(expected);
}
