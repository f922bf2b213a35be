// Checks a guild's index against its archive: coverage, orphans, duplicates, stale rows, sane vectors, self-retrieval, latency.

import { type CanaryCheck, WrongVectorsError } from "../../embedding/canary.ts";
import { toError } from "../../errors.ts";
import { ownText } from "../../indexing/text/prepare.ts";
import { getOrMake } from "../../maps.ts";
import type { IdRange } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RecordKind, StoredRecord } from "../../ports/records.ts";
import type { VectorIndex } from "../../ports/vector-index.ts";
import { RefusedError } from "../../refusals.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Accounts } from "../run/facts.ts";
import { type Run, totals } from "../run/run.ts";
import { type Sources, walk } from "./difference.ts";
import type { SampledMessage } from "./proof-messages.ts";
import { monthOf } from "./survey.ts";

/** A success criterion: a tick or a cross. Most are judged by the verification's own numbers, and only the others have more. */
export type Criterion = { readonly ok: boolean } & (
  | { readonly name: "coverage" | "failures" | "search-time" | "consistency" }
  /** Months in which something can be found, of those with messages. */
  | { readonly name: "months"; readonly found: number; readonly months: number }
  | { readonly name: "accounting"; readonly accounts: Accounts }
);

/** What is to be reached: shares, and milliseconds. */
export const goals = { coverage: 0.95, failures: 0.01, searchMs: 100 } as const;

export interface Verification {
  readonly at: number;
  readonly tookMs: number;
  readonly records: number;
  readonly embedded: number;
  readonly skipped: number;
  readonly quarantined: number;
  readonly missing: number;
  readonly stale: number;
  readonly orphaned: number;
  readonly duplicates: number;
  /** Vectors of a wrong length or with numbers that are not finite, among those sampled. */
  readonly badVectors: number;
  /** Old messages that were searched for by their own words, and how many found themselves in the top ten. */
  readonly selfRetrieval: { readonly tried: number; readonly found: number };
  readonly searchMs: { readonly p50: number; readonly p95: number };
  readonly criteria: readonly Criterion[];
  /** Old messages found, as proof to look at. Nobody must be shown those that they could not read: see proof-messages.ts. */
  readonly sample: readonly SampledMessage[];
}

const PAGE = 2_000;
/** Old messages that must find themselves, spread over all months. */
const PROBES = 20;
/** Of a message's own words, about as much as a person types. Characters. */
const QUERY_LENGTH = 120;
const VECTORS_CHECKED = 500;
const IDS_KEPT = 10_000;

export interface VerifyParts {
  readonly sources: Sources;
  /** The search that members use, without regard to permissions: ids of the best hits for a text. */
  readonly find: (guildId: Snowflake, text: string, limit: number) => Promise<Snowflake[]>;
  /** The searches begin after this: whoever puts the index in order meanwhile has it done by then. */
  readonly ready: Promise<unknown>;
  readonly clock: Clock;
}

/** A range of one kind of records to check. */
export type VerifiedRange = IdRange & { readonly kind: RecordKind };

export interface Findings {
  readonly verification: Verification;
  /** Records without a current row, to be embedded; at most 10,000 of them. */
  readonly toRepair: readonly { readonly kind: RecordKind; readonly id: Snowflake }[];
}

/** @throws RefusedError when the embedder answers, but not with the vectors of the texts */
export async function requireRightVectors(canary: CanaryCheck, signal: AbortSignal, logger: Logger): Promise<void> {
  try {
    await canary.check({ priority: "live", signal });
  } catch (thrown) {
    // One that does not answer is told by the check itself, whose searches then go by words.
    if (thrown instanceof WrongVectorsError) {
      throw new RefusedError({ kind: "wrong-vectors", message: thrown.message }, { cause: thrown });
    }
    logger.debug("verify:embedder-unchecked", { error: toError(thrown).message });
  }
}

