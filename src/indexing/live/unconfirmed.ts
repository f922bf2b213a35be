// Records written since the embedder last showed that its vectors are those of the texts. When it turns out that they are not, these
// are taken out of the index and marked, to be embedded anew once it is right again.

import type { Unconfirmed } from "../../embedding/fault-isolation.ts";
import { toError } from "../../errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { GuildIndexes } from "../guild-index/guild-indexes.ts";

interface Written {
  readonly guildId: Snowflake;
  readonly kind: RecordKind;
  readonly ids: readonly Snowflake[];
}

export interface UnconfirmedRecords extends Unconfirmed {
  /** These have been written. */
  add(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): void;
  /** Resolves when what was rejected is out of the indexes. */
  settled(): Promise<void>;
}

export function createUnconfirmed({
  archive,
  indexes,
  logger,
}: {
  readonly archive: Pick<Archive, "markPending">;
  readonly indexes: Pick<GuildIndexes, "open">;
  readonly logger: Logger;
}): UnconfirmedRecords {
  let written: Written[] = [];
  let isRejected = false;
  let withdrawing = Promise.resolve();

  async function withdraw({ guildId, kind, ids }: Written): Promise<void> {
    try {
      const { writer } = await indexes.open(guildId);
      // In this order: what is still in the index when it comes to its mark keeps its vectors.
      await writer.withdraw(ids);
      await archive.markPending(guildId, kind, ids);
      logger.warn("records:withdrawn", { guildId, records: ids.length });
    } catch (thrown) {
      logger.error("records:not-withdrawn", { guildId, records: ids.length, error: toError(thrown).message });
    }
  }

  function withdrawAll() {
    const rejected = written;
    written = [];
    for (const each of rejected) withdrawing = withdrawing.then(() => withdraw(each));
  }

  return {
    add(guildId, kind, ids) {
      if (ids.length > 0) written.push({ guildId, kind, ids });
      if (isRejected) withdrawAll();
    },
    begin() {
      // What is written later may have been embedded later.
      const before = new Set(written);
      return () => {
        isRejected = false;
        written = written.filter((each) => !before.has(each));
      };
    },
    reject() {
      isRejected = true;
      withdrawAll();
    },
    settled: () => withdrawing,
  };
}
