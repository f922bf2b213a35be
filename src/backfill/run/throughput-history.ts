// How a run went over time: a bounded list of samples in the run itself, for the chart of its report. Each sample covers a stretch
// of time in which a process was at work on the run (pauses and restarts are left out); when there are too many, neighbours merge.

import { z } from "zod";
import { added } from "../../sums.ts";
import { alertNames } from "./alerts.ts";

const count = z.int().nonnegative();

export const sampleSchema = z.object({
  /** How long a stretch it covers. */
  ms: z.number().nonnegative(),
  /** Messages brought from Discord into the archive meanwhile. */
  collected: count,
  /** Records settled meanwhile, whatever became of them. */
  done: count,
  /** Embedding requests that failed meanwhile. */
  failed: count,
  /** Alerts that were on at its end. */
  alerts: z.array(z.enum(alertNames)),
});
export type Sample = z.infer<typeof sampleSchema>;

/** About as many as a chart can show apart; the run is stored with every checkpoint, so it stays small. */
const MOST_SAMPLES = 90;
const LATELY_MS = 60_000;

/** The history with one more sample. Grows up to a bound; beyond it, samples cover twice the time each. */
export function withSample(history: readonly Sample[], sample: Sample): Sample[] {
  const last = history.at(-1);
  const longest = Math.max(0, ...history.map(({ ms }) => ms));
  // After neighbours merged, the newest grows until it is as long as the others.
  if (last && last.ms + sample.ms <= longest) return [...history.slice(0, -1), merged(last, sample)];
  const grown = [...history, sample];
  if (grown.length <= MOST_SAMPLES) return grown;
  return grown.flatMap((each, at) => {
    if (at % 2 === 1) return [];
    const next = grown[at + 1];
    return [next ? merged(each, next) : each];
  });
}

/** Records per second over the last minute of it, as far as its samples tell. */
export function latelyPerSecond(history: readonly Sample[] = []): number | undefined {
  let [ms, done] = [0, 0];
  for (const sample of history.toReversed()) {
    if (ms >= LATELY_MS) break;
    ms += sample.ms;
    done += sample.done;
  }
  return ms === 0 ? undefined : (done * 1000) / ms;
}

function merged({ alerts, ...one }: Sample, other: Sample): Sample {
  return { ...added(one, other), alerts: [...new Set([...alerts, ...other.alerts])] };
}
