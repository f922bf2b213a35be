// The newest id that any row of an index has, or names as the neighbour whose words it carries. A record with a newer id has no rows, and
// nobody carries its words: that is certain without a look at the index, and its rows can be appended.

import type { Archive } from "../../ports/archive.ts";
import type { IndexRow, VectorIndex } from "../../ports/vector-index.ts";
import {
  ALL_IDS,
  compareSnowflakes,
  FIRST_SNOWFLAKE,
  LAST_SNOWFLAKE,
  newest,
  type Snowflake,
} from "../../snowflake.ts";

export interface NewestId {
  /** Looks for it, once until `forget`; before that no id is newer. */
  load(): Promise<void>;
  isNewer(id: Snowflake): boolean;
  /** Rows are about to be written, whatever becomes of them. */
  add(rows: readonly IndexRow[]): void;
  /** Others may have written. */
  forget(): void;
}

/** Marks that are looked through for the newest. */
const MARKS = 20_000;

/**
 * The newest id that the archive has, or has marked: whatever a former owner of the guild may still be writing is no newer.
 * @returns the largest there can be where there are too many marks to tell
 */
export async function newestInArchive(
  archive: Pick<Archive, "pending" | "page">,
  guildId: Snowflake,
): Promise<Snowflake> {
  const marks = await archive.pending(guildId, MARKS);
  if (marks.length === MARKS) return LAST_SNOWFLAKE;
  const pages = [await archive.page(guildId, "message", ALL_IDS, 1), await archive.page(guildId, "note", ALL_IDS, 1)];
  const records = pages.flatMap((page) => page.records.map(({ record }) => record));
  return newest([FIRST_SNOWFLAKE, ...[...marks, ...records].map(({ id }) => id)]);
}

/** @param newestArchived see `newestInArchive` */
export function createNewestId(
  index: Pick<VectorIndex, "newestId">,
  newestArchived: () => Promise<Snowflake>,
): NewestId {
  let written = FIRST_SNOWFLAKE;
  let found: Snowflake | undefined;
  let loading: Promise<Snowflake> | undefined;

  async function look(): Promise<Snowflake> {
    // In this order: what has been deleted and is not marked any more has left the index.
    const archived = await newestArchived();
    return newest([archived, await index.newestId()]);
  }

  return {
    async load() {
      loading ??= look();
      const own = loading;
      try {
        const id = await own;
        if (loading === own) found = id;
      } catch (thrown) {
        if (loading === own) loading = undefined;
        throw thrown;
      }
    },
    isNewer: (id) => found !== undefined && compareSnowflakes(id, newest([found, written])) > 0,
    add(rows) {
      for (const { id, contextId = id } of rows) written = newest([written, id, contextId]);
    },
    forget() {
      found = undefined;
      loading = undefined;
    },
  };
}
