// What becomes of rows that the writer dropped, because since their records were read it was told of a change: of these, or of the
// neighbours whose words they carry. Those whose record still says the same are made once more, with the vectors they have.

import type { Ticket, WriteOutcome } from "../../indexing/guild-index/changes.ts";
import type { IndexWriter } from "../../indexing/guild-index/writer.ts";
import type { EmbeddedBatch } from "../../indexing/text/batches.ts";
import type { TextRecipe } from "../../indexing/text/prepare.ts";
import { prepareRecords, toRows } from "../../indexing/text/rows.ts";
import type { Archive } from "../../ports/archive.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { IndexRow } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";

export interface WriteAgainParts {
  readonly archive: Archive;
  readonly guildId: Snowflake;
  readonly kind: RecordKind;
  readonly runId: string;
  readonly recipe: TextRecipe;
  readonly writer: Pick<IndexWriter, "ticket">;
  write(rows: readonly IndexRow[], ticket: Ticket): Promise<WriteOutcome>;
  /** These are left to live indexing, with pending marks. */
  onMarked(): void;
}

/** Changes that come as fast as rows are made again are live indexing's to follow. */
const TRIES = 3;

/** @returns how many of the records have really changed, and are left to whoever changed them, or to live indexing */
export async function writeAgain(parts: WriteAgainParts, dropped: EmbeddedBatch["embedded"]): Promise<number> {
  let [left, changed] = [dropped, 0];
  for (let tries = 0; left.length > 0 && tries < TRIES; tries += 1) {
    const again = await tryAgain(parts, left);
    changed += left.length - again.unchanged;
    left = left.filter(({ prepared }) => again.dropped.has(prepared.stored.record.id));
  }
  if (left.length > 0) {
    const ids = left.map(({ prepared }) => prepared.stored.record.id);
    await parts.archive.markPending(parts.guildId, parts.kind, ids);
    parts.onMarked();
  }
  return changed + left.length;
}

/** @returns how many say the same as when they were embedded, and the ids of those of them that were dropped once more */
async function tryAgain(
  { archive, guildId, kind, runId, recipe, writer, write }: WriteAgainParts,
  dropped: EmbeddedBatch["embedded"],
): Promise<{ readonly unchanged: number; readonly dropped: ReadonlySet<Snowflake> }> {
  const ticket = writer.ticket();
  try {
    const embedded = new Map(dropped.map((each) => [each.prepared.stored.record.id, each]));
    const now = await archive.get(guildId, kind, [...embedded.keys()]);
    const same = dropped
      .map(({ prepared }) => prepared.stored)
      .filter(({ record, contentHash }) => now.get(record.id)?.contentHash === contentHash);
    const prepared = await prepareRecords(archive, guildId, same, recipe);
    const rows = prepared.flatMap((each) => toRows(each, embedded.get(each.stored.record.id)?.vectors ?? [], runId));
    const { superseded, contextChanged } = await write(rows, ticket);
    return { unchanged: same.length, dropped: new Set([...superseded, ...contextChanged]) };
  } finally {
    ticket.release();
  }
}
