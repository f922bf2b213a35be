// What is written into a run while it is worked on: checkpoints, running time, the breaker.

import type { BreakerState } from "../../embedding/circuit-breaker.ts";
import type { Clock } from "../../ports/clock.ts";
import type { QuarantineEntry, QuarantineStore } from "../../ports/quarantine.ts";
import type { Snowflake } from "../../snowflake.ts";
import { addCounters, type Counters, type PhaseName, type Run, withStatus } from "./run.ts";
import type { RunState } from "./run-state.ts";

/** So many refused records fit into a checkpoint's commit. */
const QUARANTINE_PER_CHECKPOINT = 400;

/** Everything up to here is durable in the index. */
export interface Settled {
  readonly phase: PhaseName;
  /** Where a later run of this phase goes on; undefined when the phase is done. */
  readonly cursor: Snowflake | undefined;
  readonly counters: Counters;
  readonly skippedBy: Readonly<Record<string, number>>;
  readonly quarantine: readonly QuarantineEntry[];
}

export interface RunBook {
  /** As `RunState.update`; also books the running time since the last change. */
  readonly update: RunState["update"];
  /** Stores a checkpoint with its counters, and what was refused. */
  settle(settled: Settled): Promise<void>;
  /** Tokens that were used; booked with the next change. */
  use(tokens: number, isCounted: boolean): void;
}

export function createRunBook(
  state: RunState,
  quarantine: Pick<QuarantineStore, "add">,
  guildId: Snowflake,
  clock: Clock,
  dollarsPerMillion?: number,
): RunBook {
  let bookedUntil = clock.elapsed();
  const unbooked: Used[] = [];

  const update: RunBook["update"] = async (change, entries) => {
    let now = bookedUntil;
    let uses = 0;
    const updated = await state.update((run) => {
      const next = change(run);
      if (next === run) return run;
      now = clock.elapsed();
      uses = unbooked.length;
      const booked = uses === 0 ? next : { ...next, used: [next.used, ...unbooked].reduce(addUse) };
      return run.status === "running" ? { ...booked, runningMs: next.runningMs + now - bookedUntil } : booked;
    }, entries);
    bookedUntil = now;
    unbooked.splice(0, uses);
    return updated;
  };

  return {
    update,
    use(tokens, isCounted) {
      const dollars = dollarsPerMillion === undefined ? undefined : (tokens / 1e6) * dollarsPerMillion;
      unbooked.push({ tokens, isCounted, dollars });
    },
    async settle(settled) {
      const rest = settled.quarantine.slice(QUARANTINE_PER_CHECKPOINT);
      // Before the checkpoint: writing them once more after a crash changes nothing, losing them would.
      if (rest.length > 0) await quarantine.add(guildId, rest);
      await update((run) => withSettled(run, settled), settled.quarantine.slice(0, QUARANTINE_PER_CHECKPOINT));
    },
  };
}

type Used = NonNullable<Run["used"]>;

function addUse(one: Used | undefined, other: Used | undefined): Used | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const dollars = other.dollars === undefined ? one.dollars : (one.dollars ?? 0) + other.dollars;
  return { tokens: one.tokens + other.tokens, isCounted: one.isCounted && other.isCounted, dollars };
}

function withSettled(run: Run, { phase, cursor, counters, skippedBy: skipped }: Settled): Run {
  const skippedBy = { ...run.skippedBy };
  for (const [reason, times] of Object.entries(skipped)) skippedBy[reason] = (skippedBy[reason] ?? 0) + times;
  const phases = run.phases.map((each) =>
    each.name === phase ? { ...each, cursor, counters: addCounters(each.counters, counters) } : each,
  );
  return { ...run, phases, skippedBy };
}

/** The run waits while the breaker is open, and remembers it over a restart. */
export function withBreaker(run: Run, breaker: BreakerState | undefined, now: number): Run {
  const next = { ...run, breaker };
  if (breaker !== undefined && run.status === "running") {
    return withStatus(next, "waiting", { kind: "embedder-down", message: breaker.reason }, now);
  }
  if (breaker === undefined && run.status === "waiting") {
    return withStatus(next, "running", { kind: "embedder-answers" }, now);
  }
  return next;
}

/** What phases have done since their last checkpoint. */
export type Ahead = Partial<Record<PhaseName, Counters>>;

/** For display: the run with what has been done since the last checkpoints. */
export function withAhead(run: Run, ahead: Ahead): Run {
  const phases = run.phases.map((phase) => {
    const more = ahead[phase.name];
    if (more === undefined) return phase;
    const read = phase.counters.read + more.embedded + more.quarantined;
    return { ...phase, counters: { ...addCounters(phase.counters, more), read } };
  });
  return { ...run, phases };
}
