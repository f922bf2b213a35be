// A member's search, from what they typed to a page of results. Knows no vendor; who may see what comes in with the filter.

import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { FoundRow, SearchFilter } from "../ports/vector-index.ts";
import type { Snowflake } from "../snowflake.ts";
import { createConversationFacts } from "./conversation-facts.ts";
import { meantWords, replaceWords } from "./did-you-mean.ts";
import { createQueryVectors } from "./embed-query.ts";
import { foldConversations } from "./fold-conversations.ts";
import { type SearchedGeneration, type SearchedIndex, searchedIndex } from "./generations.ts";
import { createGuildSamples, type GuildSample } from "./guild-sample.ts";
import { createLateInteraction, type WordModel } from "./late-interaction.ts";
import { type NamedQuery, nameMentions } from "./mentioned-names.ts";
import { type NarrowParts, narrow } from "./narrow.ts";
import { areFar, haveNoWordOf, isInOtherLetters } from "./nothing-close.ts";
import { type ParsedQuery, parseQuery, verbatim } from "./query.ts";
import { asPeopleWrite } from "./restore-accents.ts";
import { type Ranked, retrieve, saying, type WordComparison } from "./retrieve.ts";
import { type WhyNothing, whyNothing } from "./why-nothing.ts";

/** Words of a message that "find similar" looks for; more cost time and change nothing. */
const SIMILAR_LENGTH = 600;
/** Rows that are looked through for the newest without a word. */
const LATEST_AT_ONCE = 200;
const MOST_LATEST = 4_000;

export interface SearchRequest {
  readonly guildId: Snowflake;
  /** As typed: words, "phrases", -words, the operators of operators.ts, a message link or id. */
  readonly text: string;
  /** `text` is somebody's message rather than a query: all of it is words. */
  readonly verbatim?: boolean;
  /** Whom `from:me` means. */
  readonly askerId?: Snowflake;
  /** What the viewer may see, and what options narrow it to; operators in `text` narrow it further. */
  readonly filter: SearchFilter;
  /** Of about equally good matches, the newer first. */
  readonly preferNewer?: boolean;
  /** Each hit on its own: for what looks for certain messages, and for judging the ranking. */
  readonly unfolded?: boolean;
  readonly limit: number;
  readonly offset: number;
  readonly signal?: AbortSignal;
}

export interface SearchHit {
  /** The record's best row. */
  readonly row: FoundRow;
  /** Comparable within one search only; 0 where nothing was ranked. */
  readonly score: number;
  /** Records that say the same and are not listed on their own. */
  readonly repeats: readonly FoundRow[];
  /** Further hits of the same conversation, best first, which are not listed on their own either. */
  readonly others: readonly FoundRow[];
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  readonly hasMore: boolean;
  /** What was asked, taken apart. */
  readonly query: ParsedQuery;
  /** Everything the search was narrowed to, by options and by operators. */
  readonly filter: SearchFilter;
  /** Operators whose value means nobody, or no channel the viewer can read, e.g. "from:bob": nothing can match. */
  readonly unknown: readonly string[];
  /** On an empty first page, unless `unknown` says why already. */
  readonly nothing?: WhyNothing;
  /** What was typed, with words that are there in place of some that nobody wrote: a typo, perhaps. */
  readonly didYouMean?: string;
  /** Why only full text answered, when the embedder did not. For the log and a hint, not an error. */
  readonly degraded?: string;
  readonly tookMs: number;
}

