// Task: how fast the embedder alone takes the texts of an archive: full requests, as many at once as it allows, nothing else.

import { openArchive } from "../../src/adapters/denokv/open.ts";
import { prepare } from "../../src/indexing/text/prepare.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake } from "../../src/snowflake.ts";
import { GUILD } from "../records.ts";
import { archiveFile, type EmbedderChoice, listeningLogger, openEmbedder } from "../setup.ts";
import { type ProcessFigures, watchProcess } from "../task.ts";

const PAGE = 2_000;

export interface RawOptions extends EmbedderChoice {
  readonly folder: string;
}

export interface RawResult {
  readonly recordsPerSecond: number;
  readonly textsPerRequest: number;
  readonly parallelRequests: number;
  readonly figures: ProcessFigures;
}

export async function run(options: RawOptions): Promise<RawResult> {
  const { texts, records } = await readTexts(options.folder);
  const embedder = await openEmbedder(options);
  const { textsPerRequest, parallelRequests } = embedder.limits;
  // The connection and the code are warm, as they are in a run after its pre-flight.
  for (let n = 0; n < parallelRequests; n += 1) await embedder.embed(texts.slice(0, 64), "document");
  const watched = watchProcess();
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: parallelRequests }, async () => {
      while (next < texts.length) {
        const from = next;
        next += textsPerRequest;
        await embedder.embed(texts.slice(from, from + textsPerRequest), "document");
      }
    }),
  );
  const tookMs = performance.now() - startedAt;
  const figures = watched.figures();
  await embedder.close();
  return { recordsPerSecond: (records * 1000) / tookMs, textsPerRequest, parallelRequests, figures };
}

/** Of everything that has something to embed. */
async function readTexts(folder: string): Promise<{ texts: string[]; records: number }> {
  const { archive, close } = await openArchive({ location: archiveFile(folder), logger: listeningLogger() });
  const texts: string[] = [];
  let records = 0;
  for (let newestId: Snowflake | undefined = LAST_SNOWFLAKE; newestId !== undefined; ) {
    const page = await archive.page(GUILD, "message", { newestId, oldestId: FIRST_SNOWFLAKE }, PAGE);
    for (const { record } of page.records) {
      const chunks = prepare(record);
      texts.push(...chunks.map(({ embeddedText }) => embeddedText));
      if (chunks.length > 0) records += 1;
    }
    newestId = page.nextNewestId;
  }
  await close();
  return { texts, records };
}
