// The set difference that decides what needs embedding: walks archive and index side by side, newest first, in bounded memory,
// and tells for each record how it stands. Analysis, the pipeline and verification all see the world through this.

import type { ForegroundGate } from "../../async/foreground-gate.ts";
import type { Ticket } from "../../indexing/guild-index/changes.ts";
import type { IndexWriter } from "../../indexing/guild-index/writer.ts";
import { skipReason } from "../../indexing/text/prepare.ts";
import type { Archive, IdRange } from "../../ports/archive.ts";
import type { QuarantineEntry, QuarantineStore } from "../../ports/quarantine.ts";
import type { DamagedRecord, RecordKind, StoredRecord } from "../../ports/records.ts";
import type { RowKey, VectorIndex } from "../../ports/vector-index.ts";
import { compareSnowflakes, type Snowflake, snowflakeAfter, snowflakeBefore } from "../../snowflake.ts";

/** Row keys held in memory at a time. */
const KEYS_AT_ONCE = 20_000;

export type RecordState = "embedded" | "missing" | "stale" | "skipped" | "quarantined";

export interface Compared {
  readonly stored: StoredRecord;
  readonly state: RecordState;
  /** Why it is skipped or quarantined. */
  readonly reason?: string;
  /** The run that wrote its rows, when it has some. */
  readonly runId?: string;
  /** Stale for no other reason than that right rows are there more than once. */
  readonly isOnlyTwice?: boolean;
}

export interface ComparedPage {
  readonly records: readonly Compared[];
  /** Ids that have rows but no record, or nothing to embed any more. */
  readonly orphans: readonly Snowflake[];
  /** Ids with the same row more than once. */
  readonly duplicates: readonly Snowflake[];
  /** Stored values that cannot be read; their rows, if any, are left alone. */
  readonly damaged: readonly DamagedRecord[];
  /** Where to go on; undefined at the end of the range. */
  readonly nextNewestId: Snowflake | undefined;
  /**
   * As of when the row keys were read: rows made from this page must be written with it, for only then does "missing" mean that
   * no row has appeared since. Release it when the page is settled.
   */
  readonly ticket: Ticket;
}

export interface Sources {
  readonly archive: Archive;
  readonly index: VectorIndex;
  readonly writer: Pick<IndexWriter, "ticket">;
  readonly quarantine: Pick<QuarantineStore, "list">;
  /** A walk for looking only lets whoever waits for something go first, page by page. */
  readonly foreground?: Pick<ForegroundGate, "waitUntilClear">;
}

export interface Difference {
  /** The next page of the range, at most `limit` records. Ranges must follow each other, newest first. */
  page(range: IdRange, limit: number): Promise<ComparedPage>;
  /** Lets the writer forget the changes it remembers for this walk. */
  close(): void;
}