export interface SearchParts extends NarrowParts {
  /** A guild's generations, at least one. A search takes each record from the first that holds it. */
  readonly openGenerations: (guildId: Snowflake) => Promise<readonly SearchedGeneration[]>;
  /** Where names are that messages carry, and what belongs to a conversation. */
  readonly archive: Pick<Archive, "get" | "channel">;
  /** For late interaction; without it, ranking is by vectors and full text. */
  readonly wordModel?: WordModel;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Search {
  search(request: SearchRequest): Promise<SearchResult>;
  /** Records like a given one, itself left out. `text`: what it says, for when it is not indexed. */
  similar(
    request: Omit<SearchRequest, "text" | "preferNewer"> & { readonly id: Snowflake; readonly text: string },
  ): Promise<SearchResult>;
  /** Names under which people wrote where one can read, whoever wrote most first; of a sample, not all of them. */
  people(guildId: Snowflake, readable: Pick<SearchFilter, "accessChannelIds">): Promise<readonly string[]>;
}

type ComparedWords = WordComparison & { readonly sample: GuildSample };

interface Outcome {
  readonly ranked: readonly Ranked[];
  /** What words were compared by; undefined without a word model. */
  readonly words: ComparedWords | undefined;
  /** None of it is worth showing. */
  readonly onlyFar?: boolean;
  readonly degraded?: string;
}

/** The hits of one page, before it is known how they are told. */
interface Found {
  readonly meant?: ReadonlyMap<string, string>;
  readonly hits: readonly SearchHit[];
  readonly hasMore: boolean;
  readonly onlyFar?: boolean;
  readonly degraded?: string;
}

const noHits: Found = { hits: [], hasMore: false };

export function createSearch(parts: SearchParts): Search {
  const { wordModel, clock, logger } = parts;
  const lateInteraction = wordModel && createLateInteraction(wordModel);
  const samples = wordModel && createGuildSamples(wordModel, clock);
  const queryVectors = createQueryVectors(clock);
  const conversationFacts = createConversationFacts(parts.archive);

  /** As long as there are several generations, nothing is called far. */
  async function isOnlyFar(
    { generations }: SearchedIndex,
    text: string,
    ranked: readonly Ranked[],
    vector?: Float32Array,
  ) {
    const [first, ...others] = generations;
    if (!first?.embedQuery || others.length > 0 || ranked.length === 0 || vector === undefined) return false;
    const rows = ranked.map(({ row }) => row);
    if (!samples || !haveNoWordOf(text, rows) || isInOtherLetters(text, rows, wordModel)) return false;
    const nonsense = await queryVectors.nonsense(first.embedQuery);
    const farness = nonsense && (await samples.farnessOf(first.index, nonsense));
    return farness !== undefined && areFar(rows, vector, farness);
  }

  const openIndex = async (guildId: Snowflake) => searchedIndex(await parts.openGenerations(guildId));

  async function compareWords(index: SearchedIndex): Promise<ComparedWords | undefined> {
    if (!lateInteraction || !samples) return undefined;
    return { lateInteraction, sample: await samples.of(await index.fullest()) };
  }

  /** @param options.known vectors of the query that need no embedder, by generation */
  async function rank(
    index: SearchedIndex,
    { query, phrases }: NamedQuery,
    filter: SearchFilter,
    options: {
      readonly preferNewer?: boolean | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly known?: readonly (Float32Array | undefined)[];
    },
  ): Promise<Outcome> {
    const { preferNewer, signal, known = [] } = options;
    const words = await compareWords(index);
    const unrelated = await Promise.all(index.generations.map((each) => samples?.unrelatedOf(each.index)));
    const { without } = query;
    const text = words === undefined ? query.text : asPeopleWrite(query.text, words.sample.accents);
    const embedded = queryVectors.forEach(index, text, known, signal);
    const vectors = embedded.map((each) => each.then((result) => (typeof result === "string" ? undefined : result)));
    // At once, so that a search that is given up is heard by somebody.
    const [ranked, [vector]] = await Promise.all([
      retrieve(index, { text, phrases, without, filter, vectors, words, unrelated, preferNewer }),
      Promise.all(vectors),
    ]);
    const onlyFar = await isOnlyFar(index, text, ranked, vector);
    const reasons = (await Promise.all(embedded)).map((result) => (typeof result === "string" ? result : undefined));
    for (const reason of new Set(reasons)) if (reason !== undefined) logger.warn("search:degraded", { reason });
    // A former model that does not answer any more is no news to who searches.
    const [degraded] = reasons;
    return { ranked, words, onlyFar, ...(degraded !== undefined && { degraded }) };
  }

  /** @param channelIds that the search was narrowed to */
  async function page(
    { ranked, degraded }: Outcome,
    { guildId, limit, offset, unfolded }: Pick<SearchRequest, "guildId" | "limit" | "offset" | "unfolded">,
    channelIds: readonly Snowflake[] = [],
  ): Promise<Found> {
    const rows = ranked.map(({ row }) => row);
    const hits = unfolded
      ? ranked.map((hit) => ({ ...hit, others: [] }))
      : foldConversations(ranked, await conversationFacts(guildId, rows), channelIds);
    const found = { hits: hits.slice(offset, offset + limit), hasMore: hits.length > offset + limit };
    return degraded === undefined ? found : { ...found, degraded };
  }

  async function findPage(
    index: SearchedIndex,
    named: NamedQuery,
    filter: SearchFilter,
    request: SearchRequest,
  ): Promise<Found> {
    const { limit, offset } = request;
    const { query } = named;
    if (query.messageId !== undefined) {
      const [row] = await index.rowsOf(query.messageId, filter);
      if (row || query.text === "") return { hits: row && offset === 0 ? [unranked(row)] : [], hasMore: false };
    }
    if (query.text === "") {
      const rows = await latest(index, query, filter, limit + 1, offset);
      return { hits: rows.slice(0, limit).map(unranked), hasMore: rows.length > limit };
    }
    const outcome = await rank(index, named, filter, request);
    if (request.verbatim) return await page(outcome, request, filter.channelIds);
    const words = offset === 0 ? outcome.words : undefined;
    const rows = outcome.ranked.map(({ row }) => row);
    const meant = wordModel && words && meantWords(query.text, { rows, filter, sample: words.sample, wordModel });
    if (outcome.onlyFar) return { ...noHits, onlyFar: true, ...(meant && { meant }) };
    return { ...(await page(outcome, request, filter.channelIds)), ...(meant && { meant }) };
  }

  return {
    async search(request) {
      const started = clock.elapsed();
      const { guildId, text } = request;
      const typed = request.verbatim ? verbatim(text) : parseQuery(text, clock.now());
      const index = await openIndex(guildId);
      const named = await nameMentions({ archive: parts.archive, index }, guildId, request.filter, typed);
      const { query } = named;
      const { filter, unknown } = await narrow(parts, index, request, query);
      const { onlyFar, meant, ...found } = unknown.length > 0 ? noHits : await findPage(index, named, filter, request);
      const unexplained = found.hits.length === 0 && request.offset === 0 && unknown.length === 0;
      const why = unexplained ? await whyNothing(index, filter) : undefined;
      const nothing = why && { ...why, ...(onlyFar && { onlyFar }) };
      const corrected = meant ? replaceWords(text, meant) : text;
      return {
        ...found,
        query,
        filter,
        unknown,
        ...(nothing && { nothing }),
        ...(corrected !== text && { didYouMean: corrected }),
        tookMs: clock.elapsed() - started,
      };
    },

    async people(guildId, { accessChannelIds }) {
      const words = await compareWords(await openIndex(guildId));
      return words ? words.sample.vocabulary.peopleIn(accessChannelIds) : [];
    },

    async similar({ guildId, id, text, filter, limit, offset, signal }) {
      const started = clock.elapsed();
      const index = await openIndex(guildId);
      const others = { ...filter, excludeIds: [...(filter.excludeIds ?? []), id] };
      const query = verbatim(text.slice(0, SIMILAR_LENGTH).toWellFormed());
      const stored = await Promise.all(index.generations.map((generation) => generation.index.rows([id])));
      const outcome = await rank(index, { query, phrases: [] }, others, {
        signal,
        known: stored.map(([row]) => row?.vector),
      });
      const found = await page(outcome, { guildId, limit, offset });
      const nothing = found.hits.length === 0 && offset === 0 ? await whyNothing(index, others) : undefined;
      return {
        ...found,
        query,
        filter: others,
        unknown: [],
        ...(nothing && { nothing }),
        tookMs: clock.elapsed() - started,
      };
    },
  };
}

/** Newest first. Rows that say what is to be left out take no place: so many are read until enough are left. */
async function latest(
  index: Pick<SearchedIndex, "latest">,
  { without }: ParsedQuery,
  filter: SearchFilter,
  limit: number,
  offset: number,
): Promise<FoundRow[]> {
  if (without.length === 0) return await index.latest(filter, limit, offset);
  const fitting: FoundRow[] = [];
  for (let read = 0; read < MOST_LATEST && fitting.length < offset + limit; read += LATEST_AT_ONCE) {
    const rows = await index.latest(filter, LATEST_AT_ONCE, read);
    fitting.push(...rows.filter(saying([], without)));
    if (rows.length < LATEST_AT_ONCE) break;
  }
  return fitting.slice(offset, offset + limit);
}

function unranked(row: FoundRow): SearchHit {
  return { row, score: 0, repeats: [], others: [] };
}
