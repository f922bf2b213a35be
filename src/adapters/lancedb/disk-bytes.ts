// What a table's files take, all versions of it.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { IndexLocation } from "./location.ts";
import { objectsOf } from "./objects.ts";

export async function diskBytes(location: IndexLocation, table: string): Promise<number> {
  const folder = `${table}.lance`;
  if (typeof location === "string") return await folderBytes(join(location, folder));
  return (await objectsOf(location).list(folder)).reduce((sum, { bytes }) => sum + bytes, 0);
}

async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map((file) => fileBytes(join(file.parentPath, file.name))));
  return sizes.reduce((total, size) => total + size, 0);
}

async function fileBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    // A clean-up removed it since it was listed.
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw thrown;
  }
}
