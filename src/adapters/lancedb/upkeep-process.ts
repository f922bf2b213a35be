// The process that upkeep runs in: one job after the other, each answered, until its parent is gone or lets go of it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { putInOrder, type UpkeepJob } from "./upkeep-work.ts";

export type UpkeepAnswer = { readonly error?: string };

/** What LanceDB puts aside while it sorts, gigabytes for millions of rows; broken off, it leaves that where it is. */
const scratch = mkdtempSync(join(tmpdir(), "backscroll-scratch-"));
Object.assign(env, { TMPDIR: scratch });
process.on("exit", () => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }));

process.on("message", async (job: UpkeepJob) => {
  let answer: UpkeepAnswer = {};
  try {
    await putInOrder(job);
  } catch (thrown) {
    answer = { error: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  process.send?.(answer);
});
process.on("disconnect", () => process.exit());
