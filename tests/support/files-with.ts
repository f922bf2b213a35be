// Which files of a folder hold a word.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Their paths below the folder. Also in UTF-16, as the archive stores texts beyond Latin-1. */
export async function filesWith(folder: string, word: string): Promise<string[]> {
  const spellings = [Buffer.from(word), Buffer.from(word, "utf16le")];
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (spellings.some((spelling) => bytes.includes(spelling))) found.push(path.slice(folder.length + 1));
  }
  return found;
}
