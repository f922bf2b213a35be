// Taking a run back: its rows leave the index, those of live indexing stay.

import { UserError } from "../../errors.ts";
import type { IndexWriter } from "../../indexing/guild-index/writer.ts";
import type { Versioned } from "../../ports/versioned.ts";
import { isActive, type Run, withStatus } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";

/**
 * The run is cancelled first: cut off in between, it is not resumed with half of its rows gone, but can be rolled back again.
 * @returns rows removed
 * @throws UserError when it was rolled back before and nothing of it is left
 */
export async function rollBack(
  state: RunState,
  writer: Pick<IndexWriter, "exclusively">,
  by: string,
  now: number,
): Promise<number> {
  const before = state.current();
  await state.update((run) => cancelled(run, `rolled back by ${by}`, now));
  const removedRows = await writer.exclusively((index) => index.removeRun(before.id));
  if (before.status === "cancelled" && removedRows === 0) {
    throw new UserError("The latest backfill has been rolled back already.");
  }
  return removedRows;
}

/** @throws UserError when there is nothing to take back, or not yet */
export function requireRollable(stored: Versioned<Run> | undefined, isAtWork: boolean): Versioned<Run> {
  if (isAtWork) throw new UserError("The backfill is still at work. Pause it first, then roll it back.");
  if (stored === undefined) {
    throw new UserError("There has been no backfill of this server: nothing to take back.");
  }
  return stored;
}

/** The run such that nobody takes it up again, whatever it was at. Nobody may be working on it. */
export function cancelled(run: Run, reason: string, now: number): Run {
  if (run.status === "cancelled") return run;
  const settled = isActive(run.status) ? withStatus(run, "interrupted", "the process went away", now) : run;
  return withStatus(settled, "cancelled", reason, now);
}
