// What LanceDB puts aside while it sorts for an index: gigabytes for millions of rows. Broken off, it leaves that where it is.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const PREFIX = "backscroll-scratch-";

export interface Scratch {
  /** Empty, and this process's own. */
  readonly folder: string;
  /** Its files. A thread of LanceDB that is still at work may put some back. */
  remove(): void;
}

/** Removes what processes that are no more have left there. */
export function createScratch(parent: string): Scratch {
  for (const name of readdirSync(parent)) if (isLeft(name)) removeFolder(join(parent, name));
  const folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  return { folder, remove: () => removeFolder(folder) };
}

/** Whether it was made by a process that is no more, or that had the number of this one. */
function isLeft(name: string): boolean {
  if (!name.startsWith(PREFIX)) return false;
  const pid = Number.parseInt(name.slice(PREFIX.length), 10);
  return pid === process.pid || !isAlive(pid);
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Another user's, or written to this moment: the next one tries again.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}
