// The rows of one guild in one embedding space, in one LanceDB table. What is measured here was measured on two cores with a
// million rows of 256 dimensions.

import type { Table } from "@lancedb/lancedb";
import { END_OF_CONTEXT } from "../../content-hash.ts";
import type { EmbeddingSpace } from "../../ports/embedder.ts";
import type { AffectedRows, IndexRow, UpkeepOptions, VectorIndex } from "../../ports/vector-index.ts";
import { slices } from "../../slices.ts";
import type { Snowflake } from "../../snowflake.ts";
import { KEY_COLUMNS, LINK_COLUMNS, ROW_COLUMNS, sampledColumns, toArrow } from "./columns.ts";
import { commit } from "./commit.ts";
import { translate } from "./faults.ts";
import { filterSql, IDS_PER_QUERY, isOneOf, rangeSql, runSql, scopeSql } from "./filter-sql.ts";
import { closeHandle } from "./handles.ts";
import { newestId } from "./newest-id.ts";
import { readAgain } from "./read-again.ts";
import { type Batch, collect, toKeys, toLinks, toRows, toSampledRows, toTexts, toVectors } from "./read-rows.ts";
import { firstRowsOf } from "./renewal.ts";
import { createCandidates } from "./searches.ts";
import { upkeepCoverage } from "./table-indexes.ts";
import { createVersionCount, isBulky, tagVersion, untagVersions } from "./versions.ts";

/** Rows in one add: LanceDB takes 60,000-130,000 rows a second in adds of this size, and the copy stays small. */
const ROWS_PER_ADD = 10_000;
const SAMPLE_WINDOWS = 20;
export interface TableHandles {
  /** Takes the changes. */
  readonly writer: Table;
  /**
   * Answers the queries, at the last version whose change was complete: a rewrite is a delete and an add, and nobody sees the
   * gap between them.
   */
  readonly reader: Table;
  /** A handle of its own at the reader's present version. */
  openStill(): Promise<Table>;
  /** Names of its columns: a table of an earlier version may lack some. */
  readonly columns: ReadonlySet<string>;
}

/** What is done with a table from outside. */
export interface TableSurroundings {
  /** In an object store, where each row read is a request. */
  readonly isRemote: boolean;
  /** What the table's files take. */
  diskBytes(): Promise<number>;
  /** See `VectorIndex.wornParts`. */
  wornParts(): Promise<number[]>;
  /** Puts it in order in another process. */
  optimize(options: UpkeepOptions): Promise<void>;
  onClose(): void;
}

