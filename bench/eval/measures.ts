// How good a ranking is, and how fast. Relevance is yes or no; only the first ten places count.

const PLACES = 10;

export interface Quality {
  readonly ndcg10: number;
  readonly recall10: number;
  /** Mean reciprocal rank of the first relevant record; 0 where none is among the ten. */
  readonly mrr10: number;
}

export interface Latency {
  /** Of one search, milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** What one query found. */
export interface Judgement {
  /** Ids, best first. */
  readonly found: readonly string[];
  readonly relevant: ReadonlySet<string>;
}

/**
 * Normalised discounted cumulative gain: 1 / log2(rank + 1) for each relevant record, over what the best order would have.
 * Järvelin and Kekäläinen, 2002, with binary gains as in BEIR and MTEB.
 */
export function ndcg({ found, relevant }: Judgement): number {
  const gain = (place: number) => 1 / Math.log2(place + 2);
  const best = Array.from({ length: Math.min(PLACES, relevant.size) }, (_, place) => gain(place));
  const got = found.slice(0, PLACES).map((id, place) => (relevant.has(id) ? gain(place) : 0));
  return sum(got) / sum(best);
}

/** The share of the relevant records that is among the ten. */
export function recall({ found, relevant }: Judgement): number {
  return found.slice(0, PLACES).filter((id) => relevant.has(id)).length / relevant.size;
}

export function reciprocalRank({ found, relevant }: Judgement): number {
  const place = found.slice(0, PLACES).findIndex((id) => relevant.has(id));
  return place === -1 ? 0 : 1 / (place + 1);
}

/** @param share 0.5 for the median; the smallest value that so many are not above */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function quality(judgements: readonly Judgement[]): Quality {
  const mean = (of: (judgement: Judgement) => number) => sum(judgements.map(of)) / judgements.length;
  return { ndcg10: mean(ndcg), recall10: mean(recall), mrr10: mean(reciprocalRank) };
}

/** @param timesMs of each search */
export function latency(timesMs: readonly number[]): Latency {
  return { p50Ms: percentile(timesMs, 0.5), p95Ms: percentile(timesMs, 0.95) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
