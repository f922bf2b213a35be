// The last batches of a run that did not go through at once, and what was done about each: for whoever asks what went wrong last
// night. Bounded, and part of the run, so that a restart (which may be what the trouble led to) does not forget them.

import { z } from "zod";
import type { FailedRequest } from "../../embedding/fault-isolation.ts";
import type { Clock } from "../../ports/clock.ts";

const times = z.int().nonnegative();

export const failedBatchSchema = z.object({
  /** When it last failed. */
  at: z.number(),
  texts: times,
  /** Of its latest failure. Empty when that was long ago: what a server says may repeat members' words. */
  reason: z.string(),
  /** How often the embedder was waited for until it answered again. */
  waited: times,
  /** How often it, or a part of it, was sent again. */
  retried: times,
  /** How often it, or a part of it, was cut in two to find the culprit. */
  halved: times,
  /** Records that were given up in the end. */
  setAside: times,
});
export type FailedBatch = z.infer<typeof failedBatchSchema>;

export const MOST_FAILED_BATCHES = 10;
const MOST_REASON_CHARACTERS = 300;

/** @param before reasons from before this moment may repeat words that have been deleted since. The same array when there are none */
export function withoutOldReasons(batches: readonly FailedBatch[], before: number): readonly FailedBatch[] {
  if (!batches.some(({ at, reason }) => at < before && reason !== "")) return batches;
  return batches.map((batch) => (batch.at < before ? { ...batch, reason: "" } : batch));
}

export interface ReasonKeeping {
  /** How long what an embedding server said about a batch is kept. */
  readonly keepReasonsMs?: number | undefined;
}

/** What becomes of one batch. */
export interface BatchTrouble {
  failed(failure: FailedRequest): void;
  setAside(records: number): void;
}

export interface FailedBatches {
  /** A batch of so many texts is sent. It is remembered if it fails. */
  begin(texts: number): BatchTrouble;
  /** The latest last. The same array as long as nothing has changed. */
  list(): readonly FailedBatch[];
}

/**
 * @param before those of the run so far
 * @param keepReasonsMs how long what a server says is kept
 */
export function createFailedBatches(
  clock: Pick<Clock, "now">,
  before: readonly FailedBatch[] = [],
  keepReasonsMs = Number.POSITIVE_INFINITY,
): FailedBatches {
  let batches = before;

  return {
    begin(texts) {
      let latest: FailedBatch | undefined;
      const change = (next: FailedBatch) => {
        const others = batches.filter((each) => each !== latest);
        latest = next;
        batches = [...others, next].slice(-MOST_FAILED_BATCHES);
      };
      return {
        failed({ reason, next }) {
          const so = latest ?? { texts, waited: 0, retried: 0, halved: 0, setAside: 0 };
          const clipped = reason.slice(0, MOST_REASON_CHARACTERS).toWellFormed();
          change({ ...so, at: clock.now(), reason: clipped, [next]: so[next] + 1 });
        },
        setAside(records) {
          if (latest !== undefined) change({ ...latest, setAside: latest.setAside + records });
        },
      };
    },
    list() {
      batches = withoutOldReasons(batches, clock.now() - keepReasonsMs);
      return batches;
    },
  };
}
