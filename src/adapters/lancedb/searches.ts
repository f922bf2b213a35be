// Ranked searches of one table: places are found first, by vector and by words, and then each row is read once.

import { MatchQuery, Operator, PhraseQuery, type Query, type Table, type VectorQuery } from "@lancedb/lancedb";
import type { FoundRow, VectorIndex } from "../../ports/vector-index.ts";
import { foundColumns } from "./columns.ts";
import { filterSql } from "./filter-sql.ts";
import { closeHandle } from "./handles.ts";
import { createKnown, type Known } from "./known-of-version.ts";
import { collect, type Place, toFoundRows, toPlaces, toSearchTexts } from "./read-rows.ts";

/**
 * Partitions of the vector index that are searched: all, however many (about 4,096 rows each). What people say in chat falls into no clear groups:
 * of a million rows, 150 of 250 partitions have 92 % of the nearest ten, 100 have 86 %, and looking into all takes 6 ms of CPU.
 */
const PROBES = 10_000;
/**
 * In a former table, whose index has one bit a number: candidates per result that are compared again by their full vectors. Of a fifth of a
 * million rows, 98 % of the nearest ten are then among a hundred candidates, without it 94 %. In an object store it would be three hundred
 * requests a search.
 */
const REFINE_FACTOR = 3;
/**
 * When the filter leaves no more than this many of a million rows, comparing them all is exact and takes 11 ms; the index takes 30,
 * and 10,000 rows would take 66.
 */
const FEW_ROWS = 2_000;
/** How much a filter leaves: few rows, all of which are compared, or a share of all. */
type Share = "few" | number;
/**
 * From this share on, it is faster to look further down without the filter and to leave out what does not fit: of a million rows, looking each
 * of them up in the filter takes 10 ms of 17, and 500 instead of 100 results 3.
 */
const LARGE_SHARE = 0.1;
/** Where less of the limit is left (what is asked about is said elsewhere: 3 to 4 questions of 100), it is looked again, with the filter. */
const ENOUGH_LEFT = 1 / 6;
/**
 * Rows that the full-text index does not hold yet are taken apart word by word for each search, at 27 µs of CPU a row: 8,000 of them
 * made a search eight times as dear. Beyond this many, only the live ones among them are: what a backfill has just written is
 * found by its vector at once, and by its words as soon as upkeep has folded it in.
 */
const SCANNED_ROWS = 1_000;

/** Where too little fits of what was found, so many times as much is looked through. */
const FURTHER = 8;
/** Where any row is a candidate, no more are looked through for some that fit. */
const MOST_LOOKED_THROUGH = 5_000;
/** A share of the limit that is enough not to look further. */
const ENOUGH = 1 / 4;

type Asked = Parameters<VectorIndex["candidates"]>[0];
type Phrase = NonNullable<Asked["phrase"]>;

interface Looked {
  readonly rows: FoundRow[];
  /** So many rows were removed, rewritten or compacted between being found and being read. */
  readonly movedOn: number;
}

/** Where full text looks, and whether any or all of the words must be there. */
interface Look {
  readonly column: "searchText" | "ngrams";
  readonly operator: Operator;
}
const ANY_WORD: Look = { column: "searchText", operator: Operator.Or };
const ALL_WORDS: Look = { column: "searchText", operator: Operator.And };
const ANY_NGRAM: Look = { column: "ngrams", operator: Operator.Or };
const ALL_NGRAMS: Look = { column: "ngrams", operator: Operator.And };

/**
 * @param reader moves on with every change of the table
 * @param openStill the same version of the table as a handle of its own, which stays where it is
 * @param columns of the table
 * @param isRemote in an object store, where each row read is a request
 */
export function createCandidates(
  reader: Table,
  openStill: () => Promise<Table>,
  columns: ReadonlySet<string>,
  isRemote: boolean,
): VectorIndex["candidates"] {
  const known = createKnown(reader);
  return async (asked) => {
    const where = filterSql(asked.filter, columns);
    if (where === undefined || asked.limit < 1) return [];
    const found = await (await createLook(reader, await known(), columns, isRemote))(asked, where);
    if (found.movedOn === 0) return found.rows;
    // A row that was only rewritten must not be missed: once more, where nothing moves.
    const still = await openStill();
    try {
      return (await (await createLook(still, await createKnown(still)(), columns, isRemote))(asked, where)).rows;
    } finally {
      closeHandle(still);
    }
  };
}

