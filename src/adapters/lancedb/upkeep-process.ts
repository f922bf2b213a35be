// The process that upkeep runs in: one job after the other, each answered, until its parent is gone or lets go of it.

import { tmpdir } from "node:os";
import { env } from "node:process";
import { createScratch } from "./scratch.ts";
import { putInOrder, type UpkeepJob } from "./upkeep-work.ts";

export type UpkeepAnswer = { readonly error?: string };

const scratch = createScratch(tmpdir());
Object.assign(env, { TMPDIR: scratch.folder });
process.on("exit", scratch.remove);

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
