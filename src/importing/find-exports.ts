// Which files an import is of: those named, and those in the folders named.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { type ExportedGuild, exportedGuild } from "./exports.ts";

const EXPORT_NAME = /\.(json|jsonl|ndjson|gz)$/i;

export interface FoundExport {
  readonly file: string;
  readonly guild: ExportedGuild;
}

export interface FoundExports {
  /** Threads after the channels that they may belong to. */
  readonly exports: readonly FoundExport[];
  /** Files of a folder that look like exports and are none, each with the reason. */
  readonly others: readonly string[];
}

/** @throws UserError for a file that was named and is no export, and for a folder without any */
export async function findExports(paths: readonly string[]): Promise<FoundExports> {
  const exports: FoundExport[] = [];
  const others: string[] = [];
  for (const path of paths) {
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
    if (!isFolder) {
      exports.push({ file: path, guild: await exportedGuild(path) });
      continue;
    }
    const names = (await readdir(path, { recursive: true })).filter((name) => EXPORT_NAME.test(name)).sort();
    const before = exports.length;
    for (const file of names.map((name) => join(path, name))) {
      try {
        exports.push({ file, guild: await exportedGuild(file) });
      } catch (thrown) {
        if (!(thrown instanceof UserError)) throw thrown;
        others.push(thrown.message);
      }
    }
    if (exports.length === before) {
      const why = others.length > 0 ? `\n${others.join("\n")}` : " Exports end in .json, .jsonl, .ndjson or .gz.";
      throw new UserError(`The folder ${path} holds no export.${why}`);
    }
  }
  return { exports: exports.sort((one, other) => Number(isThread(one)) - Number(isThread(other))), others };
}

const isThread = ({ guild }: FoundExport) => guild.isThread ?? false;
