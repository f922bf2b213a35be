// The process that rewrites the archive's file (see erasure.ts): node compact-process.ts FILE. Exit code 0 when nothing of what was
// deleted is left in the file or its log.

import { constants, setPriority } from "node:os";
import { argv } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

/** Readers and writers of other processes are waited for so long, each time. */
const PATIENCE_MS = 20_000;
const AGAIN_MS = 25;

async function main(file: string): Promise<void> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA busy_timeout = 1000");
    await patiently(() => database.exec("VACUUM"));
    // The log still holds pages of before; it can be emptied when nobody reads or writes for a moment.
    await patiently(() => {
      const { busy } = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { readonly busy: number };
      if (busy !== 0) throw new Error("database is locked: its log is in use");
    });
  } finally {
    database.close();
  }
}

async function patiently(work: () => void): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return work();
    } catch (thrown) {
      const isLocked = thrown instanceof Error && /locked|busy/i.test(thrown.message);
      if (!isLocked || performance.now() > giveUpAt) throw thrown;
      await pause(AGAIN_MS);
    }
  }
}

try {
  await main(argv[2] ?? "");
} catch (thrown) {
  process.send?.({ error: thrown instanceof Error ? thrown.message : String(thrown) });
  process.exitCode = 1;
}
process.disconnect?.();
