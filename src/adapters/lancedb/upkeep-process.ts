// The process that upkeep runs in: one job after the other, each answered, until its parent is gone.

import { putInOrder, type UpkeepJob } from "./upkeep-work.ts";

export type UpkeepAnswer = { readonly error?: string };

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