/** Starts a walk over the records of one kind. @param keysAtOnce row keys held in memory */
export function createDifference(
  sources: Sources,
  guildId: Snowflake,
  kind: RecordKind,
  keysAtOnce = KEYS_AT_ONCE,
): Difference {
  const { archive, index, writer, quarantine } = sources;
  /** Row keys, newest first, of every id from `coveredFrom` up that has not been handed out yet. */
  let rows = new Map<Snowflake, RowKey[]>();
  let coveredFrom: Snowflake | undefined;
  let ticket = writer.ticket();

  /** @returns from where on up the keys are complete */
  async function loadKeys(range: IdRange, limit = keysAtOnce): Promise<Snowflake> {
    ticket.release();
    ticket = writer.ticket();
    const keys = await index.keys(kind, range, limit);
    rows = new Map();
    for (const key of keys) {
      const same = rows.get(key.id);
      if (same === undefined) rows.set(key.id, [key]);
      else same.push(key);
    }
    const last = keys.at(-1);
    if (keys.length < limit || last === undefined) return range.oldestId;
    // The last id may have more chunks than fitted.
    if (rows.size === 1) return await loadKeys(range, limit * 2);
    rows.delete(last.id);
    return snowflakeAfter(last.id);
  }

  /** The keys of every id in [oldestId, range.newestId]. */
  async function takeKeys(range: IdRange, oldestId: Snowflake): Promise<Map<Snowflake, RowKey[]>> {
    const taken = new Map<Snowflake, RowKey[]>();
    let newestId = range.newestId;
    for (;;) {
      if (coveredFrom === undefined || compareSnowflakes(newestId, coveredFrom) < 0) {
        coveredFrom = await loadKeys({ newestId, oldestId: range.oldestId });
      }
      for (const [id, keys] of rows) {
        if (compareSnowflakes(id, oldestId) < 0) break;
        taken.set(id, keys);
        rows.delete(id);
      }
      if (compareSnowflakes(coveredFrom, oldestId) <= 0) return taken;
      newestId = snowflakeBefore(coveredFrom);
    }
  }

  async function readPage(range: IdRange, limit: number): Promise<Omit<ComparedPage, "ticket">> {
    const read = await archive.page(guildId, kind, range, limit);
    const { nextNewestId } = read;
    const oldestId = nextNewestId === undefined ? range.oldestId : snowflakeAfter(nextNewestId);
    const keys = await takeKeys(range, oldestId);
    const entries = await quarantine.list(guildId, kind, { newestId: range.newestId, oldestId }, limit);
    const quarantined = new Map(entries.map((entry) => [entry.id, entry]));
    const duplicates = [...keys].filter(([, same]) => hasDuplicate(same)).map(([id]) => id);
    const records = read.records.map((stored) => {
      const { id } = stored.record;
      const compared = compare(stored, keys.get(id), quarantined.get(id));
      if (compared.state !== "skipped") keys.delete(id);
      return compared;
    });
    for (const { id } of read.damaged) keys.delete(id);
    return { records, orphans: [...keys.keys()], duplicates, damaged: read.damaged, nextNewestId };
  }

  return {
    async page(range, limit) {
      // Keys first: a record that changes between the two reads is then caught by the writer.
      if (coveredFrom === undefined) coveredFrom = await loadKeys(range);
      const pageTicket = writer.ticket(ticket.at);
      try {
        return { ...(await readPage(range, limit)), ticket: pageTicket };
      } catch (thrown) {
        pageTicket.release();
        throw thrown;
      }
    },
    close: () => ticket.release(),
  };
}

const NEVER = new AbortController().signal;

/** Walks a range for looking only, page by page, each read while the one before is looked at. However it ends, the writer forgets it. */
export async function* walk(
  sources: Sources,
  guildId: Snowflake,
  { kind, newestId, oldestId }: IdRange & { readonly kind: RecordKind },
  limit: number,
): AsyncGenerator<Omit<ComparedPage, "ticket">> {
  const difference = createDifference(sources, guildId, kind);

  async function read(from: Snowflake): Promise<Omit<ComparedPage, "ticket">> {
    await sources.foreground?.waitUntilClear(NEVER);
    const { ticket, ...page } = await difference.page({ newestId: from, oldestId }, limit);
    ticket.release();
    // What is not to be stored, and not removed yet, is not missing.
    const found = page.records.map(({ stored }) => stored.record);
    const admitted = new Set(await sources.archive.admitted(guildId, found));
    return { ...page, records: page.records.filter(({ stored }) => admitted.has(stored.record)) };
  }

  let ahead: ReturnType<typeof read> | undefined = read(newestId);
  try {
    while (ahead !== undefined) {
      const page: Awaited<typeof ahead> = await ahead;
      ahead = page.nextNewestId === undefined ? undefined : read(page.nextNewestId);
      // Its failure is thrown where it is awaited; until then it must not count as unhandled.
      ahead?.catch(() => undefined);
      yield page;
    }
  } finally {
    await ahead?.catch(() => undefined);
    difference.close();
  }
}

function hasDuplicate(keys: readonly RowKey[]): boolean {
  return new Set(keys.map(({ chunk }) => chunk)).size < keys.length;
}

function compare(
  stored: StoredRecord,
  keys: readonly RowKey[] | undefined,
  entry: QuarantineEntry | undefined,
): Compared {
  const { record, contentHash } = stored;
  const reason = skipReason(record);
  if (reason !== undefined) return { stored, state: "skipped", reason };
  const runId = keys?.[0]?.runId;
  const written = runId === undefined ? {} : { runId };
  const isRight = keys?.every((key) => key.contentHash === contentHash) === true;
  if (keys !== undefined && isRight && !hasDuplicate(keys)) return { stored, state: "embedded", ...written };
  if (entry?.contentHash === contentHash) return { stored, state: "quarantined", reason: entry.reason };
  if (keys === undefined) return { stored, state: "missing" };
  return { stored, state: "stale", ...written, ...(isRight && { isOnlyTwice: true }) };
}
