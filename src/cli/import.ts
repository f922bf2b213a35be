// npm run import -- FILE [--guild ID]: loads an exported history into the archive. Exit code 0 with a summary, 1 when it could not
// be finished (what was stored stays), 2 when it was called wrongly.

import { parseArgs } from "node:util";
import { readLocalConfig } from "../app/config.ts";
import { archiveLocation, openArchiveOf } from "../app/stores.ts";
import { toError, UserError } from "../errors.ts";
import { exportedGuild, readExport } from "../importing/exports.ts";
import { type ImportSummary, importEntries } from "../importing/importing.ts";
import type { Logger } from "../ports/logger.ts";
import { isSnowflake } from "../snowflake.ts";
import { count } from "../views/words.ts";

const USAGE = `Usage: npm run import -- FILE [--guild ID]

Loads the history in FILE into the archive: a DiscordChatExporter export in the format JSON, or a file with one
message as a JSON object a line; either may be compressed with gzip.
--guild ID  the server it belongs to. An export of DiscordChatExporter tells it itself.`;

const PROBLEMS_SHOWN = 20;
const BAR_WIDTH = 30;
/** Between two lines of progress where the bar cannot be drawn. */
const LINE_EVERY_MS = 2_000;

const say = (text: string) => console.log(text);

async function main(argv: readonly string[]): Promise<number> {
  let request: Awaited<ReturnType<typeof understood>>;
  try {
    request = await understood(argv);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    console.error(thrown.message);
    return 2;
  }
  if (request === "help") {
    say(USAGE);
    return 0;
  }
  try {
    await load(request);
    return 0;
  } catch (thrown) {
    console.error(toError(thrown).message);
    console.error("What was stored stays; running it again goes on where it is missing something.");
    return 1;
  }
}

/** @throws UserError for anything wrong with the call or the file */
async function understood(argv: readonly string[]) {
  const { values, positionals } = parsedArgs(argv);
  if (values.help) return "help" as const;
  const [file, ...others] = positionals;
  if (file === undefined) throw new UserError(`Name the file to import.\n\n${USAGE}`);
  if (others.length > 0) throw new UserError(`One file at a time; not also ${others.join(", ")}.\n\n${USAGE}`);
  if (values.guild !== undefined && !(isSnowflake(values.guild) && BigInt(values.guild) > 0n)) {
    throw new UserError(`--guild takes a server's id, a number like 1343693475581890600, not ${values.guild}.`);
  }
  const guild = await exportedGuild(file);
  return {
    file,
    guild,
    guildId: values.guild ?? guild.id,
    config: await readLocalConfig(),
  };
}

function parsedArgs(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { guild: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
  } catch (thrown) {
    const error = toError(thrown);
    throw new UserError(`${error.message}\n\n${USAGE}`, { cause: error });
  }
}

async function load(request: Exclude<Awaited<ReturnType<typeof understood>>, "help">): Promise<void> {
  const { file, guild, guildId, config } = request;
  const { archive, close } = await openArchiveOf(config, consoleLogger);
  try {
    say(
      `Importing ${file} into ${archiveLocation(config)} for the server ${guildId}${guildId === guild.id ? ` (${guild.name})` : ""}.`,
    );
    if (!guild.known && guildId === guild.id) {
      say(
        "The file does not tell its server, so this id is made from the file's name. For a real server give --guild ID.",
      );
    }
    const progress = createProgress();
    let problems = 0;
    const entries = readExport(file, progress.onBytes);
    const summary = await importEntries(archive, guildId, entries, {
      onSaved: progress.onSaved,
      onProblem(line, problem) {
        problems += 1;
        if (problems <= PROBLEMS_SHOWN) progress.note(`  line ${count(line)} skipped: ${problem}`);
        if (problems === PROBLEMS_SHOWN + 1) progress.note("  further lines are only counted");
      },
    }).finally(progress.end);
    report(summary, progress.seconds());
  } finally {
    await close();
  }
}

function report({ created, changed, same, skipped, leftOut }: ImportSummary, seconds: number): void {
  const stored = created + changed + same;
  say(
    `${count(stored, "message")}: ${count(created)} new, ${count(changed)} changed, ${count(same)} the same; ` +
      `${count(skipped, "line")} skipped${leftOut > 0 ? `; ${count(leftOut, "notice")} of Discord left out` : ""}. ` +
      `${seconds.toFixed(1)} s, ${count(Math.round(stored / Math.max(seconds, 0.001)))} messages/s.`,
  );
  if (stored > 0) say("They become searchable with the next /backfill start.");
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

process.exitCode = await main(process.argv.slice(2));
