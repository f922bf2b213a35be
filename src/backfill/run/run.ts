// A backfill run as data: its record, its statuses and the one table that says which status may follow which, and why.
// Pure: no I/O, no clock. Whoever stores a changed run does it by compare-and-set (see engine.ts).

import { z } from "zod";
import type { EmbeddingSpace } from "../../ports/embedder.ts";
import { added } from "../../sums.ts";
import { alertSchema } from "./alerts.ts";
import {
  type Accounts,
  type RunStatus,
  runStatuses,
  type StoredReason,
  storedReasonSchema,
  storedUnreadableSchema,
} from "./facts.ts";
import { failedBatchSchema, MOST_FAILED_BATCHES } from "./failed-batches.ts";
import { sampleSchema } from "./throughput-history.ts";

/** `-ing` is in flight, `-ed` is settled. A missing arrow is a refused change. */
export const transitions = {
  running: {
    pausing: "an admin, or the disk guard, asked",
    waiting: "the embedder is down, or the archive or the index is out of reach",
    interrupted: "the process stopped or its lease ended",
    succeeded: "nothing remains",
    failed: "an error that waiting cannot mend",
    cancelled: "rolled back",
  },
  pausing: {
    paused: "the batches in flight are stored",
    interrupted: "the process stopped before the batches in flight were stored",
    failed: "storing the batches in flight failed",
  },
  paused: {
    running: "an admin resumed it",
    cancelled: "rolled back",
  },
  waiting: {
    running: "what it waited for answers again",
    pausing: "an admin asked meanwhile",
    interrupted: "the process stopped or its lease ended",
    failed: "an error that waiting cannot mend",
    cancelled: "rolled back",
  },
  interrupted: {
    running: "the process is back, or another took over",
    paused: "an admin asked that it does not resume by itself",
    cancelled: "rolled back",
  },
  failed: {
    running: "an admin resumed it",
    cancelled: "rolled back",
  },
  succeeded: {
    cancelled: "rolled back",
  },
  cancelled: {},
} as const satisfies Record<RunStatus, Partial<Record<RunStatus, string>>>;

/** True when the table has an arrow from one to the other. */
export function canBecome(from: RunStatus, to: RunStatus): boolean {
  return to in transitions[from];
}

/** A run that a process is (or should be) working on. */
export function isActive(status: RunStatus): boolean {
  return status === "running" || status === "pausing" || status === "waiting";
}

/** A run that `start` takes up again instead of planning a new one. */
export function isResumable(status: RunStatus): boolean {
  return status === "paused" || status === "interrupted" || status === "failed";
}

export const phaseNames = ["recent", "medium", "full", "notes"] as const;
export type PhaseName = (typeof phaseNames)[number];

export const paces = ["gentle", "auto", "full"] as const;
export type PaceName = (typeof paces)[number];

export const sources = ["archive", "discord"] as const;
/** `archive`: only what is stored already. `discord`: collect what is missing from Discord first. */
export type SourceName = (typeof sources)[number];

const count = z.int().nonnegative();
const id = z.string().regex(/^\d{1,19}$/);

const countersSchema = z.object({
  /** Records the run has looked at; counted by the reader, the others by whoever settles a record. */
  read: count,
  embedded: count,
  unchanged: count,
  skipped: count,
  quarantined: count,
});
/** The accounting identity: `read = embedded + unchanged + skipped + quarantined` for everything behind the checkpoint. */
export type Counters = z.infer<typeof countersSchema>;

export const noCounters: Counters = { read: 0, embedded: 0, unchanged: 0, skipped: 0, quarantined: 0 };

export const addCounters = added<Counters>;

/** True when every record read is accounted for. */
export function isBalanced(counters: Counters): boolean {
  return counters.read === counters.embedded + counters.unchanged + counters.skipped + counters.quarantined;
}

const phaseSchema = z.object({
  name: z.enum(phaseNames),
  kind: z.enum(["message", "note"]),
  newestId: id,
  oldestId: id,
  /** Records in the range when the run was planned. */
  planned: count,
  /** The next record to look at; undefined when nothing remains. The checkpoint. */
  cursor: id.optional(),
  counters: countersSchema,
});
export type Phase = z.infer<typeof phaseSchema>;

