// Brings a channel's part of the archive in line with one page of Discord's history: what is new is added, what was edited is
// replaced, what is gone is removed. What happens between question and answer wins over the answer (see `Archive.reading`).

import { contentHash } from "../content-hash.ts";
import type { Archive, Reading } from "../ports/archive.ts";
import type { HistoryChannel } from "../ports/discord.ts";
import type { ArchivedRecord, StoredRecord } from "../ports/records.ts";
import { RefusedError } from "../refusals.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE, type Snowflake, snowflakeBefore } from "../snowflake.ts";
import { type AskingParts, fetchPage } from "./fetch-history.ts";

/** Fewer than this in an answer: there is nothing further (see `History.messages`). */
export const PER_REQUEST = 100;

export interface CompareParts extends AskingParts {
  readonly archive: Archive;
}

export interface ComparedPage {
  /** Messages of the page. */
  readonly read: number;
  readonly created: number;
  readonly changed: number;
  readonly removed: number;
  /** Archived messages that are gone or were edited: what the index holds of them is out of date. */
  readonly outdated: readonly Snowflake[];
  /** Everything from here up has been compared. */
  readonly oldestId: Snowflake;
  /** Discord has nothing older. */
  readonly complete: boolean;
}

/**
 * Compares the page of a channel before an id. What changed and what went is marked pending: rows, and those of neighbours that
 * carry its words, are to follow.
 * @param add which messages that are not archived are added: "all" of them, for a backfill to find; all of them, "marked" pending; or
 *   only those "between" archived ones, marked pending, because what lies beyond waits for a backfill
 * @throws UserError when the channel cannot be read
 */
export async function comparePage(
  parts: CompareParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  before: Snowflake,
  add: "all" | "marked" | "between",
  stop: AbortSignal,
): Promise<ComparedPage> {
  const { archive } = parts;
  const asOf = archive.reading(guildId);
  try {
    const fetched = await fetchPage(parts, channel, { before }, stop);
    const complete = fetched.length < PER_REQUEST;
    const oldestId = fetched.at(-1)?.id ?? before;
    // As if what is not to be stored were not there.
    const page = await archive.admitted(guildId, fetched);
    const range = { newestId: snowflakeBefore(before), oldestId: complete ? FIRST_SNOWFLAKE : oldestId };
    const archivedIds = await archive.idsInChannel(guildId, channel.id, range);
    const present = new Set(page.map(({ id }) => id));
    const absent = archivedIds.filter((id) => !present.has(id));
    const oldestArchived = archivedIds.at(-1);
    const known = await archive.get(
      guildId,
      "message",
      archivedIds.filter((id) => present.has(id)),
    );
    const isNew = ({ id }: ArchivedRecord) => !known.has(id);
    // A member's long talk to themselves, who was not stored for a while, fills whole pages.
    const isWithin =
      add !== "between" ||
      (!complete &&
        page.some(isNew) &&
        (await archive.neighbours(guildId, channel.id, oldestId, "before", 1)).length > 0);
    const isAdded = (record: ArchivedRecord) =>
      isNew(record) && (isWithin || (oldestArchived !== undefined && compareSnowflakes(record.id, oldestArchived) > 0));
    const edited = page.filter((record) => isEdited(known.get(record.id), record));
    await requireContent(parts, known, edited);

    const added = await store(archive, guildId, page.filter(isAdded), asOf, add !== "all");
    const changed = await store(archive, guildId, edited, asOf, true);
    // A nickname or the name of a channel that was mentioned: nothing to embed anew.
    const alike = page.filter((record) => !isNew(record) && !edited.includes(record));
    await store(archive, guildId, alike, asOf, false);
    if (absent.length > 0) await archive.remove(guildId, "message", absent, asOf);
    await archive.markPending(
      guildId,
      "message",
      successors(page, isAdded, (record) => known.has(record.id)),
    );
    return {
      read: fetched.length,
      created: added.created,
      changed: changed.changed,
      removed: absent.length,
      outdated: [...absent, ...edited.map(({ id }) => id)],
      oldestId,
      complete,
    };
  } finally {
    asOf.release();
  }
}

function store(
  archive: Archive,
  guildId: Snowflake,
  records: readonly ArchivedRecord[],
  asOf: Reading,
  pending: boolean,
) {
  return archive.save(guildId, records, { pending, asOf });
}

function isEdited(stored: StoredRecord | undefined, record: ArchivedRecord): boolean {
  return stored !== undefined && stored.contentHash !== contentHash(record);
}

/** Archived messages just after one that was added: it is their context now. @param page newest first */
function successors(
  page: readonly ArchivedRecord[],
  isAdded: (record: ArchivedRecord) => boolean,
  isArchived: (record: ArchivedRecord) => boolean,
): Snowflake[] {
  return page
    .filter((record, at) => {
      const predecessor = page[at + 1];
      return predecessor !== undefined && isArchived(record) && isAdded(predecessor);
    })
    .map(({ id }) => id);
}

/** Without the intent every message reads as empty: nobody emptied them. @throws RefusedError */
export async function requireContent(
  { history }: CompareParts,
  known: ReadonlyMap<Snowflake, StoredRecord>,
  edited: readonly ArchivedRecord[],
): Promise<void> {
  const isEmptied = edited.some(({ id, content }) => content === "" && known.get(id)?.record.content !== "");
  if (isEmptied && !(await history.canReadContent())) {
    throw new RefusedError({ kind: "content-hidden" });
  }
}
