// Task: the loop that everyone writes first, and that this project's first plan had: read all, leave out what is there, and then
// batch by batch embed, add, sleep.

import { connect } from "@lancedb/lancedb";
import OpenAI from "openai";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { prepare } from "../../src/indexing/text/prepare.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake } from "../../src/snowflake.ts";
import { GUILD } from "../records.ts";
import { DIMENSIONS, MODEL, type ServerName } from "../server-profiles.ts";
import { archiveFile, indexFolder, listeningLogger } from "../setup.ts";

const BATCH = 100;
const PAGE = 500;

export interface NaiveOptions {
  readonly folder: string;
  readonly serverUrl: string;
  readonly embedder: ServerName;
  readonly sleepMs: number;
  /** So many records are enough to know its rate. */
  readonly limit: number;
}

export async function run({ folder, serverUrl, embedder, sleepMs, limit }: NaiveOptions) {
  const opened = await openArchive({ location: archiveFile(folder), logger: listeningLogger() });
  const client = new OpenAI({ baseURL: `${serverUrl}/${embedder}/v1`, apiKey: "none", maxRetries: 0 });
  const database = await connect(indexFolder(folder));
  const example = { id: "0", channelId: "0", authorId: "0", text: "", vector: new Array<number>(DIMENSIONS).fill(0) };
  const table = await database.createTable("naive", [example], { mode: "overwrite" });

  const startedAt = performance.now();
  const records: ArchivedRecord[] = [];
  for (let newestId: Snowflake | undefined = LAST_SNOWFLAKE; newestId !== undefined; ) {
    const page = await opened.archive.page(GUILD, "message", { newestId, oldestId: FIRST_SNOWFLAKE }, PAGE);
    records.push(...page.records.map(({ record }) => record));
    newestId = page.nextNewestId;
  }
  const present = new Set((await table.query().select(["id"]).toArray()).map((row: { id: string }) => row.id));
  const missing = records.filter(({ id }) => !present.has(id)).slice(0, limit);
  const readSeconds = (performance.now() - startedAt) / 1000;

  const loopStartedAt = performance.now();
  for (let start = 0; start < missing.length; start += BATCH) {
    const chunks = missing
      .slice(start, start + BATCH)
      .flatMap((record) => prepare(record).map((chunk) => ({ record, chunk })));
    const answer = await client.embeddings.create({
      model: MODEL,
      input: chunks.map(({ chunk }) => chunk.embeddedText),
      encoding_format: "float",
    });
    await table.add(
      chunks.map(({ record: { id, channelId, authorId }, chunk: { text } }, n) => {
        return { id, channelId, authorId, text, vector: answer.data[n]?.embedding ?? [] };
      }),
    );
    if (sleepMs > 0) await new Promise((resolve) => setTimeout(resolve, sleepMs));
  }
  const seconds = (performance.now() - loopStartedAt) / 1000;
  await opened.close();
  return { records: missing.length, seconds, readSeconds };
}
