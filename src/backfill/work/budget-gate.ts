// Lets a batch of a backfill through as long as the month's budget has room for it.

import { CANARY } from "../../embedding/canary.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import type { Spending } from "../../embedding/spending.ts";
import { type Batch, CHARACTERS_PER_TOKEN } from "../../indexing/text/batches.ts";
import type { Clock } from "../../ports/clock.ts";

/** Of what a batch is thought to come to, for a text that has more tokens than those before. */
const MARGIN = 1.1;
const LOOK_AGAIN_MS = 1_000;

export interface BudgetGate {
  /** A larger batch would not fit; in tokens as whoever cuts batches counts them. */
  tokensPerBatch(): number;
  /**
   * Waits as long as the budget has no room: what watches over it pauses the run meanwhile, or the month ends.
   * @returns to be called when the batch has been answered; undefined when it was stopped before
   */
  pass(batch: Batch, stop: AbortSignal): Promise<(() => void) | undefined>;
}

/** @param spending undefined: nothing is counted */
export function createBudgetGate(spending: Spending | undefined, queue: EmbeddingQueue, clock: Clock): BudgetGate {
  const charactersOf = (batch: Batch) =>
    batch.reduce((sum, { chunks }) => sum + chunks.reduce((all, { embeddedText }) => all + embeddedText.length, 0), 0);

  return {
    tokensPerBatch() {
      const left = spending?.tokensLeft() ?? Number.POSITIVE_INFINITY;
      return (left / MARGIN / queue.mostTokensIn(1_000) / CHARACTERS_PER_TOKEN) * 1_000;
    },
    async pass(batch, stop) {
      if (spending === undefined) return () => {};
      while (!stop.aborted) {
        const tokens = queue.mostTokensIn((charactersOf(batch) + CANARY.length) * MARGIN);
        const giveBack = await spending.setApart(tokens, stop);
        if (giveBack !== undefined) return giveBack;
        await clock.sleep(LOOK_AGAIN_MS, stop);
      }
      return undefined;
    },
  };
}
