// Filters as LanceDB's SQL. Everything that enters a query passes through here and is a checked number, a word of ours or a
// checked name: nothing a person typed can become SQL.

import type { IdRange, RemovalScope } from "../../ports/archive.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { SearchFilter } from "../../ports/vector-index.ts";
import { isSnowflake, type Snowflake } from "../../snowflake.ts";
import { HAS_COLUMNS } from "./columns.ts";

/** Ids in one `IN (…)`; longer lists are split by the caller. */
export const IDS_PER_QUERY = 500;

/** What a viewer may see, narrowed; `undefined` when nothing can match. */
export function filterSql(filter: SearchFilter): string | undefined {
  const visible = [];
  if (filter.accessChannelIds.length > 0) {
    visible.push(`(${isOneOf("accessChannelId", filter.accessChannelIds)} AND ownerId IS NULL)`);
  }
  if (filter.viewerId !== undefined) visible.push(`ownerId = ${idSql(filter.viewerId)}`);

  const narrowed = [filter.kinds, filter.channelIds, filter.authorIds];
  if (visible.length === 0 || narrowed.some((list) => list?.length === 0)) return undefined;

  const parts = [`(${visible.join(" OR ")})`];
  if (filter.kinds) parts.push(`kind IN (${[...new Set(filter.kinds)].map(kindSql).join(", ")})`);
  if (filter.channelIds) parts.push(isOneOf("channelId", filter.channelIds));
  if (filter.authorIds) parts.push(isOneOf("authorId", filter.authorIds));
  if (filter.afterId !== undefined) parts.push(`id > ${idSql(filter.afterId)}`);
  if (filter.beforeId !== undefined) parts.push(`id < ${idSql(filter.beforeId)}`);
  for (const has of new Set(filter.has)) parts.push(HAS_COLUMNS[has]);
  if (filter.excludeIds && filter.excludeIds.length > 0) parts.push(`NOT (${isOneOf("id", filter.excludeIds)})`);
  return parts.join(" AND ");
}

export function isOneOf(
  column: "id" | "contextId" | "channelId" | "accessChannelId" | "authorId",
  ids: readonly Snowflake[],
): string {
  return `${column} IN (${[...new Set(ids)].map(idSql).join(", ")})`;
}

export function rangeSql(kind: RecordKind, range: IdRange): string {
  return `kind = ${kindSql(kind)} AND id >= ${idSql(range.oldestId)} AND id <= ${idSql(range.newestId)}`;
}

/** A channel's scope takes the rows of its threads along: their permissions were the channel's. */
export function scopeSql(scope: RemovalScope): string {
  switch (scope.by) {
    case "channel":
      return `channelId = ${idSql(scope.id)} OR accessChannelId = ${idSql(scope.id)}`;
    case "author":
      return `authorId = ${idSql(scope.id)}`;
    case "guild":
      return "true";
  }
}

export function runSql(runId: string): string {
  if (!/^[\w-]{1,100}$/.test(runId)) throw new Error(`not a run id: ${runId}`);
  return `runId = '${runId}'`;
}

function kindSql(kind: RecordKind): string {
  return kind === "note" ? "'note'" : "'message'";
}

function idSql(id: Snowflake): string {
  if (!isSnowflake(id)) throw new Error(`not an id: ${id}`);
  return id;
}
