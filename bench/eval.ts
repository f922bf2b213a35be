// npm run eval -- PATH… [options]: how well search finds what people asked for, on judged sets (docs/evaluation.md has their
// format). Exit code 0 with tables, 1 when it could not be finished, 2 when it was called wrongly.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadStaticModel } from "../src/adapters/builtin-model/model.ts";
import type { StaticModel } from "../src/adapters/builtin-model/static-model.ts";
import { systemClock } from "../src/adapters/system.ts";
import { connectEmbedder } from "../src/app/choose-embedder.ts";
import { readLocalConfig } from "../src/app/config.ts";
import { toError, UserError } from "../src/errors.ts";
import type { Embedder } from "../src/ports/embedder.ts";
import type { Logger } from "../src/ports/logger.ts";
import { evaluate, type SetResult } from "./eval/configurations.ts";
import { findSets } from "./eval/find-sets.ts";
import { openGuild } from "./eval/guild.ts";
import { type JudgedSet, readJudgedSet } from "./eval/judged-set.ts";
import { averages, comparison, setTable } from "./eval/report.ts";
import { storingVectors } from "./eval/stored-vectors.ts";

const USAGE = `Usage: npm run eval -- PATH… [--ingredients] [--vectors FOLDER] [--json FILE]

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

async function main(argv: readonly string[]): Promise<number> {
  let request: Request | "help";
  try {
    request = await understood(argv);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    console.error(thrown.message);
    return 2;
  }
  if (request === "help") {
    console.log(USAGE);
    return 0;
  }
  try {
    await run(request);
    return 0;
  } catch (thrown) {
    console.error(toError(thrown).message);
    return 1;
  }
}

/** @throws UserError for anything wrong with the call or a file */
async function understood(argv: readonly string[]): Promise<Request | "help"> {
  const { values, positionals } = parsedArgs(argv);
  if (values.help) return "help";
  if (positionals.length === 0) throw new UserError(USAGE);
  const { files, absent } = await findSets(positionals);
  for (const path of absent) console.log(`Left out: ${path} is not here`);
  const { ingredients = false, vectors, json } = values;
  return { sets: await Promise.all(files.map(readJudgedSet)), ingredients, vectors, json };
}

function parsedArgs(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ingredients: { type: "boolean" },
        vectors: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (thrown) {
    const error = toError(thrown);
    throw new UserError(`${error.message}\n\n${USAGE}`, { cause: error });
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

process.exitCode = await main(process.argv.slice(2));
