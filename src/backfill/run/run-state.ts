// The one door through which a run changes: compare-and-set on the stored run, guarded by the lease. A change made elsewhere (a
// pause request, say) is re-read and kept; nothing is ever overwritten.

import { TransientError } from "../../errors.ts";
import type { Lease } from "../../ports/owners.ts";
import type { QuarantineEntry } from "../../ports/quarantine.ts";
import type { RunStore } from "../../ports/runs.ts";
import type { Versioned } from "../../ports/versioned.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Run } from "./run.ts";

/** This process no longer owns the guild, or others have owned it since; whoever owns it goes on with the run. */
export class LeaseLost extends TransientError {
  readonly how: "ended" | "taken-over" | "run-replaced";

  constructor(how: LeaseLost["how"]) {
    super(`lease lost: ${how}`);
    this.how = how;
  }
}

export interface RunState {
  /** As last read or written by us. */
  current(): Run;
  /**
   * Applies a change to the latest stored run. `change` may be called again with a newer run and returns the same object to
   * change nothing. Only by the lease that it began with: after another one, others may have done the same work.
   * @throws LeaseLost
   */
  update(change: (run: Run) => Run, quarantine?: readonly QuarantineEntry[]): Promise<Run>;
  /** Reads it again: another process may have asked for something. */
  recheck(): Promise<Run>;
}

export function createRunState(
  store: RunStore<Run>,
  guildId: Snowflake,
  lease: () => Lease | undefined,
  initial: Versioned<Run>,
): RunState {
  const begunWith = lease()?.token;
  let latest = initial;
  let queue: Promise<unknown> = Promise.resolve();

  async function apply(change: (run: Run) => Run, quarantine: readonly QuarantineEntry[]): Promise<Run> {
    for (;;) {
      const next = change(latest.value);
      if (next === latest.value && quarantine.length === 0) return next;
      const held = lease();
      if (held === undefined || held.token !== begunWith) throw new LeaseLost("ended");
      const saved = await store.save(guildId, next, latest.stamp, { lease: held, quarantine });
      if (saved === "lease-lost") throw new LeaseLost("taken-over");
      if (saved !== "changed") {
        latest = saved;
        return next;
      }
      await recheck();
    }
  }

  async function recheck(): Promise<Run> {
    const stored = await store.load(guildId);
    if (stored === undefined || stored.value.id !== latest.value.id) throw new LeaseLost("run-replaced");
    latest = stored;
    return latest.value;
  }

  /** One after the other. */
  function inTurn(work: () => Promise<Run>): Promise<Run> {
    const done = queue.then(work);
    queue = done.catch(() => undefined);
    return done;
  }

  return {
    current: () => latest.value,
    update: (change, quarantine = []) => inTurn(() => apply(change, quarantine)),
    recheck: () => inTurn(recheck),
  };
}
