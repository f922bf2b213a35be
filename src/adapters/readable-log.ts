// A line of the log as people read it on a terminal: the time, how bad it is, what happened, and the facts.

import { styleText } from "node:util";
import { pino } from "pino";

type Style = Parameters<typeof styleText>[0];
const styles: Readonly<Record<string, Style>> = { error: "red", fatal: "red", warn: "yellow", info: "green" };

/** @param line JSON, as pino writes it. @returns the same for people, with its end of line */
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
