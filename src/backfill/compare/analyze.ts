// The analysis of a guild: what is missing, how fast this embedder is on this guild's own texts, and the pre-flight checklist that
// decides whether a run may start.

import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { CANARY, type CanaryCheck } from "../../embedding/canary.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import type { Spending } from "../../embedding/spending.ts";
import { RejectedInputError, TransientError, toError } from "../../errors.ts";
import type { GuildIndexes } from "../../indexing/guild-index/guild-indexes.ts";
import type { Ownership } from "../../indexing/guild-index/ownership.ts";
import { prepareRecords } from "../../indexing/text/rows.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DiscordTime, History, HostProblem } from "../../ports/discord.ts";
import type { Logger } from "../../ports/logger.ts";
import type { QuarantineStore } from "../../ports/quarantine.ts";
import type { SystemProbe } from "../../ports/system.ts";
import { ALL_IDS, newest, type Snowflake, snowflakeAt } from "../../snowflake.ts";
import { countOnDiscord } from "../../sync/count-on-discord.ts";
import type { AlertThresholds } from "../run/alerts.ts";
import { usedOfBudget } from "../run/budget.ts";
import { diskNeeded, indexBytes } from "./disk-needed.ts";
import { type Analysis, type Check, type Cost, type Coverage, measureRate, survey } from "./survey.ts";

/** Of a message with its author's name, before any is known. Characters. */
const USUAL_LENGTH = 80;
/** Whoever waits for an analysis does not wait for Discord to make its index. */
const COUNT_TRIES = 3;

