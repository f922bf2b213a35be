// What becomes of rows that the writer dropped, because since their records were read it was told of a change: of these, or of the
// neighbours whose words they carry. Those whose record still says the same are made once more, with the vectors they have.

import type { EmbeddedBatch } from "../indexing/batches.ts";
import type { IndexWriter, Ticket, WriteOutcome } from "../indexing/index-writer.ts";
import { prepareRecords, toRows } from "../indexing/rows.ts";
import type { TextRecipe } from "../indexing/text.ts";
import type { Archive, IndexRow, RecordKind } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";

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

/** @returns how many of the records have really changed, and are left to whoever changed them, or to live indexing */
export async function writeAgain(parts: WriteAgainParts, dropped: EmbeddedBatch["embedded"]): Promise<number> {
  const { archive, guildId, kind, writer } = parts;
  const ticket = writer.ticket();
  try {
    const embedded = new Map(dropped.map((each) => [each.prepared.stored.record.id, each]));
    const now = await archive.get(guildId, kind, [...embedded.keys()]);
    const same = dropped
      .map(({ prepared }) => prepared.stored)
      .filter(({ record, contentHash }) => now.get(record.id)?.contentHash === contentHash);
    const prepared = await prepareRecords(archive, guildId, same, parts.recipe);
    const rows = prepared.flatMap((each) =>
      toRows(each, embedded.get(each.stored.record.id)?.vectors ?? [], parts.runId),
    );
    const { superseded, contextChanged } = await parts.write(rows, ticket);
    if (contextChanged.size > 0) {
      await archive.markPending(guildId, kind, [...contextChanged]);
      parts.onMarked();
    }
    return dropped.length - same.length + superseded.size + contextChanged.size;
  } finally {
    ticket.release();
  }
}
