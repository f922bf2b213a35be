// How common each word is in a guild, from a sample of its messages. What is rare here tells more.

import type { Clock } from "../ports/clock.ts";
import type { VectorIndex } from "../ports/vector-index.ts";
import type { WordFrequencies, WordModel } from "./late-interaction.ts";

/** A thousand left a third of a point of nDCG to chance. Read and cut in 40 ms. */
const SAMPLED_TEXTS = 4_000;
/** A sample is good for a while; a quarter of an hour of new messages changes little. */
const MAX_AGE_MS = 15 * 60_000;
/** While a guild's index is being filled, a sample soon speaks of something else. */
const MAX_GROWTH = 1.5;

type SampledIndex = Pick<VectorIndex, "count" | "sampleTexts">;

interface Sample {
  readonly rows: number;
  readonly at: number;
  readonly frequencies: Promise<WordFrequencies>;
}

export interface WordStatistics {
  of(index: SampledIndex): Promise<WordFrequencies>;
}

export function createWordStatistics(model: WordModel, clock: Pick<Clock, "elapsed">): WordStatistics {
  const samples = new WeakMap<SampledIndex, Sample>();
  return {
    async of(index) {
      const rows = await index.count();
      const known = samples.get(index);
      if (known && clock.elapsed() - known.at < MAX_AGE_MS && rows <= known.rows * MAX_GROWTH) {
        return await known.frequencies;
      }
      const frequencies = sample(index, model);
      samples.set(index, { rows, at: clock.elapsed(), frequencies });
      frequencies.catch(() => samples.delete(index));
      return await frequencies;
    },
  };
}

async function sample(index: SampledIndex, model: WordModel): Promise<WordFrequencies> {
  const texts = await index.sampleTexts(SAMPLED_TEXTS);
  const textsWith = new Map<number, number>();
  for (const text of texts) {
    for (const token of new Set(Array.from(model.tokenIds(text))))
      textsWith.set(token, (textsWith.get(token) ?? 0) + 1);
  }
  return { texts: texts.length, textsWith };
}