export const runSchema = z.object({
  version: z.literal(1),
  id: z.string().min(1),
  guildId: id,
  status: z.enum(runStatuses),
  /** Why it is in this status. */
  reason: storedReasonSchema,
  /** When the status last changed. Milliseconds since 1970, like every `…At`. */
  statusAt: z.number(),
  startedAt: z.number(),
  /** A user id, or "bot" when nobody asked. */
  startedBy: z.string(),
  finishedAt: z.number().optional(),
  /** Live indexing owns what is newer than this. */
  cutoffId: id,
  pace: z.enum(paces),
  source: z.enum(sources),
  /** Phases in the order they are run. */
  phases: z.array(phaseSchema).min(1),
  /** Collection comes before the phases; its cursors live with the channels. */
  collection: z
    .object({
      finished: z.boolean(),
      collected: count,
      unreadable: z.array(storedUnreadableSchema),
      /** By channel, those of threads with their channel's. Channels beyond the first MOST_CHANNELS are counted only in `collected`. */
      byChannel: z.record(z.string(), count).optional(),
      /** About so many there are, by Discord's own search; absent when it does not say. */
      expected: count.optional(),
    })
    .optional(),
  /** Time spent running, without pauses and waiting. Milliseconds. */
  runningMs: z.number().nonnegative(),
  /** What skipped records lacked, by reason. */
  skippedBy: z.record(z.string(), count),
  /** Batches sent and failed, for the failure rate in the report. */
  batches: z.object({ sent: count, failed: count }),
  /** What the requests came to, as far as the search model is one that counts. */
  used: z
    .object({
      tokens: count,
      /** All of them by the server; else some are estimated. */
      isCounted: z.boolean(),
      /** US dollars; absent where the price is not known. */
      dollars: z.number().nonnegative().optional(),
    })
    .optional(),
  /** How it went over time, oldest first. */
  samples: z.array(sampleSchema).optional(),
  /** The breaker while the embedder is down, so that a restart does not forget it. */
  breaker: z
    .object({
      openedAt: z.number(),
      probes: count,
      nextProbeAt: z.number(),
      reason: z.string(),
      isRateLimit: z.boolean().optional(),
    })
    .optional(),
  /** Alerts that are on, so that a restart raises none of them again and resolves each of them. */
  alerts: z.array(alertSchema).optional(),
  failedBatches: z.array(failedBatchSchema).max(MOST_FAILED_BATCHES).optional(),
  fingerprint: z.string(),
  /** The index version tagged before the run wrote anything. */
  indexTag: z.string(),
  progressMessage: z.object({ channelId: id, messageId: id, postedAt: z.number() }).optional(),
});
export type Run = z.infer<typeof runSchema>;

/** Whether the present model made it: what another has embedded is of no use to this one, so such a run is not resumed. */
export function isOfSpace(run: Run, space: EmbeddingSpace): boolean {
  return run.fingerprint === space.fingerprint;
}

/** The run with another status. @throws Error when the table has no such arrow (a bug, or a race the caller must re-read) */
export function withStatus(run: Run, status: RunStatus, reason: StoredReason, now: number): Run {
  if (!canBecome(run.status, status)) throw new Error(`a run cannot go from ${run.status} to ${status}`);
  const settled = status === "succeeded" || status === "cancelled" || status === "failed";
  return { ...run, status, reason, statusAt: now, finishedAt: settled ? now : undefined };
}

/** So many channels of a collection are told apart: a run is stored with each of its requests. */
const MOST_CHANNELS = 200;

type CollectionOfRun = NonNullable<Run["collection"]>;

/** With more messages that were collected from a channel. */
export function withCollected(collection: CollectionOfRun, channelId: string, messages: number): CollectionOfRun {
  const { byChannel = {}, collected } = collection;
  const isTold = channelId in byChannel || Object.keys(byChannel).length < MOST_CHANNELS;
  const counted = messages > 0 && isTold ? { [channelId]: (byChannel[channelId] ?? 0) + messages } : {};
  return { ...collection, collected: collected + messages, byChannel: { ...byChannel, ...counted } };
}

/** Sums over all phases. */
export function totals(run: Run): Accounts {
  const counters = run.phases.map((phase) => phase.counters).reduce(addCounters, noCounters);
  const planned = run.phases.reduce((sum, phase) => sum + phase.planned, 0);
  const remaining = run.phases.reduce(
    (sum, phase) => sum + (phase.cursor === undefined ? 0 : Math.max(0, phase.planned - phase.counters.read)),
    0,
  );
  return { ...counters, planned, remaining };
}

/** The phase being worked on: the first with something left. */
export function currentPhase(run: Run): Phase | undefined {
  return run.phases.find((phase) => phase.cursor !== undefined);
}
