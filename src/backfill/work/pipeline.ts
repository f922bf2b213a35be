// The loop of a run: phase after phase, read a page, compare it with the index, embed what is missing batch by batch, write, and report each
// page as settled, in order, once all of it is durable. Pages are read ahead and batches overlap, but only so many of either.

import PQueue from "p-queue";
import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { createGroup } from "../../async/group.ts";
import type { Semaphore } from "../../async/semaphore.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import { TransientError } from "../../errors.ts";
import type { Ticket, WriteOutcome } from "../../indexing/guild-index/changes.ts";
import type { IndexWriter } from "../../indexing/guild-index/writer.ts";
import type { UnconfirmedRecords } from "../../indexing/live/unconfirmed.ts";
import { byLength, type EmbeddedBatch, takeBatch } from "../../indexing/text/batches.ts";
import type { TextRecipe } from "../../indexing/text/prepare.ts";
import { knownContext, prepareRecords, toRows } from "../../indexing/text/rows.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { IndexRow } from "../../ports/vector-index.ts";
import { type Snowflake, snowflakeAfter } from "../../snowflake.ts";
import { type Compared, type ComparedPage, createDifference, type Sources } from "../compare/difference.ts";
import type { Settled } from "../run/checkpoints.ts";
import { addCounters, type Counters, noCounters, type Phase, type PhaseName } from "../run/run.ts";
import { type BatchEmbedding, embedBatchOfRun } from "./embed-batch.ts";
import type { Pace } from "./pace.ts";
import { type PageInFlight, pageInFlight, settledBy, takeFinished } from "./page-in-flight.ts";
import { type WriteAgainParts, writeAgain } from "./rewrite-dropped.ts";

/** Pages of one run read but not settled. */
const PAGES_IN_FLIGHT = 4;
const LARGEST_PAGE = 2_000;
const SMALLEST_PAGE = 200;
const BATCHES_PER_PAGE = 8;
/** A failed write is tried so often; then the run is left until the index can be used again. */
const WRITE_TRIES = 2;
const WRITE_RETRY_MS = 500;

const CHANGED_MEANWHILE = "changed-meanwhile";

export interface BatchDone {
  readonly phase: PhaseName;
  readonly counters: Counters;
  readonly failed: boolean;
}

export interface PipelineParts extends BatchEmbedding {
  readonly guildId: Snowflake;
  readonly runId: string;
  readonly sources: Omit<Sources, "writer">;
  readonly writer: IndexWriter;
  readonly recipe: TextRecipe;
  readonly queue: EmbeddingQueue;
  readonly unconfirmed: Pick<UnconfirmedRecords, "write">;
  readonly foreground: ForegroundGate;
  readonly pace: Pace;
  /** For every page that is read and not settled. */
  readonly pageSlots: Semaphore;
  /** Finish the batches in flight, begin no other. */
  readonly stop: AbortSignal;
  /** Stores the checkpoint. Called in order, never twice at once. */
  settle(settled: Settled): Promise<void>;
  /** Some records were left to live indexing, with pending marks. */
  onMarked(): void;
  onPhase(phase: PhaseName): void;
  /** After each batch, for rates and alerts. */
  onBatch(batch: BatchDone): void;
}

const count = (counters: Partial<Counters>): Counters => ({ ...noCounters, ...counters });

/**
 * Works through what is left of the phases. One flows into the next: while the last batches of a phase are at the embedder, the next
 * is being read.
 * @returns "stopped" when it was asked to stop before the end
 * @throws whatever made it impossible to go on (the archive, the index); what is settled stays settled
 */
