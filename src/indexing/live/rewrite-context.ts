// Writes rows of messages anew whose own text is as it was: to take a neighbour's words out, which are only in the full text, never in
// a vector, or because they may be there twice. They keep their vectors, so it works while the embedder is down.

import { splitSearchText } from "../../content-hash.ts";
import type { Archive } from "../../ports/archive.ts";
import type { IndexRow } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { WriteOutcome } from "../guild-index/changes.ts";
import type { GuildIndex } from "../guild-index/guild-indexes.ts";
import { type PreparedRecord, prepareRecords, toRows } from "../text/rows.ts";

export interface RewrittenContext extends WriteOutcome {
  /** The others need more than other words: they are to be embedded anew. */
  readonly done: ReadonlySet<Snowflake>;
}

/** @param ids messages with rows; those with rows of another text are left alone */
export async function rewriteContext(
  archive: Archive,
  guildId: Snowflake,
  { index, writer, recipe }: GuildIndex,
  ids: readonly Snowflake[],
): Promise<RewrittenContext> {
  const ticket = writer.ticket();
  try {
    const written = await index.rows(ids);
    const records = await archive.get(guildId, "message", [...new Set(written.map(({ id }) => id))]);
    const prepared = await prepareRecords(archive, guildId, [...records.values()], recipe);
    const rows = prepared.flatMap((each) =>
      anew(
        each,
        written.filter(({ id }) => id === each.stored.record.id),
      ),
    );
    const outcome = rows.length === 0 ? NOTHING : await writer.write(rows, { ticket, fresh: false, isRun: false });
    const done = new Set(rows.map(({ id }) => id));
    return { ...outcome, done };
  } finally {
    ticket.release();
  }
}

/**
 * As `rewriteContext`, for messages that are not marked pending. A rewrite is a removal and an addition: whoever is killed in between has lost the
 * rows, and nobody would look for them. So they are marked for as long as it takes; those that remain stay marked.
 */
export async function rewriteContextUnmarked(
  archive: Archive,
  guildId: Snowflake,
  guild: GuildIndex,
  ids: readonly Snowflake[],
): Promise<void> {
  if (ids.length === 0) return;
  // A mark that somebody renews meanwhile is not cleared.
  const marks = await archive.markPending(guildId, "message", ids);
  const { done, superseded, contextChanged } = await rewriteContext(archive, guildId, guild, ids);
  const dropped = new Set([...superseded, ...contextChanged]);
  await archive.clearPending(
    guildId,
    marks.filter(({ id }) => done.has(id) && !dropped.has(id)),
  );
}

const NOTHING: WriteOutcome = { superseded: new Set(), contextChanged: new Set() };

/** The rows of a record with the vectors of its present ones, if these are of the same text. */
function anew(prepared: PreparedRecord, rows: readonly IndexRow[]): IndexRow[] {
  const { contentHash } = prepared.stored;
  const ownWords = new Map(prepared.chunks.map(({ chunk, searchText }) => [chunk, splitSearchText(searchText).own]));
  // The author's name and a thread's title are embedded, too.
  const isSame = ({ chunk, searchText, ...row }: IndexRow) =>
    row.contentHash === contentHash && splitSearchText(searchText).own === ownWords.get(chunk);
  const byChunk = new Map(rows.filter(isSame).map((row) => [row.chunk, row]));
  const present = prepared.chunks.flatMap(({ chunk }) => byChunk.get(chunk) ?? []);
  // Some may be there twice, but none that is not wanted.
  if (present.length < prepared.chunks.length || rows.some((row) => !isSame(row) || row.chunk >= present.length))
    return [];
  return toRows(
    prepared,
    present.map(({ vector }) => vector),
    present[0]?.runId,
  );
}