export function createVectorIndex(
  space: EmbeddingSpace,
  { writer, reader, openStill, columns }: TableHandles,
  { isRemote, diskBytes, wornParts, optimize, onClose }: TableSurroundings,
): VectorIndex {
  const versions = createVersionCount(reader);
  let changes = 0;
  let latestChange: Promise<unknown> = Promise.resolve();
  /** The reader could not be brought to the latest version after a change. */
  let isBehind = false;
  let isClosed = false;

  async function showChanges(): Promise<void> {
    isBehind = true;
    await reader.checkoutLatest();
    isBehind = false;
  }

  /** For what decides on further changes: rows that are there must not be missed. */
  async function upToDate(): Promise<Table> {
    if (isBehind && changes === 0) await showChanges();
    return reader;
  }

  function change<T>(work: () => Promise<T>): Promise<T> {
    const changing = changed(work);
    latestChange = Promise.allSettled([latestChange, changing]).then(() => {});
    return changing;
  }

  async function changed<T>(work: () => Promise<T>): Promise<T> {
    changes += 1;
    try {
      return await work();
    } catch (thrown) {
      throw translate(thrown);
    } finally {
      changes -= 1;
      if (!isClosed) await showChanges();
    }
  }

  /** What runs beside changes shows its result only when no rewrite is half done; the change's own end shows it then. */
  async function beside<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw translate(thrown);
    } finally {
      if (changes === 0 && !isClosed) await showChanges();
    }
  }

  async function add(rows: readonly IndexRow[]) {
    for (const part of slices(rows, ROWS_PER_ADD)) {
      const data = toArrow(part, space.dimensions);
      await commit(writer, () => writer.add(data));
    }
  }

  async function removeIds(ids: readonly Snowflake[]) {
    for (const part of slices([...new Set(ids)], IDS_PER_QUERY)) {
      await commit(writer, () => writer.delete(isOneOf("id", part)));
    }
  }

  async function rowsOf(ids: readonly Snowflake[], where: string): Promise<IndexRow[]> {
    const found: IndexRow[] = [];
    for (const part of slices([...new Set(ids)], IDS_PER_QUERY)) {
      const query = reader
        .query()
        .where(`${isOneOf("id", part)} AND ${where}`)
        .select(ROW_COLUMNS.filter((column) => columns.has(column)));
      found.push(...(await collect(query, toRows)));
    }
    const place = new Map(ids.map((id, index) => [id, index]));
    return found.sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0) || a.chunk - b.chunk);
  }

  async function affected(ids: readonly Snowflake[]): Promise<AffectedRows> {
    const asked = new Set(ids);
    const [present, dependents] = [new Set<Snowflake>(), new Set<Snowflake>()];
    const table = await upToDate();
    for (const part of slices([...asked], IDS_PER_QUERY)) {
      // One look for both: rows that no index holds yet are read one by one.
      const where = `${isOneOf("id", part)} OR ${isOneOf("contextId", part)}`;
      for (const { id, contextId } of await collect(table.query().where(where).select(LINK_COLUMNS), toLinks)) {
        if (asked.has(id)) present.add(id);
        if (contextId !== undefined && asked.has(contextId)) dependents.add(id);
      }
    }
    return { present: [...present], dependents: [...dependents] };
  }

  async function holds(ids: readonly Snowflake[]): Promise<Snowflake[]> {
    const held = new Set<Snowflake>();
    const table = await upToDate();
    for (const part of slices([...new Set(ids)], IDS_PER_QUERY)) {
      const query = table.query().where(isOneOf("id", part)).select(["id"]);
      for (const id of await collect(query, (batch) => toTexts(batch, "id"))) held.add(id);
    }
    return [...held];
  }

  /** One column of rows in windows spread over the table: one read of single rows at a thousand places takes seconds. */
  async function sample<T>(
    names: readonly string[],
    limit: number,
    read: (batch: Batch) => readonly T[],
  ): Promise<T[]> {
    const size = Math.ceil(limit / SAMPLE_WINDOWS);
    const rows = await reader.countRows();
    const step = Math.max(size, Math.floor(rows / SAMPLE_WINDOWS));
    const sampled: T[] = [];
    for (let offset = 0; offset < rows && sampled.length < limit; offset += step) {
      sampled.push(
        ...(await collect(
          reader
            .query()
            .select([...names])
            .offset(offset)
            .limit(size),
          read,
        )),
      );
    }
    return sampled.slice(0, limit);
  }

  const index: VectorIndex = {
    space,

    write: (rows, { fresh }) =>
      change(async () => {
        if (!fresh) await removeIds(rows.map((row) => row.id));
        await add(rows);
      }),

    removeIds: (ids) => change(() => removeIds(ids)),

    removeScope: (scope) =>
      change(async () => {
        await commit(writer, () => writer.delete(scopeSql(scope, columns)));
      }),

    removeRun: (runId) => change(async () => (await commit(writer, () => writer.delete(runSql(runId)))).numDeletedRows),

    async keys(kind, range, limit) {
      const query = (await upToDate())
        .query()
        .where(rangeSql(kind, range))
        .select(KEY_COLUMNS)
        .orderBy([{ columnName: "id", ascending: false }, { columnName: "chunk" }])
        .limit(limit);
      return await collect(query, toKeys);
    },

    affected,
    holds,
    newestId: async () => newestId(await upToDate()),

    removeContext: (ids) =>
      change(async () => {
        for (const part of slices([...new Set(ids)], IDS_PER_QUERY)) {
          const own = { contextId: "NULL", searchText: `split_part(searchText, '${END_OF_CONTEXT}', -1)` };
          await commit(writer, () => writer.update({ where: isOneOf("contextId", part), valuesSql: own }));
        }
      }),

    async rows(ids, filter) {
      const where = filter ? filterSql(filter, columns) : "true";
      return where === undefined ? [] : await rowsOf(ids, where);
    },

    candidates: createCandidates(reader, openStill, columns, isRemote),

    async latest(filter, limit, offset) {
      const visible = filterSql(filter, columns);
      if (visible === undefined || limit < 1) return [];
      // Ids first, rows after: sorting whole rows would read the vectors of everything visible.
      const newest = reader
        .query()
        .where(`${visible} AND chunk = 0`)
        .select(["id"])
        .orderBy({ columnName: "id", ascending: false })
        .limit(limit)
        .offset(offset);
      return await rowsOf(await collect(newest, (batch) => toTexts(batch, "id")), "chunk = 0");
    },

    sampleRows: (limit) => sample(sampledColumns(columns), limit, toSampledRows),

    sampleVectors: (limit) => sample(["vector"], limit, toVectors),

    async count(filter) {
      if (!filter) return await reader.countRows();
      const where = filterSql(filter, columns);
      return where === undefined ? 0 : await reader.countRows(where);
    },

    async stats() {
      const [{ numRows, totalBytes, fragmentStats }, coverage, kept, onDisk] = await Promise.all([
        reader.stats(),
        upkeepCoverage(reader, space.dimensions, isRemote),
        versions.count(),
        diskBytes(),
      ]);
      const [fragments, bulky] = [fragmentStats.numFragments, isBulky(onDisk, totalBytes)];
      return { rows: numRows, fragments, versions: kept, diskBytes: onDisk, isBulky: bulky, ...coverage };
    },

    optimize: (options) =>
      beside(async () => {
        await optimize(options);
        await writer.checkoutLatest();
        versions.recount();
      }),

    tag: (name) => beside(() => tagVersion(writer, name)),

    untag: (olderThanMs = Number.NEGATIVE_INFINITY) => beside(() => untagVersions(writer, olderThanMs)),

    wornParts,

    renewPart: (part) =>
      change(async () => {
        await writer.checkoutLatest();
        const where = await firstRowsOf(writer, part);
        if (where === undefined) return false;
        // Each row becomes what it was, in one commit: nobody sees it missing, and whoever is killed here has lost nothing.
        await commit(writer, () => writer.update({ where, valuesSql: { searchText: "searchText" } }));
        return true;
      }),

    refresh: () => beside(() => writer.checkoutLatest()),

    async close() {
      isClosed = true;
      onClose();
      closeHandle(writer);
      closeHandle(reader);
    },
  };
  return readAgain(index, () => (changes > 0 ? latestChange : showChanges()));
}
