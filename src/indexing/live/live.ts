// Live indexing: what happens in a guild goes into the archive first, with its pending mark, and then, mark by mark, into the index.
// A mark says only "the index may disagree about this id", so reconciling is the same for new, edited and deleted records, can
// be repeated, and takes up after a crash where it stopped.

import { setMaxListeners } from "node:events";
import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { createKeyedWorker } from "../../async/keyed-worker.ts";
import { type Breaker, FIRST_PAUSE_MS } from "../../embedding/circuit-breaker.ts";
import type { EmbeddingJob, FaultIsolation } from "../../embedding/fault-isolation.ts";
import type { EmbeddingQueue } from "../../embedding/queue.ts";
import { levelOf, toError } from "../../errors.ts";
import type { Archive, PendingEntry } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GuildEvents } from "../../ports/discord.ts";
import type { Logger } from "../../ports/logger.ts";
import type { QuarantineEntry, QuarantineStore } from "../../ports/quarantine.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Ticket, WriteOutcome } from "../guild-index/changes.ts";
import type { GuildIndex, GuildIndexes } from "../guild-index/guild-indexes.ts";
import type { Ownership } from "../guild-index/ownership.ts";
import { type Batch, cutBatches, embedBatch } from "../text/batches.ts";
import { type PreparedRecord, prepareRecords, toRows } from "../text/rows.ts";
import { archiveOnly } from "./archive-only.ts";
import { createStalePurge } from "./purge-stale.ts";
import { createRemovals, type RemovalsParts } from "./removals.ts";
import { rewriteContext, rewriteContextUnmarked } from "./rewrite-context.ts";
import { isDue, type Suspects } from "./suspects.ts";
import type { UnconfirmedRecords } from "./unconfirmed.ts";

/** Marks reconciled together. */
const MARKS_AT_ONCE = 200;
/** After an unexpected error, the guild's marks are left alone for this long. */
const RETRY_MS = 5_000;

