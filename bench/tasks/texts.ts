// Task: the newest records of an archive as a JSON file, for programs that know nothing of it.

import { writeFile } from "node:fs/promises";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { prepare } from "../../src/indexing/text/prepare.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { GUILD } from "../records.ts";
import { archiveFile, listeningLogger } from "../setup.ts";

export interface TextsOptions {
  readonly folder: string;
  readonly file: string;
  readonly limit: number;
}

export async function run({ folder, file, limit }: TextsOptions) {
  const { archive, close } = await openArchive({ location: archiveFile(folder), logger: listeningLogger() });
  const range = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
  const { records } = await archive.page(GUILD, "message", range, limit);
  const texts = records.flatMap(({ record: { id, channelId, authorId }, record }) =>
    prepare(record).map(({ embeddedText: text }) => ({ id, channelId, authorId, text })),
  );
  await writeFile(file, JSON.stringify(texts));
  await close();
  return { texts: texts.length };
}
