// What is missing, how long it will take and how much disk it needs: the walk over archive and index behind `analyze`, and the
// phase plan made from it.

import { ownText } from "../../indexing/text/prepare.ts";
import { getOrMake } from "../../maps.ts";
import type { Clock } from "../../ports/clock.ts";
import type { IntentName } from "../../ports/discord.ts";
import type { GenerationChange } from "../../ports/generations.ts";
import type { RecordKind, StoredRecord } from "../../ports/records.ts";
import {
  compareSnowflakes,
  FIRST_SNOWFLAKE,
  type Snowflake,
  snowflakeAt,
  snowflakeBefore,
  snowflakeTime,
} from "../../snowflake.ts";
import type { BudgetUse } from "../run/facts.ts";
import { noCounters, type Phase, type PhaseName, phaseNames } from "../run/run.ts";
import { type Compared, type Sources, walk } from "./difference.ts";

/** One line of the pre-flight checklist. */
export interface Check {
  readonly name:
    | "embedder"
    | "index"
    | "disk"
    | "memory"
    | "intents"
    | "message-content"
    | "ownership"
    | "budget"
    | "volume";
  readonly ok: boolean;
  readonly detail: CheckDetail;
}

/** What was found. */
export type CheckDetail =
  /** `message`: what was said instead of an answer. */
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "embedder"; readonly modelId: string; readonly recordsPerSecond: number }
  /** `freeBytes` undefined: what is stored is not on a disk of this machine. */
  | {
      readonly kind: "disk";
      readonly freeBytes: number | undefined;
      readonly neededBytes: number;
      readonly reserveBytes: number;
    }
  | { readonly kind: "memory"; readonly freeBytes: number; readonly limitBytes: number }
  /** Where the data folder lies: as far as the system tells. */
  | { readonly kind: "volume"; readonly state: "encrypted" | "not-known" | "elsewhere" }
  | { readonly kind: "entries"; readonly rows: number }
  | { readonly kind: "content" }
  /** The bot does not ask Discord for this intent. */
  | { readonly kind: "intent-lacking"; readonly intent: IntentName }
  /** `isEnough`: as far as is known, what is left of it is enough for this backfill. */
  | { readonly kind: "budget"; readonly use: BudgetUse; readonly isEnough: boolean }
  /** `holder`: another process that owns the guild, as far as is known; undefined also when this one does. */
  | { readonly kind: "owner"; readonly holder: string | undefined };

/** How a group of archived records stands in the index. `records = embedded + missing + stale + skipped + quarantined`. */
export interface Coverage {
  records: number;
  embedded: number;
  /** No row yet. */
  missing: number;
  /** A row of an older version of the record. */
  stale: number;
  /** Nothing to embed. */
  skipped: number;
  quarantined: number;
}

export interface PhasePlan extends Coverage {
  readonly name: PhaseName;
  readonly kind: RecordKind;
  readonly newestId: Snowflake;
  readonly oldestId: Snowflake;
  /** Milliseconds at full speed of the measured embedder; undefined when it could not be measured. */
  readonly estimatedMs: number | undefined;
}

export interface Cost {
  readonly tokens: number;
  /** By the server, on a sample; else estimated by length. */
  readonly isCounted: boolean;
  /** Undefined: not known, or nothing. */
  readonly dollars: number | undefined;
}

