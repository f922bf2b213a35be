// What embedding servers said about failed batches may repeat words of messages: it is shortened once these may have been deleted.

import type { RunStore } from "../../ports/runs.ts";
import type { Snowflake } from "../../snowflake.ts";
import { withoutOldReasons } from "./failed-batches.ts";
import type { Run } from "./run.ts";

/** @param before milliseconds since 1970 */
export async function forgetReasons(runStore: RunStore<Run>, guildId: Snowflake, before: number): Promise<void> {
  const shortened = (run: Run): Run => {
    const failedBatches = run.failedBatches && withoutOldReasons(run.failedBatches, before);
    return failedBatches === undefined || failedBatches === run.failedBatches
      ? run
      : { ...run, failedBatches: [...failedBatches] };
  };
  for (let stored = await runStore.load(guildId); stored !== undefined; stored = await runStore.load(guildId)) {
    const run = shortened(stored.value);
    if (run === stored.value || (await runStore.save(guildId, run, stored.stamp)) !== "changed") break;
  }
}