export async function runPhases(parts: PipelineParts, phases: readonly Phase[]): Promise<"finished" | "stopped"> {
  const { guildId, sources, writer, foreground, pace, stop } = parts;
  const { archive } = sources;
  const batches = new PQueue({ concurrency: pace.concurrency() });
  const pages: PageInFlight[] = [];
  const broken = new AbortController();
  const stopping = AbortSignal.any([stop, broken.signal]);
  let pagesRead = 0;
  let failure: unknown;
  let settling = Promise.resolve();
  let wake: () => void = () => {};

  function fail(thrown: unknown) {
    failure ??= thrown;
    broken.abort();
    wake();
  }

  async function settleFinishedPages(): Promise<void> {
    for (;;) {
      const finished = takeFinished(pages);
      const settled = settledBy(finished);
      if (settled === undefined) break;
      for (const page of finished) page.release();
      await parts.settle(settled);
    }
    wake();
  }

  /** Checkpoints follow each other; a failed one ends the run. */
  function settleSoon() {
    settling = settling.then(settleFinishedPages).catch(fail);
  }

  async function write(page: PageInFlight, result: EmbeddedBatch, fresh: ReadonlySet<Snowflake>): Promise<void> {
    await foreground.waitUntilClear(stopping);
    const rows = result.embedded.flatMap(({ prepared, vectors }) => toRows(prepared, vectors, parts.runId));
    const rowsThatAre = (isFresh: boolean) => rows.filter((row) => fresh.has(row.id) === isFresh);
    const ids = result.embedded.map(({ prepared }) => prepared.stored.record.id);
    const superseded = await parts.unconfirmed.write(guildId, page.phase.kind, ids, async () => {
      const outcomes = await Promise.all(
        [true, false].map((isFresh) => writeRows(rowsThatAre(isFresh), page.ticket, isFresh)),
      );
      const lost = new Set(outcomes.flatMap(({ superseded, contextChanged }) => [...superseded, ...contextChanged]));
      const dropped = result.embedded.filter(({ prepared }) => lost.has(prepared.stored.record.id));
      return dropped.length === 0 ? 0 : await writeAgain(again(page.phase.kind), dropped);
    });
    const notFresh = result.refused.map(({ id }) => id).filter((id) => !fresh.has(id));
    if (notFresh.length > 0) await patiently(() => writer.removeIds(notFresh, page.ticket));
    const counters = count({
      embedded: result.embedded.length - superseded,
      quarantined: result.refused.length,
      skipped: superseded,
    });
    page.counters = addCounters(page.counters, counters);
    if (superseded > 0) page.skippedBy[CHANGED_MEANWHILE] = (page.skippedBy[CHANGED_MEANWHILE] ?? 0) + superseded;
    page.quarantine.push(...result.refused);
    parts.onBatch({ phase: page.phase.name, counters, failed: result.refused.length > 0 });
  }

  async function writeRows(rows: readonly IndexRow[], ticket: Ticket, isFresh: boolean): Promise<WriteOutcome> {
    if (rows.length === 0) return { superseded: new Set(), contextChanged: new Set() };
    // A write that failed may have been stored all the same: never appended a second time.
    return patiently((tries) => writer.write(rows, { ticket, fresh: isFresh && tries === 1, isRun: true }));
  }

  const again = (kind: RecordKind): WriteAgainParts => ({
    archive,
    guildId,
    kind,
    runId: parts.runId,
    recipe: parts.recipe,
    writer,
    onMarked: parts.onMarked,
    write: (rows, ticket) => writeRows(rows, ticket, false),
  });

  async function patiently<Result>(change: (tries: number) => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await change(tries);
      } catch (thrown) {
        if (!(thrown instanceof TransientError) || tries === WRITE_TRIES || parts.abandon.aborted) throw thrown;
        await parts.clock.sleep(WRITE_RETRY_MS * 2 ** tries, parts.abandon);
      }
    }
  }

  /** The next batch of a page waits in line, earlier pages first, and is cut when it is its turn: as large as is right then. */
  function sendSoon(page: PageInFlight, fresh: ReadonlySet<Snowflake>): void {
    batches.concurrency = pace.concurrency();
    batches.add(() => sendNext(page, fresh), { priority: -page.number }).catch(fail);
  }

  /** The slot is free again as soon as the embedder has answered: writing overlaps with the next request. */
  async function sendNext(page: PageInFlight, fresh: ReadonlySet<Snowflake>): Promise<void> {
    if (stopping.aborted) return;
    const tokens = Math.min(parts.queue.embedder.limits.tokensPerRequest, parts.budget.tokensPerBatch());
    const texts = Math.min(pace.batchTexts(page.phase.name), parts.isolation.textsPerRequest());
    const batch = takeBatch(page.waiting, { texts, tokens });
    await foreground.waitUntilClear(stopping);
    const embedding = embedBatchOfRun(parts, batch, stopping, () =>
      parts.onBatch({ phase: page.phase.name, counters: noCounters, failed: true }),
    );
    // Behind it in line, not before.
    if (page.waiting.length > 0) sendSoon(page, fresh);
    const result = await embedding;
    if (result === undefined) return;
    writing.add(
      write(page, result, fresh)
        .then(() => {
          page.recordsLeft -= batch.length;
          if (page.recordsLeft === 0) settleSoon();
        })
        .catch(fail),
    );
    await parts.clock.sleep(pace.cooldownMs(page.phase.name), stopping);
  }
  const writing = createGroup();

  async function begin(phase: Phase, read: ComparedPage, releaseSlot: () => void): Promise<void> {
    const needed = read.records.filter(({ state }) => state === "missing" || state === "stale");
    const known = knownContext(
      read.records.map(({ stored }) => stored),
      read.nextNewestId === undefined ? phase.oldestId : snowflakeAfter(read.nextNewestId),
    );
    const prepared = await prepareRecords(
      archive,
      guildId,
      needed.map(({ stored }) => stored),
      parts.recipe,
      known,
    );
    const fresh = new Set(needed.filter(({ state }) => state === "missing").map(({ stored }) => stored.record.id));
    // Duplicates that are embedded anew are replaced by that.
    const rewritten = new Set(needed.map(({ stored }) => stored.record.id));
    const outdated = needed.filter(hasOtherWords).map(({ stored }) => stored.record.id);
    await markDependents(phase.kind, [...read.orphans, ...outdated], rewritten);
    const unwanted = [...read.orphans, ...read.duplicates.filter((id) => !rewritten.has(id))];
    if (unwanted.length > 0) await patiently(() => writer.removeIds(unwanted, read.ticket));
    const { runId } = parts;
    const waiting = byLength(prepared);
    pagesRead += 1;
    const page = pageInFlight(phase, read, { number: pagesRead, runId, waiting, at: parts.clock.now(), releaseSlot });
    pages.push(page);
    if (waiting.length > 0) sendSoon(page, fresh);
    else settleSoon();
  }

  /** Neighbours whose rows carry words of these, in an older version: live indexing rewrites those that are not rewritten here. */
  async function markDependents(
    kind: RecordKind,
    ids: readonly Snowflake[],
    rewritten: ReadonlySet<Snowflake>,
  ): Promise<void> {
    if (ids.length === 0) return;
    await patiently(() => writer.removeFormerContext(ids));
    const affected = await sources.index.affected(ids);
    const dependents = affected.dependents.filter((id) => !rewritten.has(id));
    if (dependents.length === 0) return;
    await archive.markPending(guildId, kind, dependents);
    parts.onMarked();
  }

  /** @returns false when it was stopped before the end */
  async function readPhase(phase: Phase): Promise<boolean> {
    const difference = createDifference({ ...sources, writer }, guildId, phase.kind);
    let giveUp = () => {};
    try {
      let { cursor } = phase;
      while (cursor !== undefined && !stopping.aborted) {
        const limit = Math.min(LARGEST_PAGE, Math.max(SMALLEST_PAGE, pace.batchTexts(phase.name) * BATCHES_PER_PAGE));
        const leave = await parts.pageSlots.acquire(stopping);
        if (leave === undefined) return false;
        giveUp = leave;
        await foreground.waitUntilClear(stopping);
        const read = await difference.page({ newestId: cursor, oldestId: phase.oldestId }, limit);
        cursor = read.nextNewestId;
        giveUp = () => {
          read.ticket.release();
          leave();
        };
        await begin(phase, read, leave);
        await fewerPages();
      }
      return cursor === undefined;
    } catch (thrown) {
      // The page it was at may not be in flight yet.
      giveUp();
      throw thrown;
    } finally {
      difference.close();
    }
  }

  async function fewerPages(): Promise<void> {
    while (pages.length >= PAGES_IN_FLIGHT && !stopping.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  stopping.addEventListener("abort", () => wake());
  let isAllRead = true;
  try {
    for (const phase of phases) {
      parts.onPhase(phase.name);
      isAllRead = await readPhase(phase);
      if (!isAllRead) break;
    }
  } catch (thrown) {
    fail(thrown);
  }
  await batches.onIdle();
  await writing.done();
  settleSoon();
  await settling;
  const unsettled = pages.length > 0;
  for (const page of pages) page.release();
  if (failure !== undefined) throw failure;
  return isAllRead && !unsettled ? "finished" : "stopped";
}

const hasOtherWords = ({ state, isOnlyTwice }: Compared) => state === "stale" && !isOnlyTwice;
