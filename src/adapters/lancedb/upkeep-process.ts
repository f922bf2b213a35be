// The process that upkeep runs in: one job after the other, each answered, until its parent is gone.

import { constants, setPriority } from "node:os";
import type { UpkeepJob } from "./upkeep-work.ts";

export type UpkeepAnswer = { readonly error?: string };

// Searches and writes in the parent come first. Before LanceDB is loaded: its threads take over the priority of this one.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const { putInOrder } = await import("./upkeep-work.ts");

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
