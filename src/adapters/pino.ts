// Structured logs through pino, one JSON object a line. Secrets and what members write never get here; as a second line of defence,
// fields with telling names are redacted, and known secrets are masked wherever they turn up.

import { styleText } from "node:util";
import { type LevelWithSilent, pino } from "pino";
import type { Logger } from "../ports/logger.ts";

export type LogLevel = LevelWithSilent;

/** Names of fields that would hold a secret or something a member wrote. */
const TELLING = ["token", "apiKey", "authorization", "content", "text", "query", "body"];
const MASK = "[redacted]";
/** What follows an application's or webhook's id in Discord's addresses is as good as a password for 15 minutes, or for ever. */
const TOKEN_IN_ADDRESS = /(\/(?:webhooks|interactions)\/\d+\/)[^/\s"\\]{20,}/g;

/**
 * @param level "silent" turns logging off
 * @param secrets known at the time of writing, e.g. the bot's token; masked wherever they occur
 * @param write where lines go; default: standard output, in a form for people when that is a terminal
 */
export function createLogger(
  level: LogLevel,
  secrets: () => readonly (string | null | undefined)[] = () => [],
  write: ((line: string) => void) | undefined = process.stdout.isTTY ? writeReadably : undefined,
): Logger {
  function masked(line: string): string {
    let clean = line.replace(TOKEN_IN_ADDRESS, `$1${MASK}`);
    for (const secret of secrets()) if (secret) clean = clean.replaceAll(secret, MASK);
    return clean;
  }
  const options = {
    level,
    base: null,
    redact: { paths: TELLING.flatMap((name) => [name, `*.${name}`]), censor: MASK },
    hooks: { streamWrite: masked },
  };
  const log = write === undefined ? pino(options) : pino(options, { write });
  return {
    debug: (event, fields = {}) => log.debug(fields, event),
    info: (event, fields = {}) => log.info(fields, event),
    warn: (event, fields = {}) => log.warn(fields, event),
    error: (event, fields = {}) => log.error(fields, event),
  };
}

function writeReadably(line: string): void {
  process.stdout.write(readableLine(line));
}

type Style = Parameters<typeof styleText>[0];
const styles: Readonly<Record<string, Style>> = { error: "red", fatal: "red", warn: "yellow", info: "green" };

/** @param line JSON, as pino writes it. @returns what people read on a terminal: the time, how bad it is, what happened, the facts */
export function readableLine(line: string): string {
  const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const name = pino.levels.labels[Number(level)] ?? "";
  const at = new Date(Number(time)).toTimeString().slice(0, 8);
  const told = Object.entries(facts).map(([fact, value]) => `${styleText("dim", `${fact}=`)}${shown(value)}`);
  return `${[styleText("dim", at), styleText(styles[name] ?? "dim", name.padEnd(5)), String(msg), ...told].join(" ")}\n`;
}

function shown(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  // A stack stays on lines of its own.
  if (value.includes("\n")) return value.replaceAll("\n", "\n    ");
  return /[\s"=]/.test(value) || value === "" ? JSON.stringify(value) : value;
}
