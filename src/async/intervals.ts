// What is done at intervals: one thing for as long as it is wanted, or several beside some work until that is finished.

import type { Clock } from "../ports/clock.ts";
import { within } from "./abortable.ts";

const TICK_MS = 1_000;
/** When the work is finished, what is being looked at may take this long. */
const LAST_ROUND_MS = 1_000;

/** Does it after a pause, again and again, until the signal aborts. */
export async function every(
  ms: number,
  clock: Pick<Clock, "sleep">,
  stop: AbortSignal,
  act: () => Promise<unknown>,
): Promise<void> {
  while (!stop.aborted) {
    await clock.sleep(ms, stop);
    if (!stop.aborted) await act();
  }
}

export interface Round {
  readonly everyMs: number;
  act(): Promise<void>;
}

/**
 * One round that takes long, or never ends, holds up none of the others; none is begun again before it has ended.
 * @param onError a round that fails is told here and comes again
 */
export async function watch(
  rounds: readonly Round[],
  clock: Clock,
  finished: AbortSignal,
  onError: (thrown: unknown) => void,
): Promise<void> {
  const lastAt = new Map<Round, number>();
  const underWay = new Map<Round, Promise<void>>();
  while (!finished.aborted) {
    for (const round of rounds) {
      if (underWay.has(round)) continue;
      if (clock.elapsed() - (lastAt.get(round) ?? Number.NEGATIVE_INFINITY) < round.everyMs) continue;
      lastAt.set(round, clock.elapsed());
      const acting = round
        .act()
        .catch(onError)
        .finally(() => underWay.delete(round));
      underWay.set(round, acting);
    }
    await clock.sleep(TICK_MS, finished);
  }
  await within(LAST_ROUND_MS, clock, Promise.all(underWay.values()));
}
