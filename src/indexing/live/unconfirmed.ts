// Records written since the embedder last showed that its vectors are those of the texts, remembered in the archive. When it turns out
// that they are not, these are taken out of the index and marked, to be embedded anew once it is right again. Whoever is killed in the
// middle of it leaves the rest to the next process.

import { createGroup } from "../../async/group.ts";
import type { Unconfirmed } from "../../embedding/checked-requests.ts";
import { levelOf, toError } from "../../errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { UnconfirmedBatch, VectorCheckStore } from "../../ports/vector-checks.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { GuildIndexes } from "../guild-index/guild-indexes.ts";

export interface UnconfirmedRecords extends Unconfirmed {
  /** Writes these, which are remembered from before that on. */
  write<Result>(
    guildId: Snowflake,
    kind: RecordKind,
    ids: readonly Snowflake[],
    write: () => Promise<Result>,
  ): Promise<Result>;
  /**
   * The guild has become ours: what a process that went away has left is ours, too. What it had found to be wrong is taken out. No
   * canary of ours tells anything of the rest:
   * @param differing finds those that are wrong; undefined: it cannot be known now
   */
  recall(
    guildId: Snowflake,
    differing: (left: readonly UnconfirmedBatch[]) => Promise<ReadonlySet<UnconfirmedBatch> | undefined>,
  ): void;
  /** The guild is another process's now. */
  forget(guildId: Snowflake): void;
  /** Tries once more to take out what could not be. Call it from time to time. */
  retry(): void;
  /** Resolves when what an earlier process left is compared, and what was rejected is out of the indexes, or could not be taken out now. */
  settled(): Promise<void>;
}

export function createUnconfirmed({
  store,
  archive,
  indexes,
  logger,
}: {
  readonly store: VectorCheckStore;
  readonly archive: Pick<Archive, "markPending">;
  readonly indexes: Pick<GuildIndexes, "open">;
  readonly logger: Logger;
}): UnconfirmedRecords {
  /** By their serials. */
  const written = new Map<string, UnconfirmedBatch>();
  /** By an earlier process: they do not become right by a check of this one's. */
  const left = new Map<string, UnconfirmedBatch>();
  const rejected = new Map<string, UnconfirmedBatch>();
  let isRejected = false;
  let working = Promise.resolve();
  const recalling = createGroup();

  function inTurn(event: string, work: () => Promise<void>) {
    working = working
      .then(work)
      .catch((thrown: unknown) => logger[levelOf(thrown)](event, { error: toError(thrown).message }));
  }

  async function withdraw(batch: UnconfirmedBatch): Promise<void> {
    const { guildId, kind, ids } = batch;
    const { writer } = await indexes.open(guildId);
    // In this order: what is still in the index when it comes to its mark keeps its vectors.
    await writer.withdraw(ids);
    await archive.markPending(guildId, kind, ids);
    await store.release([batch]);
    rejected.delete(batch.serial);
    logger.warn("records:withdrawn", { guildId, records: ids.length });
  }

  function withdrawSoon() {
    if (rejected.size === 0) return;
    inTurn("records:not-rejected", () => store.reject([...rejected.values()].filter((each) => !each.isRejected)));
    for (const { serial } of rejected.values()) {
      inTurn("records:not-withdrawn", async () => {
        const batch = rejected.get(serial);
        if (batch !== undefined) await withdraw(batch);
      });
    }
  }

  function rejectWritten() {
    for (const batches of [written, left]) {
      for (const [serial, batch] of batches) rejected.set(serial, batch);
      batches.clear();
    }
    withdrawSoon();
  }

  async function recall(guildId: Snowflake, differing: Parameters<UnconfirmedRecords["recall"]>[1]): Promise<void> {
    const recalled: UnconfirmedBatch[] = [];
    for (const batch of await store.list(guildId)) {
      if ([written, left, rejected].some((batches) => batches.has(batch.serial))) continue;
      if (batch.isRejected) rejected.set(batch.serial, batch);
      else recalled.push(batch);
    }
    withdrawSoon();
    for (const batch of recalled) left.set(batch.serial, batch);
    const wrong = recalled.length === 0 ? undefined : await differing(recalled);
    if (wrong === undefined) return;
    for (const batch of recalled) {
      if (left.delete(batch.serial)) (wrong.has(batch) ? rejected : written).set(batch.serial, batch);
    }
    withdrawSoon();
  }

  return {
    async write(guildId, kind, ids, write) {
      const batches = ids.length === 0 ? [] : await store.add(guildId, kind, ids);
      try {
        return await write();
      } finally {
        // Not before: what is written after it was taken out would stay.
        for (const batch of batches) written.set(batch.serial, batch);
        if (isRejected) rejectWritten();
      }
    },
    begin() {
      // What is written later may have been embedded later.
      const before = [...written.values()];
      return () => {
        isRejected = false;
        const confirmed = before.filter(({ serial }) => written.delete(serial));
        // What is not released is only checked once more.
        inTurn("records:not-confirmed", () => store.release(confirmed));
      };
    },
    reject() {
      isRejected = true;
      rejectWritten();
    },
    recall(guildId, differing) {
      recalling.add(
        recall(guildId, differing).catch((thrown: unknown) =>
          logger.warn("records:not-compared", { guildId, error: toError(thrown).message }),
        ),
      );
    },
    forget(guildId) {
      for (const batches of [written, left, rejected]) {
        for (const [serial, batch] of batches) if (batch.guildId === guildId) batches.delete(serial);
      }
    },
    retry: withdrawSoon,
    async settled() {
      await recalling.done();
      await working;
    },
  };
}