/** Walks the ranges and checks everything. @param run whose accounting is checked too, when it is the run that ends */
export async function verify(
  parts: VerifyParts,
  guildId: Snowflake,
  ranges: readonly VerifiedRange[],
  run: Run | undefined,
  onProgress: (records: number) => void = () => {},
): Promise<Findings> {
  const { sources, clock } = parts;
  const startedAt = clock.elapsed();
  const counts = {
    records: 0,
    embedded: 0,
    skipped: 0,
    quarantined: 0,
    missing: 0,
    stale: 0,
    orphaned: 0,
    duplicates: 0,
  };
  const suspects: { kind: RecordKind; id: Snowflake; state: "missing" | "stale" | "orphaned" }[] = [];
  const candidates = new Map<string, StoredRecord[]>();
  const monthsWithText = new Set<string>();

  for (const { kind, newestId, oldestId } of ranges) {
    for await (const page of walk(sources, guildId, { kind, newestId, oldestId }, PAGE)) {
      for (const { stored, state } of page.records) {
        const { id } = stored.record;
        counts.records += 1;
        counts[state] += 1;
        if (state !== "skipped") monthsWithText.add(monthOf(id));
        if (state === "embedded") keepCandidate(candidates, stored);
        else if (state === "missing" || state === "stale") suspects.push({ kind, id, state });
      }
      counts.orphaned += page.orphans.length;
      counts.duplicates += page.duplicates.length;
      for (const id of page.orphans) suspects.push({ kind, id, state: "orphaned" });
      suspects.length = Math.min(suspects.length, IDS_KEPT);
      onProgress(counts.records);
    }
  }

  // What live indexing is about to settle is no fault of the index.
  const underway = new Set((await sources.archive.pending(guildId, IDS_KEPT)).map(({ id }) => id));
  for (const { id, state } of suspects) if (underway.has(id)) counts[state] -= 1;
  await parts.ready;
  const toRepair = suspects.filter(({ id }) => !underway.has(id));
  const probes = spread([...candidates.values()].flat(), PROBES);
  const { found, timesMs } = await findThemselves(parts, guildId, probes);
  const badVectors = await countBadVectors(sources.index, probes.length === 0 ? [] : [...candidates.values()].flat());
  const monthsFound = candidates.size;
  const verification: Verification = {
    at: clock.now(),
    tookMs: clock.elapsed() - startedAt,
    ...counts,
    badVectors,
    selfRetrieval: { tried: probes.length, found: found.length },
    searchMs: { p50: percentile(timesMs, 0.5), p95: percentile(timesMs, 0.95) },
    criteria: [],
    sample: found.map(({ record }) => ({ id: record.id, record })),
  };
  const criteria = judge(verification, monthsWithText.size, monthsFound, run);
  return { verification: { ...verification, criteria }, toRepair };
}

function keepCandidate(candidates: Map<string, StoredRecord[]>, stored: StoredRecord) {
  const { record } = stored;
  const kept = getOrMake(candidates, monthOf(record.id), () => []);
  // A handful of words that only this message is likely to have. A private note is for its owner to find, not for the check.
  const isTelling = record.kind !== "note" && ownText(record).length >= 40;
  if (isTelling && kept.length < PROBES) kept.push(stored);
}

/** Every nth, so that all months have a say. */
function spread<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.max(1, items.length / most);
  return Array.from(
    { length: Math.min(most, items.length) },
    (_, position) => items[Math.floor(position * step)],
  ).filter((item) => item !== undefined);
}

async function findThemselves(parts: VerifyParts, guildId: Snowflake, probes: readonly StoredRecord[]) {
  const found: StoredRecord[] = [];
  const timesMs: number[] = [];
  // The first search also loads what later ones find in memory.
  if (probes.length > 0) await parts.find(guildId, "warm up", 1);
  for (const probe of probes) {
    const startedAt = parts.clock.elapsed();
    const ids = await parts.find(guildId, ownText(probe.record).slice(0, QUERY_LENGTH).toWellFormed(), 10);
    timesMs.push(parts.clock.elapsed() - startedAt);
    if (ids.includes(probe.record.id)) found.push(probe);
  }
  return { found, timesMs };
}

async function countBadVectors(index: VectorIndex, records: readonly StoredRecord[]): Promise<number> {
  const ids = spread(records, VECTORS_CHECKED).map(({ record }) => record.id);
  const rows = await index.rows(ids);
  return rows.filter(({ vector }) => vector.length !== index.space.dimensions || !vector.every(Number.isFinite)).length;
}

/** What this share of the values does not exceed. */
function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? 0;
}

function judge(found: Verification, months: number, monthsFound: number, run: Run | undefined): Criterion[] {
  const embeddable = found.records - found.skipped;
  const coverage = embeddable === 0 ? 1 : found.embedded / embeddable;
  const failures = embeddable === 0 ? 0 : found.quarantined / embeddable;
  const inconsistent = found.orphaned + found.duplicates + found.stale + found.badVectors;
  return [
    { name: "coverage", ok: coverage > goals.coverage },
    { name: "failures", ok: failures < goals.failures },
    { name: "search-time", ok: found.searchMs.p95 < goals.searchMs },
    { name: "months", ok: monthsFound >= months, found: monthsFound, months },
    { name: "consistency", ok: inconsistent === 0 },
    ...(run === undefined ? [] : [accounting(run)]),
  ];
}

/** total = embedded + unchanged + skipped + quarantined + remaining, from counters that were counted apart. */
function accounting(run: Run): Criterion {
  const accounts = totals(run);
  const { planned, read, embedded, unchanged, skipped, quarantined, remaining } = accounts;
  const accounted = embedded + unchanged + skipped + quarantined;
  const idle = planned > 0 && read === 0;
  return { name: "accounting", ok: read === accounted && remaining === 0 && !idle, accounts };
}
