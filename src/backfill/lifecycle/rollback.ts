// Taking a run back: its rows leave the index, those of live indexing stay.

import type { IndexWriter } from "../../indexing/guild-index/writer.ts";
import type { Versioned } from "../../ports/versioned.ts";
import { RefusedError } from "../../refusals.ts";
import type { RunReason } from "../run/facts.ts";
import { isActive, type Run, withStatus } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";

/**
 * The run is cancelled first: cut off in between, it is not resumed with half of its rows gone, but can be rolled back again.
 * @returns rows removed
 * @throws RefusedError when it was rolled back before and nothing of it is left
 */
export async function rollBack(
  state: RunState,
  writer: Pick<IndexWriter, "exclusively">,
  by: string,
  now: number,
): Promise<number> {
  const before = state.current();
  await state.update((run) => cancelled(run, { kind: "rolled-back", by }, now));
  const removedRows = await writer.exclusively((index) => index.removeRun(before.id));
  if (before.status === "cancelled" && removedRows === 0) {
    throw new RefusedError({ kind: "rolled-back-already" });
  }
  return removedRows;
}

/** @throws RefusedError when there is nothing to take back, or not yet */
export function requireRollable(stored: Versioned<Run> | undefined, isAtWork: boolean): Versioned<Run> {
  if (isAtWork) throw new RefusedError({ kind: "still-at-work", toRollBack: "run" });
  if (stored === undefined) throw new RefusedError({ kind: "no-run" });
  return stored;
}

/** The run such that nobody takes it up again, whatever it was at. Nobody may be working on it. */
export function cancelled(run: Run, reason: RunReason, now: number): Run {
  if (run.status === "cancelled") return run;
  const settled = isActive(run.status) ? withStatus(run, "interrupted", { kind: "process-gone" }, now) : run;
  return withStatus(settled, "cancelled", reason, now);
}
