// What is looked at beside the work, each thing at its own interval, until the work is finished.

import type { Clock } from "../ports/clock.ts";

const TICK_MS = 1_000;

export interface Round {
  readonly everyMs: number;
  act(): Promise<void>;
}

/** @param onError a round that fails is told here and comes again */
export async function watch(
  rounds: readonly Round[],
  clock: Clock,
  finished: AbortSignal,
  onError: (thrown: unknown) => void,
): Promise<void> {
  const lastAt = new Map<Round, number>();
  while (!finished.aborted) {
    for (const round of rounds) {
      if (clock.elapsed() - (lastAt.get(round) ?? Number.NEGATIVE_INFINITY) < round.everyMs) continue;
      lastAt.set(round, clock.elapsed());
      await round.act().catch(onError);
    }
    await clock.sleep(TICK_MS, finished);
  }
}
