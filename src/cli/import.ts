// npm run import -- FILES [--guild ID]: loads exported histories into the archive. Exit code 0 with a summary, 1 when it could not
// be finished (what was stored stays) or nothing could be used, 2 when it was called wrongly.

import "../app/check-platform.ts";
import { CalledWrongly, runProgram } from "../app/command-line.ts";
import { readLocalConfig } from "../app/config.ts";
import { archiveLocation, openArchiveOf } from "../app/stores.ts";
import { toError } from "../errors.ts";
import { readExport } from "../importing/exports.ts";
import { type FoundExport, findExports } from "../importing/find-exports.ts";
import { type ImportSummary, importEntries } from "../importing/importing.ts";
import type { Archive } from "../ports/archive.ts";
import type { Logger } from "../ports/logger.ts";
import { isSnowflake } from "../snowflake.ts";
import { added } from "../sums.ts";
import { count } from "../views/words.ts";

const usage = (call: string) => `Usage: ${call} FILES [--guild ID]

Loads the history in FILES into the archive: exports of DiscordChatExporter in the format JSON, or files with one
message as a JSON object a line; each may be compressed with gzip. Of a folder, all in it are loaded.
--guild ID  the server they belong to. An export of DiscordChatExporter tells it itself.`;

const PROBLEMS_SHOWN = 20;
const BAR_WIDTH = 30;
/** Between two lines of progress where the bar cannot be drawn. */
const LINE_EVERY_MS = 2_000;

const say = (text: string) => console.log(text);

/** @throws CalledWrongly for anything wrong with the call or the files */
async function understood(guildId: string | undefined, names: readonly string[]) {
  if (names.length === 0) throw new CalledWrongly("Name the files to import, or their folder.");
  if (guildId !== undefined && !(isSnowflake(guildId) && BigInt(guildId) > 0n)) {
    throw new CalledWrongly(`--guild takes a server's id, a number like 1343693475581890600, not ${guildId}.`);
  }
  const { exports, others } = await findExports(names).catch((thrown: unknown) => {
    throw new CalledWrongly(toError(thrown).message, { cause: thrown });
  });
  const unknown = exports.find(({ guild }) => !guild.known);
  if (exports.length > 1 && unknown !== undefined && guildId === undefined) {
    throw new CalledWrongly(`${unknown.file} does not tell its server: give --guild ID, so that all files go to one.`);
  }
  return { exports, others, guildId, config: await readLocalConfig() };
}

type Request = Awaited<ReturnType<typeof understood>>;

/** @returns whether all files could be read to their end, and anything in them used */
async function loadAll({ exports, others, guildId, config }: Request): Promise<boolean> {
  const { archive, close } = await openArchiveOf(config, consoleLogger);
  try {
    for (const other of others) say(`Left out: ${other}`);
    let broken = 0;
    const done: ImportSummary[] = [];
    const progress = createProgress();
    for (const { file, guild } of exports) {
      const into = guildId ?? guild.id;
      say(
        `Importing ${file} into ${archiveLocation(config)} for the server ${into}${into === guild.id ? ` (${guild.name})` : ""}.`,
      );
      if (!guild.known && into === guild.id) {
        say(
          "The file does not tell its server, so this id is made from the file's name. For a real server give --guild ID.",
        );
      }
      const { summary, error } = await load(archive, { file, guild }, into);
      done.push(summary);
      if (error === undefined) continue;
      broken += 1;
      console.error(error.message);
      console.error("What was stored stays; running it again goes on where it is missing something.");
    }
    const all = done.reduce((one, other) => added(one, other), NOTHING);
    if (exports.length > 1) say(`${count(exports.length, "file")} in all: ${told(all, "entry", progress.seconds())}`);
    if (stored(all) === 0) console.error("Nothing in it could be used.");
    else say("They become searchable with the next backfill.");
    return broken === 0 && stored(all) > 0;
  } finally {
    await close();
  }
}

