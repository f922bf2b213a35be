// A page of a run between being read and its checkpoint: what is known of its records, and what finished pages come to together.

import type { Ticket } from "../../indexing/guild-index/changes.ts";
import type { PreparedRecord } from "../../indexing/text/rows.ts";
import type { QuarantineEntry } from "../../ports/quarantine.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { ComparedPage } from "../compare/difference.ts";
import type { Settled } from "../run/checkpoints.ts";
import { addCounters, type Counters, noCounters, type Phase } from "../run/run.ts";

export interface PageInFlight {
  /** In the order of reading. */
  readonly number: number;
  readonly phase: Phase;
  readonly cursor: Snowflake | undefined;
  readonly ticket: Ticket;
  /** What it holds is free for the next. */
  release(): void;
  counters: Counters;
  readonly skippedBy: Record<string, number>;
  readonly quarantine: QuarantineEntry[];
  /** To be embedded; batches are taken off the front. */
  readonly waiting: PreparedRecord[];
  /** Records that are to be embedded and are not dealt with yet. */
  recordsLeft: number;
}

/**
 * @param runId rows that this very run wrote before it was interrupted are its work
 * @param releaseSlot see semaphore.ts
 */
export function pageInFlight(
  phase: Phase,
  read: ComparedPage,
  {
    number,
    runId,
    waiting,
    at,
    releaseSlot,
  }: {
    readonly number: number;
    readonly runId: string;
    readonly waiting: PreparedRecord[];
    readonly at: number;
    readonly releaseSlot: () => void;
  },
): PageInFlight {
  const skippedBy: Record<string, number> = {};
  const counters = {
    ...noCounters,
    read: read.records.length + read.damaged.length,
    quarantined: read.damaged.length,
  };
  for (const { state, runId: writtenBy, reason } of read.records) {
    if (state === "embedded") counters[writtenBy === runId ? "embedded" : "unchanged"] += 1;
    else if (state === "skipped" || state === "quarantined") counters[state] += 1;
    if (state === "skipped" && reason !== undefined) skippedBy[reason] = (skippedBy[reason] ?? 0) + 1;
  }
  const { kind } = phase;
  const quarantine = read.damaged.map(({ id, reason }) => ({ kind, id, contentHash: "", reason, attempts: 1, at }));
  return {
    number,
    phase,
    cursor: read.nextNewestId,
    ticket: read.ticket,
    release() {
      read.ticket.release();
      releaseSlot();
    },
    counters,
    skippedBy,
    quarantine,
    waiting,
    recordsLeft: waiting.length,
  };
}

/** Takes the finished pages off the front, as far as they are of one phase. */
export function takeFinished(pages: PageInFlight[]): PageInFlight[] {
  const phase = pages[0]?.phase;
  const end = pages.findIndex((page) => page.recordsLeft > 0 || page.phase !== phase);
  return pages.splice(0, end === -1 ? pages.length : end);
}

/** What consecutive pages of one phase come to; undefined for none. */
export function settledBy(pages: readonly PageInFlight[]): Settled | undefined {
  const last = pages.at(-1);
  if (last === undefined) return undefined;
  const skippedBy: Record<string, number> = {};
  for (const page of pages) {
    for (const [reason, times] of Object.entries(page.skippedBy)) skippedBy[reason] = (skippedBy[reason] ?? 0) + times;
  }
  return {
    phase: last.phase.name,
    cursor: last.cursor,
    counters: pages.map(({ counters }) => counters).reduce(addCounters),
    skippedBy,
    quarantine: pages.flatMap(({ quarantine }) => quarantine),
  };
}
