// What a run says of itself, as facts with their numbers; views/ says it in words. They are stored with the run. Runs that were stored
// by earlier versions have sentences instead, which are shown as they are.

import { z } from "zod";

export const runStatuses = [
  "running",
  "pausing",
  "paused",
  "waiting",
  "interrupted",
  "succeeded",
  "failed",
  "cancelled",
] as const;
export type RunStatus = (typeof runStatuses)[number];

const amount = z.number();
const count = z.int().nonnegative();

/** Both sides of the accounting identity, from counters that were counted apart. Records. */
const accountsSchema = z.object({
  planned: count,
  read: count,
  embedded: count,
  unchanged: count,
  skipped: count,
  quarantined: count,
  remaining: count,
});
export type Accounts = z.infer<typeof accountsSchema>;

/** What is used of the month's budget for the embedder. */
const budgetUseSchema = z.object({ unit: z.enum(["dollars", "tokens"]), used: amount, of: amount });
export type BudgetUse = z.infer<typeof budgetUseSchema>;

/** Why nothing could be stored. `message`: what the archive or the index said. */
const storageTroubleSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("error"), message: z.string() }),
  z.object({ kind: z.literal("lease-lost"), how: z.enum(["ended", "taken-over", "run-replaced"]) }),
]);
export type StorageTrouble = z.infer<typeof storageTroubleSchema>;

const reasonSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.enum([
      "started",
      "resumed-by-itself",
      "embedder-answers",
      "embedder-not-needed",
      "nothing-remains",
      "process-stopped",
      "process-gone",
      "model-changed",
      /** Shown only: this process may not write to the guild's run. */
      "not-owned",
    ]),
  }),
  z.object({ kind: z.literal("resumed"), from: z.enum(runStatuses) }),
  /** `by` whom: somebody asked for a pause. */
  z.object({ kind: z.literal("asked"), by: z.string() }),
  z.object({ kind: z.literal("rolled-back"), by: z.string() }),
  /** The index was set back to this version, by a command of its own. */
  z.object({ kind: z.literal("index-restored"), version: z.string() }),
  z.object({ kind: z.literal("disk-low"), freeBytes: amount, wantedBytes: amount }),
  z.object({ kind: z.literal("budget-spent"), use: budgetUseSchema.optional() }),
  /** `message`: what the embedder said. */
  z.object({ kind: z.literal("embedder-down"), message: z.string() }),
  z.object({ kind: z.literal("nothing-embedded"), planned: count }),
  z.object({ kind: z.literal("accounts-differ"), accounts: accountsSchema }),
  z.object({ kind: z.literal("error"), message: z.string() }),
  /** Shown only: the run had to be left, and goes on by itself. */
  z.object({ kind: z.literal("left"), because: storageTroubleSchema.optional() }),
]);
export type RunReason = z.infer<typeof reasonSchema>;
export const storedReasonSchema = z.union([reasonSchema, z.string()]);
export type StoredReason = z.infer<typeof storedReasonSchema>;

const waitingForSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.enum([
      /** Runs of other guilds have the pages. */
      "turn",
      "discord-history",
      "changed-records",
      "refused-records",
      "index-upkeep",
      "final-check",
      /** The archive cannot be written, which is how a guild is owned. */
      "archive",
      /** The archive or the index cannot be used: the run was left. */
      "storage",
    ]),
  }),
  /** `inMs`: until it is tried next. */
  z.object({ kind: z.literal("embedder"), isRateLimit: z.boolean(), inMs: amount }),
  /** The embedder's limits are used up for so long. */
  z.object({ kind: z.literal("embedder-limits"), inMs: amount }),
]);
export type WaitingFor = z.infer<typeof waitingForSchema>;

/** What was measured when an alert was raised or resolved. */
const alertDetailSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("slow-request"), tookMs: amount, limitMs: amount }),
  /** `limit`: the share that would be fine. */
  z.object({ kind: z.literal("failed-requests"), failed: count, of: count, limit: amount }),
  z.object({ kind: z.literal("disk"), freeBytes: amount, wantedBytes: amount }),
  z.object({ kind: z.literal("memory"), usedBytes: amount, limitBytes: amount, limit: amount }),
  z.object({ kind: z.literal("embedder"), message: z.string() }),
  z.object({ kind: z.literal("budget"), use: budgetUseSchema.optional() }),
  z.object({ kind: z.literal("storage"), because: storageTroubleSchema }),
  z.object({ kind: z.literal("no-progress"), ms: amount, waitingFor: waitingForSchema.optional() }),
  /** It is over: what did not answer does again, or no run is at work that could suffer from it. */
  z.object({ kind: z.enum(["embedder-answers", "storage-usable", "no-run"]) }),
]);
export type AlertDetail = z.infer<typeof alertDetailSchema>;
export const storedAlertDetailSchema = z.union([alertDetailSchema, z.string()]);
export type StoredAlertDetail = z.infer<typeof storedAlertDetailSchema>;

/** As `UnreadableChannel`. */
export const storedUnreadableSchema = z.union([
  z.object({
    name: z.string(),
    because: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("content-hidden") }),
      z.object({ kind: z.literal("error"), message: z.string() }),
    ]),
  }),
  z.string(),
]);