export interface Analysis extends Coverage {
  readonly guildId: Snowflake;
  readonly at: number;
  readonly tookMs: number;
  /** Rows whose record is gone. */
  readonly orphaned: number;
  /** Stored values that cannot be read. */
  readonly damaged: number;
  readonly notes: number;
  /** Most records first. */
  readonly channels: readonly (Coverage & { readonly channelId: Snowflake })[];
  /** Oldest first; month is "2025-02" (UTC). */
  readonly months: readonly (Coverage & { readonly month: string })[];
  /** Characters of embedded text per record that has any. */
  readonly averageLength: number;
  readonly phases: readonly PhasePlan[];
  /** Measured now, on a sample of this guild's own records. */
  readonly recordsPerSecond: number | undefined;
  readonly estimatedMs: number | undefined;
  readonly diskNeededBytes: number;
  readonly diskFreeBytes: number;
  /** Where nothing is stored yet: about so many messages there are on Discord; undefined when it does not say. */
  readonly onDiscord?: number | undefined;
  /** What the records to do come to, by a sample; undefined for a model that counts nothing: the built-in one. */
  readonly cost?: Cost | undefined;
  readonly modelId: string;
  /** The host that texts are sent to; undefined: they stay on this machine, or in its private network. */
  readonly textsGoTo?: string | undefined;
  /** Another index is being built, and the former one answers meanwhile; undefined when one has all. */
  readonly change: GenerationChange | undefined;
  readonly preflight: readonly Check[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
const PAGE = 2_000;
/** Records kept to measure the embedder on. */
const SAMPLE = 200;

/** The id ranges of the four phases, newest first, for a run planned at `cutoffId`. Together they cover every record up to it. */
export function phaseRanges(cutoffId: Snowflake): Pick<PhasePlan, "name" | "kind" | "newestId" | "oldestId">[] {
  const daysBefore = (days: number) => snowflakeAt(snowflakeTime(cutoffId) - days * DAY_MS);
  const [recent, medium] = [daysBefore(30), daysBefore(90)];
  return [
    { name: "recent", kind: "message", newestId: cutoffId, oldestId: recent },
    { name: "medium", kind: "message", newestId: snowflakeBefore(recent), oldestId: medium },
    { name: "full", kind: "message", newestId: snowflakeBefore(medium), oldestId: FIRST_SNOWFLAKE },
    { name: "notes", kind: "note", newestId: cutoffId, oldestId: FIRST_SNOWFLAKE },
  ];
}

/** The chosen phases of an analysis, ready to be run, in their fixed order. */
export function planPhases(
  plans: readonly Omit<PhasePlan, "estimatedMs">[],
  chosen: readonly PhaseName[] = phaseNames,
): Phase[] {
  return plans
    .filter(({ name }) => chosen.includes(name))
    .map(({ name, kind, newestId, oldestId, records }) => ({
      name,
      kind,
      newestId,
      oldestId,
      planned: records,
      cursor: newestId,
      counters: noCounters,
    }));
}

/** What the chosen phases of an analysis cost. */
export function costOfPhases(analysis: Analysis, chosen: readonly PhaseName[] = phaseNames): Cost | undefined {
  const { cost } = analysis;
  const toDo = (plans: readonly PhasePlan[]) => plans.reduce((sum, { missing, stale }) => sum + missing + stale, 0);
  const all = toDo(analysis.phases);
  // Of a server whose history is still on Discord, all is to do.
  if (cost === undefined || all === 0) return analysis.records === 0 ? cost : undefined;
  const share = toDo(analysis.phases.filter(({ name }) => chosen.includes(name))) / all;
  const dollars = cost.dollars === undefined ? undefined : cost.dollars * share;
  return { ...cost, tokens: Math.ceil(cost.tokens * share), dollars };
}

/** What a walk over all records finds. */
export interface Survey {
  readonly total: Coverage;
  readonly orphaned: number;
  readonly damaged: number;
  readonly notes: number;
  readonly channels: ReadonlyMap<Snowflake, Coverage>;
  readonly months: ReadonlyMap<string, Coverage>;
  readonly phases: readonly (Coverage & Pick<PhasePlan, "name" | "kind" | "newestId" | "oldestId">)[];
  readonly averageLength: number;
  /** Some records that need embedding (or, when none does, that have it), to measure the embedder on. */
  readonly sample: readonly StoredRecord[];
}

const nothing = (): Coverage => ({ records: 0, embedded: 0, missing: 0, stale: 0, skipped: 0, quarantined: 0 });

function tally(coverage: Coverage, { state }: Compared) {
  coverage.records += 1;
  coverage[state] += 1;
}

/** Of the last id asked about: records come in order, and the calendar takes longer than all else that is counted of them. */
let latest = { month: "", from: FIRST_SNOWFLAKE, before: FIRST_SNOWFLAKE };

/** "2025-02", in UTC. */
export function monthOf(id: Snowflake): string {
  if (compareSnowflakes(id, latest.from) < 0 || compareSnowflakes(id, latest.before) >= 0) {
    const time = new Date(snowflakeTime(id));
    const startOf = (month: number) => snowflakeAt(Date.UTC(time.getUTCFullYear(), month, 1));
    const month = time.toISOString().slice(0, 7);
    latest = { month, from: startOf(time.getUTCMonth()), before: startOf(time.getUTCMonth() + 1) };
  }
  return latest.month;
}

/** Walks all records up to the cutoff, in bounded memory. */
export async function survey(
  sources: Sources,
  guildId: Snowflake,
  cutoffId: Snowflake,
  onProgress: (records: number) => void = () => {},
): Promise<Survey> {
  const total = nothing();
  const channels = new Map<Snowflake, Coverage>();
  const months = new Map<string, Coverage>();
  const phases: (Coverage & ReturnType<typeof phaseRanges>[number])[] = [];
  const needed: StoredRecord[] = [];
  const present: StoredRecord[] = [];
  let characters = 0;
  let orphaned = 0;
  let damaged = 0;

  for (const range of phaseRanges(cutoffId)) {
    const phase = { ...range, ...nothing() };
    phases.push(phase);
    for await (const page of walk(sources, guildId, range, PAGE)) {
      for (const compared of page.records) {
        const { record } = compared.stored;
        const channel = getOrMake(channels, record.channelId, nothing);
        const month = getOrMake(months, monthOf(record.id), nothing);
        for (const coverage of [total, phase, channel, month]) tally(coverage, compared);
        if (compared.state === "skipped") continue;
        characters += ownText(record).length;
        const sample = compared.state === "embedded" ? present : needed;
        if (sample.length < SAMPLE) sample.push(compared.stored);
      }
      orphaned += page.orphans.length;
      damaged += page.damaged.length;
      onProgress(total.records);
    }
  }
  const withText = total.records - total.skipped;
  return {
    total,
    orphaned,
    damaged,
    notes: phases.find(({ name }) => name === "notes")?.records ?? 0,
    channels,
    months,
    phases,
    averageLength: withText === 0 ? 0 : characters / withText,
    sample: needed.length > 0 ? needed : present,
  };
}

/** Texts per second of an embedder, measured for at most about three seconds on real texts. */
export async function measureRate(
  embed: (texts: readonly string[]) => Promise<unknown>,
  texts: readonly string[],
  limits: { readonly textsPerRequest: number; readonly parallelRequests: number },
  clock: Clock,
): Promise<number> {
  const batch = texts.slice(0, Math.min(limits.textsPerRequest, 64));
  if (batch.length === 0) return 0;
  await embed(batch.slice(0, 1));
  const startedAt = clock.elapsed();
  let embedded = 0;
  while (embedded === 0 || (clock.elapsed() - startedAt < 500 && embedded < 2_000)) {
    await Promise.all(Array.from({ length: limits.parallelRequests }, () => embed(batch)));
    embedded += batch.length * limits.parallelRequests;
  }
  return (embedded * 1000) / Math.max(1, clock.elapsed() - startedAt);
}
