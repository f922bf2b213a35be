// A run, runs kept in memory and a log that is remembered, for tests of what decides about runs.

import { noCounters, type Phase, type Run } from "../../src/backfill/run/run.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { Lease } from "../../src/ports/owners.ts";
import type { RunStore } from "../../src/ports/runs.ts";
import type { Versioned } from "../../src/ports/versioned.ts";

export function aPhase(given: Partial<Phase> = {}): Phase {
  return {
    name: "recent",
    kind: "message",
    newestId: "100",
    oldestId: "1",
    planned: 10,
    cursor: "100",
    counters: noCounters,
    ...given,
  };
}

export function aRun(given: Partial<Run> = {}): Run {
  return {
    version: 1,
    id: "run",
    guildId: "1",
    status: "running",
    reason: { kind: "started" },
    statusAt: 0,
    startedAt: 0,
    startedBy: "2",
    cutoffId: "100",
    pace: "auto",
    source: "archive",
    phases: [aPhase()],
    runningMs: 0,
    skippedBy: {},
    batches: { sent: 0, failed: 0 },
    fingerprint: "f",
    indexTag: "t",
    ...given,
  };
}

export const aLease: Lease = { guildId: "1", heartbeatId: "h", token: 1 };

export interface RunsInMemory extends RunStore<Run> {
  current(): Versioned<Run> | undefined;
  /** Somebody else changes the run just before the next time that it is saved. */
  meddle(change: (run: Run) => Run): void;
}

export function runsInMemory(initial?: Run): RunsInMemory {
  let stored: Versioned<Run> | undefined;
  let stamps = 0;
  const meddling: ((run: Run) => Run)[] = [];
  const put = (value: Run): Versioned<Run> => {
    stamps += 1;
    stored = { value, stamp: String(stamps) };
    return stored;
  };
  if (initial !== undefined) put(initial);
  return {
    load: async () => stored,
    async save(_, run, expected) {
      const change = meddling.shift();
      if (change !== undefined && stored !== undefined) put(change(stored.value));
      return stored?.stamp === expected ? put(run) : "changed";
    },
    current: () => stored,
    meddle: (change) => void meddling.push(change),
  };
}

/** @returns the events in their order, and the log that they come from */
export function rememberingLogger(): { readonly events: string[]; readonly logger: Logger } {
  const events: string[] = [];
  const remember = (event: string) => void events.push(event);
  return { events, logger: { debug: remember, info: remember, warn: remember, error: remember } };
}