export interface LiveIndexing extends GuildEvents {
  /** Says that there are pending marks in a guild. */
  kick(guildId: Snowflake): void;
  /** Says that somebody else has edited or removed these records in the archive, and so left marks. */
  changed(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** Rows of the guild's index are being removed and rewritten, step by step: to put it in order meanwhile is the removal's. */
  isRemoving(guildId: Snowflake): boolean;
  /** Marks not reconciled yet; at most 1,000 are counted. */
  pending(guildId: Snowflake): Promise<number>;
  /** Resolves when the guild has no marks being worked on; without one, when no guild has any, nor a removal. */
  idle(guildId?: Snowflake): Promise<void>;
  stop(): Promise<void>;
}

export interface LiveParts {
  readonly archive: Archive;
  readonly quarantine: Pick<QuarantineStore, "add" | "release">;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly queue: EmbeddingQueue;
  readonly isolation: FaultIsolation;
  readonly suspects: Suspects;
  readonly unconfirmed: Pick<UnconfirmedRecords, "write">;
  readonly foreground: ForegroundGate;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether leaving a guild deletes what is stored of it. */
  readonly forgetOnLeave: boolean;
  readonly giveUpRetired: RemovalsParts["giveUpRetired"];
}

export function createLiveIndexing(parts: LiveParts): LiveIndexing {
  const { archive, indexes, ownership, queue, isolation, suspects, foreground, breaker, clock, logger } = parts;
  const stored = archiveOnly(archive);
  const stopped = new AbortController();
  // Every guild at work listens: that is no leak to be warned of.
  setMaxListeners(0, stopped.signal);
  const mayWork = (guildId: Snowflake) => !stopped.signal.aborted && ownership.lease(guildId) !== undefined;
  const worker = createKeyedWorker({ mayWork, pass: reconcileAll, failed });
  const { kick } = worker;
  const stalePurge = createStalePurge(parts);
  const removals = createRemovals(parts);
  let purging = Promise.resolve();
  const stopListening = breaker.onChange((down) => {
    // It has just been found to be down: marks being worked on wait from now on.
    if (down?.probes !== 0) return;
    for (const guildId of worker.keys()) purging = purging.then(() => stalePurge.ofMarked(guildId));
  });

  async function failed(guildId: Snowflake, thrown: unknown): Promise<void> {
    if (stopped.signal.aborted) return;
    logger[levelOf(thrown)]("live:failed", { guildId, error: toError(thrown).message });
    // An embedder that is down is waited for by its breaker; the short pause keeps any other fault from spinning.
    await clock.sleep(breaker.state() === undefined ? RETRY_MS : FIRST_PAUSE_MS, stopped.signal);
  }

  async function reconcileAll(guildId: Snowflake): Promise<boolean> {
    if ((await archive.unfinishedRemovals(guildId)).length > 0) removals.kick(guildId);
    // Nor must what changed before this process owned the guild wait behind marks that need the embedder.
    await stalePurge.ofLeftOver(guildId);
    while (mayWork(guildId)) {
      const marks = await archive.pending(guildId, MARKS_AT_ONCE);
      if (marks.length === 0) break;
      await breaker.whenClosed(stopped.signal);
      if (stopped.signal.aborted) break;
      await foreground.run(async () => reconcile(guildId, await indexes.open(guildId), marks));
    }
    return false;
  }

  async function reconcile(guildId: Snowflake, guild: GuildIndex, marks: readonly PendingEntry[]): Promise<void> {
    const idsOf = (kind: RecordKind) => marks.filter((mark) => mark.kind === kind).map((mark) => mark.id);
    const messageIds = idsOf("message");
    // Whoever set the marks: rows in the making from an earlier read of these records are out of date from here on.
    guild.writer.changed(marks.map(({ id }) => id));
    const { present, dependents } = await guild.writer.affected(messageIds);
    await guild.writer.removeFormerContext(messageIds);
    // Those whose own text is in the index already keep its vectors.
    const { done, ...outcome } = await rewriteContext(archive, guildId, guild, present);
    await markAgain(guildId, "message", outcome);
    const marked = new Set(messageIds);
    const unmarked = dependents.filter((id) => !marked.has(id));
    await rewriteContextUnmarked(archive, guildId, guild, unmarked);
    const remaining = messageIds.filter((id) => !done.has(id));
    await reconcileIds(guildId, guild, "message", remaining);
    await reconcileIds(guildId, guild, "note", idsOf("note"));
    await archive.clearPending(guildId, marks);
  }

  async function reconcileIds(guildId: Snowflake, guild: GuildIndex, kind: RecordKind, ids: readonly Snowflake[]) {
    if (ids.length === 0) return;
    const ticket = guild.writer.ticket();
    try {
      const records = await archive.get(guildId, kind, ids);
      const prepared = await prepareRecords(archive, guildId, [...records.values()], guild.recipe);
      const wanted = new Set(prepared.map(({ stored }) => stored.record.id));
      const unwanted = ids.filter((id) => !wanted.has(id));
      if (unwanted.length > 0) await guild.writer.removeIds(unwanted);
      const refusedBefore = await suspects.among(guildId, kind, ids);
      const earlier = ({ stored: { record, contentHash } }: PreparedRecord) => {
        const entry = refusedBefore.get(record.id);
        return entry?.contentHash === contentHash ? entry : undefined;
      };
      const fresh = prepared.filter((each) => earlier(each) === undefined);
      // Refused just now: minutes must lie between. A mark may be left from then, or be a neighbour's doing.
      const now = clock.now();
      const again = prepared.filter((each) => isDue(earlier(each) ?? { at: now }, now));
      const { tokensPerRequest } = queue.embedder.limits;
      const limits = { texts: isolation.textsPerRequest(), tokens: tokensPerRequest };
      for (const batch of cutBatches(fresh, limits)) await embedAndWrite(guildId, guild, kind, batch, ticket);
      for (const batch of cutBatches(again, limits)) {
        await embedAndWrite(guildId, guild, kind, batch, ticket, refusedBefore);
      }
      const waiting = [...refusedBefore.values()].filter(({ retryAt }) => retryAt !== undefined);
      const cleared = waiting.map(({ id }) => id).filter((id) => !wanted.has(id));
      if (cleared.length > 0) await parts.quarantine.release(guildId, kind, cleared);
    } finally {
      ticket.release();
    }
  }

  /** @param refusedBefore when these have been refused before: their entries */
  async function embedAndWrite(
    guildId: Snowflake,
    guild: GuildIndex,
    kind: RecordKind,
    batch: Batch,
    ticket: Ticket,
    refusedBefore?: ReadonlyMap<Snowflake, QuarantineEntry>,
  ): Promise<void> {
    const { signal } = stopped;
    const isSuspect = refusedBefore !== undefined;
    const job: EmbeddingJob = { priority: "live", abandon: signal, stop: signal, isSuspect };
    const result = await embedBatch(isolation, batch, job, clock.now, (id) => refusedBefore?.get(id)?.attempts ?? 0);
    // The marks stay.
    if (result === undefined) throw new Error("stopped before it was made searchable");
    const { embedded, refused } = result;
    const rows = embedded.flatMap(({ prepared, vectors }) => toRows(prepared, vectors));
    const ids = embedded.map(({ prepared }) => prepared.stored.record.id);
    await parts.unconfirmed.write(guildId, kind, ids, async () => {
      if (rows.length > 0)
        await markAgain(guildId, kind, await guild.writer.write(rows, { ticket, fresh: false, isRun: false }));
    });
    if (refused.length > 0) {
      await parts.quarantine.add(guildId, refused);
      suspects.add(guildId, refused);
      await guild.writer.removeIds(refused.map(({ id }) => id));
    }
    const released = embedded
      .map(({ prepared }) => prepared.stored.record)
      .filter(({ editedAt }) => isSuspect || editedAt !== undefined);
    if (released.length === 0) return;
    await parts.quarantine.release(
      guildId,
      kind,
      released.map(({ id }) => id),
    );
  }

  /** Rows dropped because they or a neighbour changed since they were read: marked anew, so that clearing their marks leaves them. */
  async function markAgain(guildId: Snowflake, kind: RecordKind, { superseded, contextChanged }: WriteOutcome) {
    const dropped = [...superseded, ...contextChanged];
    if (dropped.length > 0) await archive.markPending(guildId, kind, dropped);
  }

  /** Live indexing may be waiting for the embedder, or for an answer that never comes. */
  const isHeldUp = (guildId: Snowflake) => worker.isAtWork(guildId) || breaker.state() !== undefined;

  async function changed(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void> {
    await stalePurge.ofDrafts(guildId, ids);
    const heldUp = isHeldUp(guildId);
    kick(guildId);
    // Marks wait for an embedder that is down; what was deleted or edited away must not be found meanwhile.
    if (heldUp) await stalePurge.of(guildId, ids);
  }

  return {
    async messageSaved(guildId, record, channel, completes = false) {
      await foreground.run(async () => {
        await archive.saveChannels(guildId, [channel]);
        const saved = await archive.save(guildId, [record], { pending: true, completes });
        if (saved.changed > 0) return await changed(guildId, [record.id]);
        // Also where it is there already: an attempt that failed, as far as anyone could see, may have stored it; or a process that
        // does not own the guild has heard of it first, and left its mark.
        await stalePurge.ofDrafts(guildId, [record.id]);
        kick(guildId);
      });
    },
    async messagesDeleted(guildId, ids) {
      await archive.remove(guildId, "message", ids);
      await changed(guildId, ids);
    },
    changed,
    async channelSaved(guildId, channel) {
      await stored.channelSaved(guildId, channel);
      kick(guildId);
    },
    async channelDeleted(guildId, channelId) {
      await stored.channelDeleted(guildId, channelId);
      const heldUp = isHeldUp(guildId);
      kick(guildId);
      if (heldUp) await removals.hide(guildId);
    },
    async guildLeft(guildId) {
      if (!parts.forgetOnLeave) return;
      await archive.beginRemoval(guildId, { by: "guild" });
      kick(guildId);
    },
    kick,
    isRemoving: removals.isAtWork,
    async pending(guildId) {
      return (await archive.pending(guildId, 1_000)).length;
    },
    async idle(guildId) {
      await worker.idle(guildId);
      if (guildId === undefined) await removals.idle();
    },
    async stop() {
      stopped.abort();
      stopListening();
      await worker.idle();
      await removals.stop();
      await purging;
    },
  };
}
