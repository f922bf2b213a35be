// npm run eval -- PATH… [options]: how well search finds what people asked for, on judged sets (docs/evaluation.md has their
// format). Exit code 0 with tables, 1 when it could not be finished, 2 when it was called wrongly.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadStaticModel } from "../src/adapters/builtin-model/model.ts";
import type { StaticModel } from "../src/adapters/builtin-model/static-model.ts";
import { systemClock } from "../src/adapters/system.ts";
import { connectEmbedder } from "../src/app/choose-embedder.ts";
import { CalledWrongly, folderPath, runProgram, writablePath } from "../src/app/command-line.ts";
import { readLocalConfig } from "../src/app/config.ts";
import { UserError } from "../src/errors.ts";
import type { Embedder } from "../src/ports/embedder.ts";
import type { Logger } from "../src/ports/logger.ts";
import { evaluate, type SetResult } from "./eval/configurations.ts";
import { findSets } from "./eval/find-sets.ts";
import { openGuild } from "./eval/guild.ts";
import { type JudgedSet, readJudgedSet } from "./eval/judged-set.ts";
import { averages, comparison, setTable } from "./eval/report.ts";
import { storingVectors } from "./eval/stored-vectors.ts";

const usage = (call: string) => `Usage: ${call} PATH… [--ingredients] [--vectors FOLDER] [--json FILE]

Measures search on judged sets: archive, backfill, index and /search as the bot has them, in a temporary folder.
The embedder is the bot's: the built-in model, or the server that EMBEDDINGS_URL names.
PATH              a judged set, JSON or JSON compressed with gzip (docs/evaluation.md has the format), or a folder of them
--ingredients     also measures texts made without one of their ingredients: author, context, title and so on
--vectors FOLDER  keeps a server's vectors there and takes from there what it has: run again, it needs no server's time
--json FILE       also writes all numbers there`;

const MODEL_FOLDER = fileURLToPath(new URL("../models/backscroll-static", import.meta.url));

interface Request {
  readonly sets: readonly JudgedSet[];
  readonly ingredients: boolean;
  readonly vectors: string | undefined;
  readonly json: string | undefined;
}

/** @throws CalledWrongly for a path where no judged set is */
async function setsOf(paths: readonly string[]): Promise<JudgedSet[]> {
  if (paths.length === 0) throw new CalledWrongly("Name a judged set, or a folder of them.");
  try {
    const { files, absent } = await findSets(paths);
    for (const path of absent) console.log(`Left out: ${path} is not here`);
    if (files.length === 0) throw new CalledWrongly("There is no judged set where you said.");
    return await Promise.all(files.map(readJudgedSet));
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new CalledWrongly(thrown.message, { cause: thrown });
  }
}

async function run({ sets, ingredients, vectors, json }: Request): Promise<void> {
  const wordModel = await loadStaticModel(MODEL_FOLDER);
  const connected = await connect(wordModel);
  const embedder = vectors === undefined ? connected : await storingVectors(connected, vectors);
  try {
    console.log(`Embedder: ${embedder.space.modelId}, ${embedder.space.dimensions} dimensions\n`);
    const results: SetResult[] = [];
    for (const set of sets) {
      const guild = await openGuild(set, { embedder, wordModel, logger: consoleLogger });
      try {
        results.push(await evaluate(set, guild, { embedder, wordModel, ingredients }, progress(set)));
      } finally {
        await guild.close();
      }
      console.log(`${setTable(results.at(-1) as SetResult)}\n`);
      if (set.unanswerable > 0)
        console.log(`  ${set.unanswerable} queries left out: nothing relevant is in the corpus\n`);
    }
    if (results.length > 1) console.log(`${comparison(results)}\n\n${averages(results)}`);
    if (json !== undefined) {
      await writeFile(json, `${JSON.stringify({ model: embedder.space.modelId, sets: results }, null, 2)}\n`);
    }
  } finally {
    await embedder.close();
  }
}

/** @throws UserError when the settings cannot be used */
async function connect(builtinModel: StaticModel): Promise<Embedder> {
  const { embeddings } = await readLocalConfig();
  const folder = await mkdtemp(join(tmpdir(), "backscroll-eval-"));
  try {
    const connected = await connectEmbedder(
      {
        embeddings,
        builtinModel,
        memoryFile: join(folder, "embedding-servers.json"),
        clock: systemClock,
        logger: consoleLogger,
        onUnreachable: (reason) => console.error(`Waiting for the embedding server: ${reason}`),
      },
      new AbortController().signal,
    );
    if (connected === undefined) throw new Error("the embedding server was not waited for");
    return connected.embedder;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is under way, on a terminal only: a line that the table replaces. */
function progress({ name }: JudgedSet): (what: string) => void {
  return (what) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${name}: ${what} …\r`);
  };
}

const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (event, fields) => console.error(event, fields ?? ""),
  error: (event, fields) => console.error(event, fields ?? ""),
};

await runProgram({
  name: "eval",
  usage,
  flags: { ingredients: { type: "boolean", default: false }, vectors: { type: "string" }, json: { type: "string" } },
  takesNames: true,
  async run({ ingredients, vectors, json }, paths) {
    if (vectors !== undefined) folderPath("vectors", vectors);
    writablePath("json", json);
    await run({ sets: await setsOf(paths), ingredients, vectors, json });
    return 0;
  },
});
