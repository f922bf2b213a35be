// What a table's files take, all versions of it.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Table } from "@lancedb/lancedb";

/** @param address a folder, or an object's in a store, where only the present version's size is known */
export async function diskBytes(table: Table, address: string): Promise<number> {
  return address.includes("://") ? (await table.stats()).totalBytes : await folderBytes(address);
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