/** One file. @returns what could be stored of it, also where it breaks off */
async function load(
  archive: Archive,
  { file, guild }: FoundExport,
  guildId: string,
): Promise<{ readonly summary: ImportSummary; readonly error?: Error }> {
  const progress = createProgress();
  // Exports of DiscordChatExporter have no lines to count.
  const unit = guild.known ? "message" : "line";
  let problems = 0;
  let soFar = NOTHING;
  let error: Error | undefined;
  try {
    soFar = await importEntries(archive, guildId, readExport(file, progress.onBytes), {
      onSaved(saved) {
        soFar = saved;
        progress.onSaved(saved);
      },
      onProblem(line, problem) {
        problems += 1;
        if (problems <= PROBLEMS_SHOWN) progress.note(`  ${unit} ${count(line)} skipped: ${problem}`);
        if (problems === PROBLEMS_SHOWN + 1) progress.note(`  further ${unit}s are only counted`);
      },
    });
  } catch (thrown) {
    error = toError(thrown);
  } finally {
    progress.end();
  }
  say(told(soFar, unit, progress.seconds()));
  return { summary: soFar, ...(error && { error }) };
}

const NOTHING: ImportSummary = { created: 0, changed: 0, same: 0, skipped: 0, leftOut: 0 };
const stored = ({ created, changed, same }: ImportSummary) => created + changed + same;

function told(summary: ImportSummary, unit: "line" | "message" | "entry", seconds: number): string {
  const { created, changed, same, skipped, leftOut } = summary;
  const all = stored(summary);
  const skippedUnits = unit === "entry" ? count(skipped) : count(skipped, unit);
  return (
    `${count(all, "message")}: ${count(created)} new, ${count(changed)} changed, ${count(same)} the same; ` +
    `${skippedUnits} skipped${leftOut > 0 ? `; ${count(leftOut, "notice")} of Discord left out` : ""}. ` +
    `${seconds.toFixed(1)} s, ${count(Math.round(all / Math.max(seconds, 0.001)))} messages/s.`
  );
}

/** A bar on a terminal, a line now and then elsewhere. */
function createProgress() {
  const start = performance.now();
  const drawn = process.stdout.isTTY;
  const elapsedMs = () => performance.now() - start;
  let share = 0;
  let lastLineMs = 0;
  const clear = () => drawn && process.stdout.write("\r\u001b[K");
  return {
    onBytes(read: number, total: number): void {
      share = Math.min(1, read / total);
    },
    onSaved({ created, changed, same }: ImportSummary): void {
      const done = created + changed + same;
      const percent = `${Math.round(share * 100)} %`.padStart(5);
      const words = `${percent}  ${count(done)} messages, ${count(Math.round(done / (elapsedMs() / 1000)))}/s`;
      if (drawn) {
        const full = Math.round(share * BAR_WIDTH);
        clear();
        process.stdout.write(`[${"#".repeat(full)}${".".repeat(BAR_WIDTH - full)}] ${words}`);
      } else if (elapsedMs() - lastLineMs >= LINE_EVERY_MS) {
        lastLineMs = elapsedMs();
        say(words);
      }
    },
    note(text: string): void {
      clear();
      say(text);
    },
    end: (): void => {
      clear();
    },
    seconds: () => elapsedMs() / 1000,
  };
}

const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (event, fields) => console.error(event, fields ?? ""),
  error: (event, fields) => console.error(event, fields ?? ""),
};

await runProgram({
  name: "import",
  usage,
  flags: { guild: { type: "string" } },
  takesNames: true,
  async run({ guild }, names) {
    const request = await understood(guild, names);
    try {
      return (await loadAll(request)) ? 0 : 1;
    } catch (thrown) {
      console.error(toError(thrown).message);
      console.error("What was stored stays; running it again goes on where it is missing something.");
      return 1;
    }
  },
});
