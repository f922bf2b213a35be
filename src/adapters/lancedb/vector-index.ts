// The rows of one guild in one embedding space, in one LanceDB table. What is measured here was measured on two cores with a
// million rows of 256 dimensions.

import { MatchQuery, type Query, type Table, type TakeQuery, type VectorQuery } from "@lancedb/lancedb";
import type { EmbeddingSpace, FoundRow, IndexRow, VectorIndex } from "../../ports.ts";
import type { Snowflake } from "../../snowflake.ts";
import { KEY_COLUMNS, ROW_COLUMNS, toArrow } from "./columns.ts";
import { commit } from "./commit.ts";
import { translate } from "./faults.ts";
import { filterSql, IDS_PER_QUERY, isOneOf, rangeSql, runSql, scopeSql } from "./filter-sql.ts";
import { type Batch, toKeys, toPlaces, toRows, toTexts } from "./read-rows.ts";
import { buildMissingIndexes, indexCoverage } from "./table-indexes.ts";
import { pruneBefore, tagVersion } from "./versions.ts";

/** Rows in one add: LanceDB takes 60,000-130,000 rows a second in adds of this size, and the copy stays small. */
const ROWS_PER_ADD = 10_000;
/**
 * Partitions of the vector index that are searched: all, up to a million rows (about 4,096 each; 27 ms). With 50, a filter by one
 * author found 65 % of the nearest ten, no filter 98 %; with all, 100 %.
 */
const PROBES = 250;
/** Candidates per result that are compared again by their full vectors. */
const REFINE_FACTOR = 3;
const SAMPLE_WINDOWS = 20;
/** A search whose rows moved (compaction) between finding and reading them looks again, this often at most. */
const LOOKS = 3;

export interface TableHandles {
  /** Takes the changes. */
  readonly writer: Table;
  /**
   * Answers the queries, at the last version whose change was complete: a rewrite is a delete and an add, and nobody sees the
   * gap between them.
   */
  readonly reader: Table;
}

