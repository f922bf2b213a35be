// One manner for all command lines: --help, flags that do not exist, paths that lead nowhere, and how a failure is told. Exit code 0 when
// it is done, 1 when it could not be, 2 when it was called wrongly; a stack only for what nobody foresaw.

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { toError, UserError } from "../errors.ts";
import { nearestName } from "./did-you-mean.ts";

type Flags = NonNullable<ParseArgsConfig["options"]>;
type Given<F extends Flags> = ReturnType<
  typeof parseArgs<{ options: F; allowPositionals: true; strict: true }>
>["values"];

export interface Program<F extends Flags> {
  /** @param call how it is called here, e.g. "npm run import --" */
  usage(call: string): string;
  /** As it is called in the package and in a checkout, e.g. "import". */
  readonly name: string;
  readonly flags: F;
  /** Default false: it takes flags alone. */
  readonly takesNames?: boolean;
  /** @returns the exit code; nothing: 0. @throws CalledWrongly, UserError */
  run(flags: Given<F>, names: readonly string[]): Promise<number | undefined>;
  /** What is told of a failure. Default: a UserError's words, and those of the system. */
  explain?(error: Error): string;
}

/** How it was called is wrong, or what it was called with: the usage is told, too. */
export class CalledWrongly extends UserError {}

/** How a tool is called: the package's compiled files by its own name, a checkout's by npm. */
export function callOf(name: string): string {
  if (!import.meta.url.endsWith(".ts")) return name === "start" ? "backscroll" : `backscroll ${name}`;
  return name === "start" ? "npm start --" : `npm run ${name} --`;
}

/** Runs it with what stands in the command line, and sets the exit code. */
export async function runProgram<const F extends Flags>(
  program: Program<F>,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const usage = program.usage(callOf(program.name));
  try {
    if (args.some((arg) => arg === "--help" || arg === "-h")) {
      console.log(usage);
      return;
    }
    const { values, positionals } = parsed(program, args);
    process.exitCode = (await program.run(values, positionals)) ?? process.exitCode ?? 0;
  } catch (thrown) {
    const error = toError(thrown);
    const isWrong = error instanceof CalledWrongly;
    console.error(isWrong ? `${error.message}\n\n${usage}` : (program.explain ?? explain)(error));
    process.exitCode = isWrong ? 2 : 1;
  }
}

function explain(error: Error): string {
  const isForeseen = error instanceof UserError || "syscall" in error;
  return isForeseen ? error.message : (error.stack ?? error.message);
}

/** @throws CalledWrongly */
function parsed<F extends Flags>({ flags, takesNames = false }: Program<F>, args: readonly string[]) {
  try {
    const found = parseArgs({ args: [...args], options: flags, allowPositionals: true, strict: true });
    const [name] = found.positionals;
    if (!takesNames && name !== undefined) throw new CalledWrongly(`It takes no “${name}”.`);
    return found;
  } catch (thrown) {
    if (thrown instanceof CalledWrongly) throw thrown;
    // Node goes on with what hardly anybody meant.
    const [said = ""] = toError(thrown).message.split(/\. (?=[A-Z])/);
    const [, unknown] = /^Unknown option '--?([^']+)'/.exec(said) ?? [];
    const meant = unknown && nearestName(unknown, ["help", ...Object.keys(flags)]);
    throw new CalledWrongly(`${said.replace(/\.$/, "")}.${meant ? ` Did you mean --${meant}?` : ""}`, {
      cause: thrown,
    });
  }
}

/** Where something is going to be written. @returns the path @throws CalledWrongly when there is no such folder */
export function writablePath(flag: string, path: string): string;
export function writablePath(flag: string, path: string | undefined): string | undefined;
export function writablePath(flag: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) throw new CalledWrongly(`--${flag} ${path}: there is no folder ${folder}.`);
  if (existsSync(path) && statSync(path).isDirectory()) throw new CalledWrongly(`--${flag} ${path} is a folder.`);
  return path;
}

/** Where a folder is, or is going to be. @returns the path @throws CalledWrongly when something else is there */
export function folderPath(flag: string, path: string): string {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (!existsSync(at)) continue;
    if (statSync(at).isDirectory()) return path;
    throw new CalledWrongly(`--${flag} ${path}: ${at} is no folder.`);
  }
}

/** @throws CalledWrongly for what is no whole number of at least 1 */
export function wholeNumber(flag: string, given: string): number {
  const value = Number(given);
  if (/^\d{1,15}$/.test(given) && value >= 1) return value;
  throw new CalledWrongly(`--${flag} takes a whole number of at least 1, not “${given}”.`);
}
