// What is to be done once a day, by the calendar: a machine that slept, or a clock that is set, does not make it wait for another day.
// What fails is tried again in an hour.

import { toError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";

const DAY_MS = 24 * 3_600_000;
const AGAIN_MS = 3_600_000;
const LOOK_EVERY_MS = 10_000;

/**
 * Begins at once.
 * @param subjects for each of which it is done once a day, from when it is named first
 * @returns when it was stopped
 */
export async function everyDay(
  subjects: () => readonly string[],
  work: (subject: string) => Promise<void>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  stop: AbortSignal,
): Promise<void> {
  const dueAt = new Map<string, number>();
  while (!stop.aborted) {
    for (const subject of subjects()) {
      const now = clock.now();
      const due = dueAt.get(subject) ?? now;
      // One that is further away than a day is of a clock that has been set back.
      if (stop.aborted || (due > now && due <= now + DAY_MS)) continue;
      try {
        await work(subject);
        dueAt.set(subject, now + DAY_MS);
      } catch (thrown) {
        if (stop.aborted) return;
        logger.warn("daily:postponed", { subject, error: toError(thrown).message });
        dueAt.set(subject, now + AGAIN_MS);
      }
    }
    await clock.sleep(LOOK_EVERY_MS, stop);
  }
}
