// Which files an evaluation reads: those it is told, and all judged sets in the folders it is told.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export interface FoundSets {
  readonly files: readonly string[];
  /** What is not there. */
  readonly absent: readonly string[];
}

export async function findSets(paths: readonly string[]): Promise<FoundSets> {
  const files: string[] = [];
  const absent: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== "ENOENT") throw thrown;
      return undefined;
    });
    if (found === undefined) absent.push(path);
    else if (found.isDirectory()) files.push(...(await setsIn(path)));
    else files.push(path);
  }
  return { files, absent };
}

/** Judged sets are JSON; exports of chats beside them are JSON lines. */
async function setsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /\.json(\.gz)?$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}