/** One search of a table. */
async function createLook(table: Table, known: Known, columns: ReadonlySet<string>, isRemote: boolean) {
  const { unindexedRows, ngramIndex, vectorIndex } = await known.coverage();

  /** Nearest first. */
  async function nearestPlaces(vector: Float32Array, where: string, limit: number, share: Share): Promise<Place[]> {
    const query = () => table.query().nearestTo(vector).distanceType("cosine").where(where);
    if (share === "few") return await places(query().limit(limit).bypassVectorIndex(), "_distance");
    const inIndex = query().nprobes(PROBES);
    if (!columns.has("found")) {
      const found = inIndex.limit(limit);
      return await places(isRemote ? found : found.refineFactor(REFINE_FACTOR), "_distance");
    }
    if (vectorIndex && share >= LARGE_SHARE) {
      const further = query()
        .nprobes(PROBES)
        .postfilter()
        .limit(Math.ceil(limit / share));
      const found = await places(further, "_distance");
      if (found.length >= limit * ENOUGH_LEFT) return found.slice(0, limit);
    }
    return await places(inIndex.limit(limit), "_distance");
  }

  /** Not asked of rows that no index holds yet: to count them, each of their fragments is read. */
  async function shareOf(where: string): Promise<Share> {
    if (isRemote || unindexedRows > SCANNED_ROWS) return 0;
    const [fitting, all] = await Promise.all([known.count(where), known.count("true")]);
    return fitting <= FEW_ROWS ? "few" : fitting / all;
  }

  // A query object, not a string: LanceDB parses strings.
  const withWords = (text: string, { column, operator }: Look, where: string, limit: number) =>
    table
      .query()
      .fullTextSearch(new MatchQuery(text, column, { operator }))
      .where(where)
      .limit(limit);

  /** Best first. */
  async function matchingPlaces(text: string, look: Look, where: string, limit: number): Promise<Place[]> {
    // A table of an earlier version has no n-grams.
    if (text.trim() === "" || (look.column === "ngrams" && !ngramIndex)) return [];
    if (unindexedRows <= SCANNED_ROWS) {
      return await places(withWords(text, look, where, limit), "_score");
    }
    const [indexed, live] = await Promise.all([
      places(withWords(text, look, where, limit).fastSearch(), "_score"),
      places(withWords(text, look, `(${where}) AND runId IS NULL`, limit), "_score"),
    ]);
    const scores = new Map([...indexed, ...live].map(({ place, value }) => [place, value]));
    return [...scores]
      .map(([place, value]) => ({ place, value }))
      .sort((one, other) => other.value - one.value)
      .slice(0, limit);
  }

  /** LanceDB looks for phrases in its index alone: of the rows that are not in it, those with all the words come. */
  async function phrasePlaces(phrase: string, where: string, limit: number): Promise<Place[]> {
    const query = table.query().fullTextSearch(new PhraseQuery(phrase, "searchText"));
    const holding = places(query.where(where).limit(limit), "_score");
    if (unindexedRows === 0) return await holding;
    const [all, indexed] = await Promise.all([
      matchingPlaces(phrase, ALL_WORDS, where, limit),
      places(withWords(phrase, ALL_WORDS, where, limit).fastSearch(), "_score"),
    ]);
    const known = new Set(indexed.map(({ place }) => place));
    return [...(await holding), ...all.filter(({ place }) => !known.has(place))];
  }

  /** Of a phrase in each of its spellings. */
  async function anyPhrasePlaces({ spellings, ngrams = [] }: Phrase, where: string, limit: number): Promise<Place[]> {
    const found = await Promise.all([
      ...spellings.map((spelling) => phrasePlaces(spelling, where, limit)),
      ...ngrams.map((each) => matchingPlaces(each, ALL_NGRAMS, where, limit)),
    ]);
    return found.flat();
  }

  /** The rows at these places, in no order; those that were removed or moved meanwhile are missing. */
  async function rowsAt(scores: ReadonlyMap<bigint, number | undefined>): Promise<FoundRow[]> {
    if (scores.size === 0) return [];
    const query = table.takeRowIds([...scores.keys()]).select([...foundColumns(columns), "_rowid"]);
    return await collect(query, (batch) => toFoundRows(batch, scores));
  }

  /** Of these places, those of rows that fit. @returns also how many rows were not there any more */
  async function fitting(found: readonly bigint[], fits: NonNullable<Asked["fits"]>) {
    if (found.length === 0) return { places: [], gone: 0 };
    const query = table.takeRowIds([...found]).select(["searchText", "_rowid"]);
    const texts = await collect(query, toSearchTexts);
    return { places: texts.filter(fits).map(({ place }) => place), gone: found.length - texts.length };
  }

  /** Only the texts of what may hold the phrase are read, as far down as it takes. */
  async function holding({ phrase, limit, fits = () => true }: Asked & { phrase: Phrase }, where: string) {
    const seen = new Map<bigint, number>();
    const kept = new Map<bigint, number>();
    let movedOn = 0;
    for (let looked = limit; ; looked *= FURTHER) {
      const found = await anyPhrasePlaces(phrase, where, looked);
      const fresh = found.filter(({ place }) => !seen.has(place));
      for (const { place, value } of fresh) seen.set(place, value);
      const { places: fit, gone } = await fitting([...new Set(fresh.map(({ place }) => place))], fits);
      movedOn += gone;
      for (const place of fit) kept.set(place, seen.get(place) ?? 0);
      if (kept.size >= limit * ENOUGH || found.length < looked || fresh.length === 0) return { kept, movedOn };
    }
  }

  async function phraseRows(asked: Asked & { phrase: Phrase }, where: string): Promise<Looked> {
    const [matching, { kept, movedOn }] = await Promise.all([
      matchingPlaces(asked.text, ANY_WORD, where, asked.limit),
      holding(asked, where),
    ]);
    for (const { place, value } of matching) if (kept.has(place)) kept.set(place, value);
    const rows = await rowsAt(kept);
    return { rows, movedOn: movedOn + kept.size - rows.length };
  }

  async function rowsLike({ text, ngrams = "", vector, limit }: Asked, where: string, most: number): Promise<Looked> {
    async function nearest(): Promise<Place[]> {
      const [share, asked] = await Promise.all([shareOf(where), vector]);
      return asked === undefined ? [] : await nearestPlaces(asked, where, most, share);
    }
    const [matching, others, alike] = await Promise.all([
      matchingPlaces(text, ANY_WORD, where, limit),
      nearest(),
      matchingPlaces(ngrams, ANY_NGRAM, where, limit),
    ]);
    const scores = new Map<bigint, number | undefined>();
    for (const { place } of [...others, ...alike]) scores.set(place, undefined);
    for (const { place, value } of matching) scores.set(place, value);
    const rows = await rowsAt(scores);
    return { rows, movedOn: scores.size - rows.length };
  }

  async function look(asked: Asked, where: string): Promise<Looked> {
    const { phrase, limit, nearest = limit, fits } = asked;
    if (phrase !== undefined) return await phraseRows({ ...asked, phrase }, where);
    const { rows, movedOn } = await rowsLike(asked, where, nearest);
    if (fits === undefined) return { rows, movedOn };
    const kept = rows.filter(fits);
    if (kept.length > 0 || rows.length < limit || limit >= MOST_LOOKED_THROUGH) return { rows: kept, movedOn };
    return await look({ ...asked, limit: limit * FURTHER, nearest: nearest * FURTHER }, where);
  }

  return look;
}

/** Where the rows lie that a query finds, with what `column` holds. */
function places(query: Query | VectorQuery, column: "_distance" | "_score"): Promise<Place[]> {
  return collect(query.select(["_rowid", column]), (batch) => toPlaces(batch, column));
}
