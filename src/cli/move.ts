// npm run move: copies an installation between the data folder and remote engines, while the bot is stopped. The old one stays as it
// is. Exit code 0 when the copy is whole and compared, 1 when it could not be finished, 2 when it was called wrongly.

import "../app/check-platform.ts";
import { copyArchive } from "../adapters/denokv/copy.ts";
import { copyIndex } from "../adapters/lancedb/copy.ts";
import { addressOf } from "../adapters/lancedb/location.ts";
import { requireConditionalPut } from "../adapters/lancedb/object-store.ts";
import { CalledWrongly, folderPath, runProgram } from "../app/command-line.ts";
import { type Environment, environment, readStores } from "../app/config.ts";
import { archiveLocation, archiveOf, indexOf } from "../app/stores.ts";
import type { StoresConfig } from "../app/stores-config.ts";
import { UserError } from "../errors.ts";
import { count } from "../views/words.ts";

const usage = (
  call: string,
) => `Usage: ${call} [--to-kv URL] [--to-index s3://BUCKET/FOLDER]    from the data folder to remote engines
       ${call} --to-dir FOLDER                               from the remote engines that are set up to a folder

Stop the bot first. Access token and keys are read from KV_ACCESS_TOKEN, INDEX_S3_ENDPOINT, INDEX_S3_REGION,
INDEX_S3_ACCESS_KEY and INDEX_S3_SECRET_KEY. Cut off, it goes on when it is run again.`;

/** Between two lines of progress. */
const LINE_EVERY_MS = 2_000;

interface Given {
  readonly "to-kv"?: string | undefined;
  readonly "to-index"?: string | undefined;
  readonly "to-dir"?: string | undefined;
}

const say = (text: string) => console.log(text);
const megabytes = (bytes: number) => `${count(Math.round(bytes / 1e6))} MB`;

/** From where to where; what stays where it is, is the same in both. */
async function understood(
  { "to-kv": kv, "to-index": index, "to-dir": dir }: Given,
  env: Environment,
): Promise<{ from: StoresConfig; to: StoresConfig }> {
  const isRemote = kv !== undefined || index !== undefined;
  if ((dir !== undefined) === isRemote) {
    throw new CalledWrongly(
      isRemote
        ? "Either to remote engines or to a folder, not both."
        : "Say where to: --to-kv, --to-index or --to-dir.",
    );
  }
  if (dir !== undefined) {
    folderPath("to-dir", dir);
    const from = await readStores(env);
    if (from.archive === undefined && from.index === undefined) {
      throw new UserError("No remote engine is set up: KV_URL and INDEX_URI are empty. There is nothing to move.");
    }
    return { from, to: { dataDir: dir } };
  }
  const set = (values: Environment) => readStores(withoutUnused({ ...env, ...values }));
  return {
    from: await set({ ...(kv !== undefined && { KV_URL: "" }), ...(index !== undefined && { INDEX_URI: "" }) }),
    to: await set({ ...(kv !== undefined && { KV_URL: kv }), ...(index !== undefined && { INDEX_URI: index }) }),
  };
}

/** Token and keys wait in the environment for what is not in use yet. */
function withoutUnused(env: Environment): Environment {
  const { KV_URL, INDEX_URI } = env;
  const isUsed = (name: string) => (KV_URL || !name.startsWith("KV_")) && (INDEX_URI || !name.startsWith("INDEX_"));
  return Object.fromEntries(Object.entries(env).filter(([name]) => isUsed(name)));
}

async function move(from: StoresConfig, to: StoresConfig): Promise<void> {
  const [archiveFrom, archiveTo] = [archiveOf(from), archiveOf(to)];
  const [indexFrom, indexTo] = [indexOf(from), indexOf(to)];
  // Before anything is copied: whether the last step can be done, too.
  if (typeof indexTo !== "string") await requireConditionalPut(indexTo);
  const copied: string[] = [];
  if (archiveFrom.location !== archiveTo.location) {
    const line = createLine();
    const onProgress = (step: string, entries: number) => line(`archive: ${count(entries)} entries ${step}`);
    const { entries, hash } = await copyArchive(archiveFrom, archiveTo, { now: Date.now(), onProgress });
    copied.push(archiveLocation(from));
    say(
      `The archive is at ${archiveTo.location}: ${count(entries)} entries, the same on both sides (SHA-256 ${hash}).`,
    );
  }
  if (addressOf(indexFrom) !== addressOf(indexTo)) {
    const line = createLine();
    const onProgress = (step: string, bytes: number, of: number) =>
      line(`index: ${megabytes(bytes)} of ${megabytes(of)} ${step}`);
    const { files, bytes, hash } = await copyIndex(indexFrom, indexTo, onProgress);
    copied.push(addressOf(indexFrom));
    say(
      `The index is at ${addressOf(indexTo)}: ${count(files)} files, ${megabytes(bytes)}, the same on both sides (SHA-256 ${hash}).`,
    );
  }
  const settings = [
    ...(to.archive === undefined ? ["KV_URL=", "KV_ACCESS_TOKEN="] : [`KV_URL=${to.archive.url}`]),
    ...(to.index === undefined
      ? ["INDEX_URI=", "INDEX_S3_ENDPOINT=", "INDEX_S3_REGION=", "INDEX_S3_ACCESS_KEY=", "INDEX_S3_SECRET_KEY="]
      : [`INDEX_URI=${to.index.uri}`]),
    ...(to.archive !== undefined && to.index !== undefined ? [] : [`DATA_DIR=${to.dataDir}`]),
  ];
  say(`Put this into .env and start the bot; then what is at ${copied.join(" and ")} may go:\n${settings.join("\n")}`);
}

/** Now and then a line. */
function createLine() {
  let lastMs = performance.now();
  return (text: string) => {
    if (performance.now() - lastMs < LINE_EVERY_MS) return;
    lastMs = performance.now();
    say(text);
  };
}

await runProgram({
  name: "move",
  usage,
  flags: { "to-kv": { type: "string" }, "to-index": { type: "string" }, "to-dir": { type: "string" } },
  async run(given) {
    const { from, to } = await understood(given, environment());
    await move(from, to);
    return 0;
  },
});