export interface AnalysisParts {
  readonly archive: Archive;
  readonly quarantine: Pick<QuarantineStore, "list">;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly queue: EmbeddingQueue;
  readonly foreground: ForegroundGate;
  readonly canary: CanaryCheck;
  readonly history: History;
  /** Undefined where nothing is counted. */
  readonly spending: Spending | undefined;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  /** Absent where there is no Discord. */
  readonly time: DiscordTime | undefined;
  /** What only whoever runs the bot can mend. Absent where there is no Discord. */
  readonly hostProblems: (() => readonly HostProblem[]) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Nothing on Discord is newer at this moment. A clock that is slow would end history early, and lose what was written since; one that is
 * fast would take for collected what is still to be written. So it is what Discord was heard to say last: at least that somebody asked.
 */
export function newestOnDiscord({ time, clock }: Pick<AnalysisParts, "time" | "clock">): Snowflake {
  return time?.newestId() ?? snowflakeAt(clock.now());
}

/** The same, or what is archived, if that is newer: an index lacks something for as long as a plan leaves it out. */
export async function newestThereIs(
  parts: Pick<AnalysisParts, "archive" | "time" | "clock">,
  guildId: Snowflake,
): Promise<Snowflake> {
  const pages = await Promise.all(
    (["message", "note"] as const).map((kind) => parts.archive.page(guildId, kind, ALL_IDS, 1)),
  );
  const archived = pages.flatMap(({ records }) => records.map(({ record }) => record.id));
  return newest([newestOnDiscord(parts), ...archived]);
}

/** Walks everything once and measures. @param onProgress called with the number of records looked at */
export async function analyze(
  parts: AnalysisParts,
  guildId: Snowflake,
  onProgress?: (records: number) => void,
): Promise<Analysis> {
  const { archive, indexes, clock } = parts;
  const startedAt = clock.elapsed();
  const cutoffId = await newestThereIs(parts, guildId);
  const { index, writer, recipe } = await indexes.open(guildId);
  const sources = { archive, index, writer, quarantine: parts.quarantine, foreground: parts.foreground };
  const found = await survey(sources, guildId, cutoffId, onProgress);
  const prepared = await prepareRecords(archive, guildId, found.sample, recipe);
  const chunks = prepared.flatMap((record) => record.chunks);
  const texts = chunks.map(({ embeddedText }) => embeddedText);
  const embedder = await tryEmbedder(parts, texts);
  const perSecond = embedder.textsPerSecond;
  const toDo = (coverage: Coverage) => coverage.missing + coverage.stale;
  const estimate = (coverage: Coverage) => (perSecond === undefined ? undefined : (toDo(coverage) / perSecond) * 1000);
  const sample = { records: prepared.length, chunks };
  const bytes = indexBytes(toDo(found.total), indexes.space.dimensions, sample, found.averageLength);
  const diskNeededBytes = diskNeeded(bytes, perSecond);
  const { freeBytes } = await parts.system.disk();
  const onDiscord = found.total.records > 0 ? undefined : await countOnDiscord(parts, guildId, COUNT_TRIES);
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const cost =
    onDiscord === undefined
      ? costOf(parts.queue, found.sample.length, (characters / found.sample.length) * toDo(found.total))
      : estimated(costOf(parts.queue, onDiscord, onDiscord * USUAL_LENGTH));
  return {
    guildId,
    at: clock.now(),
    tookMs: clock.elapsed() - startedAt,
    ...found.total,
    orphaned: found.orphaned,
    damaged: found.damaged,
    notes: found.notes,
    channels: [...found.channels]
      .map(([channelId, coverage]) => ({ channelId, ...coverage }))
      .sort((a, b) => b.records - a.records),
    months: [...found.months]
      .map(([month, coverage]) => ({ month, ...coverage }))
      .sort((a, b) => (a.month < b.month ? -1 : 1)),
    averageLength: found.averageLength,
    phases: found.phases.map((phase) => ({ ...phase, estimatedMs: estimate(phase) })),
    recordsPerSecond: perSecond,
    estimatedMs: estimate(found.total),
    diskNeededBytes,
    diskFreeBytes: freeBytes,
    cost,
    onDiscord,
    modelId: indexes.space.modelId,
    textsGoTo: parts.queue.embedder.sendsTextsTo,
    change: await indexes.changeOf(guildId),
    preflight: [
      embedder.check,
      ...(await checkMachine(parts, guildId, diskNeededBytes, freeBytes)),
      ...(await checkReading(parts)),
      checkOwnership(parts.ownership, guildId),
      ...(await checkBudget(parts.spending, cost)),
    ],
  };
}

const estimated = (cost: Cost | undefined) => cost && { ...cost, isCounted: false };

/** After the sample was embedded, so that the server has counted its tokens. */
function costOf(queue: EmbeddingQueue, records: number, characters: number): Cost | undefined {
  const { settings, dollarsPerMillion } = queue.embedder;
  if (settings?.kind !== "server" || records === 0) return undefined;
  const { tokens, isCounted } = queue.tokensIn(characters);
  const dollars = dollarsPerMillion === undefined ? undefined : (tokens / 1e6) * dollarsPerMillion;
  return { tokens, isCounted, dollars };
}

/** Asks for real vectors (the adapter checks them) and measures how fast they come. */
async function tryEmbedder(
  parts: AnalysisParts,
  sample: readonly string[],
): Promise<{ check: Check; textsPerSecond: number | undefined }> {
  const { indexes, queue, clock } = parts;
  const { modelId } = indexes.space;
  const { limits } = queue.embedder;
  const embed = (texts: readonly string[]) => queue.embed(texts, { use: "document", priority: "live" });
  const harmless = [CANARY, CANARY].slice(0, limits.textsPerRequest);
  try {
    // Several at once, too: some servers fail only then, or mix them up.
    await parts.canary.check({ priority: "live", signal: new AbortController().signal });
    const texts = sample.length > 0 ? sample : harmless;
    const textsPerSecond = await measureRate(embed, texts, limits, clock).catch((thrown) => {
      // That it cannot take one of the sample's texts says nothing against the embedder: harmless ones decide.
      if (thrown instanceof RejectedInputError || thrown instanceof TransientError) {
        return measureRate(embed, harmless, limits, clock);
      }
      throw thrown;
    });
    const detail = { kind: "embedder", modelId, recordsPerSecond: textsPerSecond } as const;
    return { check: { name: "embedder", ok: true, detail }, textsPerSecond };
  } catch (thrown) {
    return { check: { name: "embedder", ok: false, detail: errorDetail(thrown) }, textsPerSecond: undefined };
  }
}

const errorDetail = (thrown: unknown) => ({ kind: "error", message: toError(thrown).message }) as const;

async function checkMachine(
  parts: AnalysisParts,
  guildId: Snowflake,
  neededBytes: number,
  freeBytes: number,
): Promise<Check[]> {
  const { diskLowBytes: reserveBytes, memoryHigh } = parts.thresholds;
  const freeHere = Number.isFinite(freeBytes) ? freeBytes : undefined;
  const { usedBytes, limitBytes } = await parts.system.memory();
  const { rows } = await (await parts.indexes.open(guildId)).index.stats();
  return [
    {
      name: "disk",
      ok: freeBytes - neededBytes > reserveBytes,
      detail: { kind: "disk", freeBytes: freeHere, neededBytes, reserveBytes },
    },
    {
      name: "memory",
      ok: usedBytes < limitBytes * memoryHigh,
      detail: { kind: "memory", freeBytes: limitBytes - usedBytes, limitBytes },
    },
    { name: "index", ok: true, detail: { kind: "entries", rows } },
    { name: "volume", ok: true, detail: { kind: "volume", state: await parts.system.volume() } },
  ];
}

/** What the bot must ask Discord for, and be given. */
async function checkReading({ history, hostProblems }: AnalysisParts): Promise<Check[]> {
  const lacking = (hostProblems?.() ?? []).flatMap((problem): Check[] =>
    problem.kind === "intent-lacking"
      ? [{ name: "intents", ok: false, detail: { kind: "intent-lacking", intent: problem.intent } }]
      : [],
  );
  return [...lacking, await checkContent(history)];
}

async function checkContent(history: History): Promise<Check> {
  try {
    return { name: "message-content", ok: await history.canReadContent(), detail: { kind: "content" } };
  } catch (thrown) {
    return { name: "message-content", ok: false, detail: errorDetail(thrown) };
  }
}

function checkOwnership(ownership: Ownership, guildId: Snowflake): Check {
  const ok = ownership.lease(guildId) !== undefined;
  return { name: "ownership", ok, detail: { kind: "owner", holder: ownership.heldElsewhere(guildId) } };
}

/** @returns none without a budget */
async function checkBudget(spending: Spending | undefined, cost: Cost | undefined): Promise<Check[]> {
  await spending?.refresh();
  const state = spending?.state();
  const use = state && usedOfBudget(state);
  if (spending === undefined || use === undefined) return [];
  const isEnough = cost === undefined || cost.tokens <= spending.tokensLeft();
  return [{ name: "budget", ok: !state?.isSpent, detail: { kind: "budget", use, isEnough } }];
}
