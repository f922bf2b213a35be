// Filters as LanceDB's SQL. Everything that enters a query passes through here and is a checked number, a word of ours or a
// checked name: nothing a person typed can become SQL.

import type { IdRange, RemovalScope } from "../../ports/archive.ts";
import type { RecordKind } from "../../ports/records.ts";
import type { SearchFilter } from "../../ports/vector-index.ts";
import { isSnowflake, type Snowflake } from "../../snowflake.ts";
import { TAG, tags } from "../../tags.ts";

/** Ids in one `IN (…)`; longer lists are split by the caller. */
export const IDS_PER_QUERY = 500;

/**
 * What a viewer may see, narrowed; `undefined` when nothing can match.
 * @param columns of the table, which may be of an earlier version: nothing in it has what it has no column for
 */
export function filterSql(filter: SearchFilter, columns: ReadonlySet<string>): string | undefined {
  const visible = [];
  if (filter.accessChannelIds.length > 0) {
    visible.push(`(${isOneOf("accessChannelId", filter.accessChannelIds)} AND ownerId IS NULL)`);
  }
  if (filter.viewerId !== undefined) visible.push(`ownerId = ${idSql(filter.viewerId)}`);

  const narrowed = [filter.kinds, filter.channelIds, ...(filter.tags ?? [])];
  if (visible.length === 0 || narrowed.some((list) => list?.length === 0)) return undefined;
  const hasTag = (list: readonly string[]) => hasTagSql(list, columns);
  const by = authorsSql(filter, hasTag);
  if (by === "") return undefined;

  const parts = [`(${visible.join(" OR ")})`];
  if (filter.kinds) parts.push(isOfKind(filter.kinds));
  if (filter.channelIds) parts.push(isOneOf("channelId", filter.channelIds));
  if (by !== undefined) parts.push(by);
  if (filter.afterId !== undefined) parts.push(`id > ${idSql(filter.afterId)}`);
  if (filter.beforeId !== undefined) parts.push(`id < ${idSql(filter.beforeId)}`);
  for (const list of filter.tags ?? []) parts.push(hasTag(list));
  if (filter.excludeIds && filter.excludeIds.length > 0) parts.push(`NOT (${isOneOf("id", filter.excludeIds)})`);
  const { except = {} } = filter;
  if (except.kinds?.length) parts.push(`NOT (${isOfKind(except.kinds)})`);
  if (except.channelIds?.length) parts.push(`NOT (${isOneOf("channelId", except.channelIds)})`);
  if (except.authorIds?.length) parts.push(`NOT (${isOneOf("authorId", except.authorIds)})`);
  if (except.tags?.length) parts.push(`NOT ${hasTag(except.tags)}`);
  return parts.join(" AND ");
}

/** Undefined where anybody will do, empty where nobody does. */
function authorsSql(
  { authorIds, authorNames }: SearchFilter,
  hasTag: (list: readonly string[]) => string,
): string | undefined {
  if (authorIds === undefined && authorNames === undefined) return undefined;
  const ways = [
    ...(authorIds?.length ? [isOneOf("authorId", authorIds)] : []),
    ...(authorNames?.length ? [hasTag(authorNames.map(tags.by))] : []),
  ];
  return ways.length > 1 ? `(${ways.join(" OR ")})` : (ways[0] ?? "");
}

/** Tags that were columns of their own before there were tags. */
const FORMER_COLUMNS: Readonly<Record<string, string>> = {
  [tags.has("link")]: "hasLink",
  [tags.has("image")]: "hasImage",
  [tags.has("file")]: "hasFile",
  [tags.has("code")]: "hasCode",
  [tags.has("poll")]: "hasPoll",
};

function hasTagSql(list: readonly string[], columns: ReadonlySet<string>): string {
  const distinct = [...new Set(list)];
  if (columns.has("tags")) return `array_has_any(tags, [${distinct.map(tagSql).join(", ")}])`;
  const former = distinct.map((tag) => FORMER_COLUMNS[tag]).filter((column) => column && columns.has(column));
  return former.length > 0 ? `(${former.join(" OR ")})` : "false";
}

/** A tag has no quote in it, nor anything else that could end a text. */
function tagSql(tag: string): string {
  if (!TAG.test(tag)) throw new Error(`not a tag: ${tag}`);
  return `'${tag}'`;
}

function isOfKind(kinds: readonly RecordKind[]): string {
  return `kind IN (${[...new Set(kinds)].map(kindSql).join(", ")})`;
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

/**
 * A channel's scope takes the rows of its threads along: their permissions were the channel's.
 * @param columns of the table: one of an earlier version does not tell whose rows are a bot's
 */
export function scopeSql(scope: RemovalScope, columns: ReadonlySet<string>): string {
  switch (scope.by) {
    case "channel":
      return `channelId = ${idSql(scope.id)} OR accessChannelId = ${idSql(scope.id)}`;
    case "author":
      return `authorId = ${idSql(scope.id)}${scope.beforeId === undefined ? "" : ` AND id < ${idSql(scope.beforeId)}`}`;
    case "age":
      return `${isOfKind(["message"])} AND id < ${idSql(scope.beforeId)}`;
    case "bots":
      return `${isOfKind(["message"])} AND ${hasTagSql([tags.bot], columns)}`;
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