/** @param diskBytes what the table's files take */
export function createVectorIndex(
  space: EmbeddingSpace,
  { writer, reader }: TableHandles,
  diskBytes: () => Promise<number>,
  onClose: () => void,
): VectorIndex {
  let changes = 0;

  async function change<T>(work: () => Promise<T>): Promise<T> {
    changes += 1;
    try {
      return await work();
    } catch (thrown) {
      throw translate(thrown);
    } finally {
      changes -= 1;
      if (writer.isOpen()) await reader.checkoutLatest();
    }
  }

  /** Upkeep runs beside changes, so it shows its result only when no rewrite is half done; the change's own end shows it then. */
  async function upkeep<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw translate(thrown);
    } finally {
      if (changes === 0 && writer.isOpen()) await reader.checkoutLatest();
    }
  }

  async function add(rows: readonly IndexRow[]) {
    for (const part of inParts(rows, ROWS_PER_ADD)) {
      const data = toArrow(part, space.dimensions);
      await commit(() => writer.add(data));
    }
  }

  async function removeIds(ids: readonly Snowflake[]) {
    for (const part of inParts([...new Set(ids)], IDS_PER_QUERY)) {
      await commit(() => writer.delete(isOneOf("id", part)));
    }
  }

  async function find(query: Query | VectorQuery, extraColumn?: "_distance" | "_score"): Promise<FoundRow[]> {
    const columns = extraColumn ? [...ROW_COLUMNS, extraColumn] : [...ROW_COLUMNS];
    return await collect(query.select(columns), toRows);
  }

  const nearestTo = (vector: Float32Array, where: string, limit: number) =>
    reader
      .query()
      .nearestTo(vector)
      .distanceType("cosine")
      .nprobes(PROBES)
      .refineFactor(REFINE_FACTOR)
      .where(where)
      .limit(limit);

  const matchingWords = (query: string, where: string, limit: number) =>
    // A query object, not a string: LanceDB parses strings.
    reader.query().fullTextSearch(new MatchQuery(query, "searchText")).where(where).limit(limit);

  /** Where the rows lie that a query finds, with what `column` holds. */
  const places = (query: Query | VectorQuery, column: "_distance" | "_score") =>
    collect(query.select(["_rowid", column]), (batch) => toPlaces(batch, column));

  /** The rows at these places, in no order; those that were removed or moved meanwhile are missing. */
  async function rowsAt(scores: ReadonlyMap<bigint, number | undefined>): Promise<FoundRow[]> {
    if (scores.size === 0) return [];
    const query = reader.takeRowIds([...scores.keys()]).select([...ROW_COLUMNS, "_rowid"]);
    return await collect(query, (batch) => toRows(batch, scores));
  }

  async function rowsOf(ids: readonly Snowflake[], where: string): Promise<IndexRow[]> {
    const found: IndexRow[] = [];
    for (const part of inParts([...new Set(ids)], IDS_PER_QUERY)) {
      found.push(...(await find(reader.query().where(`${isOneOf("id", part)} AND ${where}`))));
    }
    const place = new Map(ids.map((id, index) => [id, index]));
    return found.sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0) || a.chunk - b.chunk);
  }

  return {
    space,

    write: (rows, { fresh }) =>
      change(async () => {
        if (!fresh) await removeIds(rows.map((row) => row.id));
        await add(rows);
      }),

    removeIds: (ids) => change(() => removeIds(ids)),

    removeScope: (scope) =>
      change(async () => {
        await commit(() => writer.delete(scopeSql(scope)));
      }),

    removeRun: (runId) => change(async () => (await commit(() => writer.delete(runSql(runId)))).numDeletedRows),

    async keys(kind, range, limit) {
      const query = reader
        .query()
        .where(rangeSql(kind, range))
        .select(KEY_COLUMNS)
        .orderBy([{ columnName: "id", ascending: false }, { columnName: "chunk" }])
        .limit(limit);
      return await collect(query, toKeys);
    },

    async dependents(contextIds) {
      const found = new Set<Snowflake>();
      for (const part of inParts([...new Set(contextIds)], IDS_PER_QUERY)) {
        const query = reader.query().where(isOneOf("contextId", part)).select(["id"]);
        for (const id of await collect(query, (batch) => toTexts(batch, "id"))) found.add(id);
      }
      return [...found];
    },

    async rows(ids, filter) {
      const where = filter ? filterSql(filter) : "true";
      return where === undefined ? [] : await rowsOf(ids, where);
    },

    async candidates({ text, vector, filter, limit }) {
      const where = filterSql(filter);
      if (where === undefined || limit < 1) return [];
      for (let looks = 1; ; looks += 1) {
        const [matching, nearest] = await Promise.all([
          text.trim() === "" ? [] : places(matchingWords(text, where, limit), "_score"),
          vector.then((known) => (known ? places(nearestTo(known, where, limit), "_distance") : [])),
        ]);
        const scores = new Map<bigint, number | undefined>(nearest.map(({ place }) => [place, undefined]));
        for (const { place, value } of matching) scores.set(place, value);
        const rows = await rowsAt(scores);
        if (rows.length === scores.size || looks === LOOKS) return rows;
      }
    },

    async nearest(vector, filter, limit) {
      const where = filterSql(filter);
      if (where === undefined || limit < 1) return [];
      return await find(nearestTo(vector, where, limit), "_distance");
    },

    async matching(query, filter, limit) {
      const where = filterSql(filter);
      if (where === undefined || limit < 1 || query.trim() === "") return [];
      return await find(matchingWords(query, where, limit), "_score");
    },

    async latest(filter, limit, offset) {
      const visible = filterSql(filter);
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

    async sampleTexts(limit) {
      // Windows spread over the table: one read of single rows at a thousand places takes seconds.
      const size = Math.ceil(limit / SAMPLE_WINDOWS);
      const rows = await reader.countRows();
      const step = Math.max(size, Math.floor(rows / SAMPLE_WINDOWS));
      const texts: string[] = [];
      for (let offset = 0; offset < rows && texts.length < limit; offset += step) {
        const query = reader.query().select(["text"]).offset(offset).limit(size);
        texts.push(...(await collect(query, (batch) => toTexts(batch, "text"))));
      }
      return texts.slice(0, limit);
    },

    async count(filter) {
      if (!filter) return await reader.countRows();
      const where = filterSql(filter);
      return where === undefined ? 0 : await reader.countRows(where);
    },

    async stats() {
      const [{ numRows, fragmentStats }, coverage, bytes] = await Promise.all([
        reader.stats(),
        indexCoverage(reader),
        diskBytes(),
      ]);
      return { rows: numRows, fragments: fragmentStats.numFragments, diskBytes: bytes, ...coverage };
    },

    optimize: ({ keepVersionsMs }) =>
      upkeep(async () => {
        const cleanupOlderThan = await pruneBefore(writer, keepVersionsMs);
        await commit(() => writer.optimize({ cleanupOlderThan }));
      }),

    buildIndexes: () => upkeep(() => commit(() => buildMissingIndexes(writer, space.dimensions))),

    tag: (name) => upkeep(() => tagVersion(writer, name)),

    async close() {
      onClose();
      writer.close();
      reader.close();
    },
  };
}

async function collect<T>(query: Query | VectorQuery | TakeQuery, read: (batch: Batch) => T[]): Promise<T[]> {
  const found: T[] = [];
  try {
    for await (const batch of query) found.push(...read(batch));
  } catch (thrown) {
    throw translate(thrown);
  }
  return found;
}

function inParts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, part) => list.slice(part * size, (part + 1) * size));
}
