// A member's search, from what they typed to a page of results. Knows no vendor; who may see what comes in with the filter.

import { toError } from "../errors.ts";
import type { Clock, IndexRow, Logger, SearchFilter, VectorIndex } from "../ports.ts";
import { compareSnowflakes, type Snowflake } from "../snowflake.ts";
import { createLateInteraction, type WordModel } from "./late-interaction.ts";
import { type ParsedQuery, parseQuery } from "./query.ts";
import { type Ranked, retrieve, type WordComparison } from "./retrieve.ts";
import { makeSnippet, type Snippet } from "./snippet.ts";
import { createWordStatistics } from "./word-statistics.ts";

/** A search does not wait longer than this for a vector; full text answers without it. */
const EMBEDDING_TIMEOUT_MS = 5_000;
const SNIPPET_LENGTH = 220;
/** Words of a message that "find similar" looks for; more cost time and change nothing. */
const SIMILAR_LENGTH = 600;

export interface SearchRequest {
  readonly guildId: Snowflake;
  /** As typed: words, "phrases", from: in: before: after: during: has:, a message link or id. */
  readonly text: string;
  /** What the viewer may see, and what options narrow it to; operators in `text` narrow it further. */
  readonly filter: SearchFilter;
  readonly limit: number;
  readonly offset: number;
  readonly signal?: AbortSignal;
}

export interface SearchHit {
  /** The record's best row. */
  readonly row: IndexRow;
  /** Comparable within one search only; 0 where nothing was ranked. */
  readonly score: number;
  readonly snippet: Snippet;
  /** Records that say the same and are not listed on their own. */
  readonly repeats: readonly IndexRow[];
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  readonly hasMore: boolean;
  /** How many there are in all, as far as ranking goes: at most the candidates considered. Absent without ranking. */
  readonly found?: number;
  /** Why only full text answered, when the embedder did not. For the log and a hint, not an error. */
  readonly degraded?: string;
  /** Operators whose value means nobody or no channel here, e.g. "from:bob": nothing can match. */
  readonly unknown: readonly string[];
  readonly tookMs: number;
}

export interface SearchParts {
  readonly openIndex: (guildId: Snowflake) => Promise<VectorIndex>;
  /** @throws when the embedder cannot answer */
  readonly embedQuery: (text: string, signal: AbortSignal) => Promise<Float32Array>;
  /** For late interaction; without it, ranking is by vectors and full text. */
  readonly wordModel?: WordModel;
  /** Ids of members a name may mean; lower case. */
  readonly findAuthors: (guildId: Snowflake, name: string) => Promise<readonly Snowflake[]>;
  /** Ids of the channels and threads a name or id may mean; see `channelsMeant`. */
  readonly findChannels: (guildId: Snowflake, name: string) => Promise<readonly Snowflake[]>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Search {
  search(request: SearchRequest): Promise<SearchResult>;
  /** Records like a given one, itself left out. `text`: what it says, for when it is not indexed. */
  similar(
    request: Omit<SearchRequest, "text"> & { readonly id: Snowflake; readonly text: string },
  ): Promise<SearchResult>;
}

interface Outcome {
  readonly ranked: readonly Ranked[];
  readonly degraded?: string;
}

export function createSearch(parts: SearchParts): Search {
  const { openIndex, embedQuery, wordModel, clock, logger } = parts;
  const lateInteraction = wordModel && createLateInteraction(wordModel);
  const statistics = wordModel && createWordStatistics(wordModel, clock);

  async function compareWords(index: VectorIndex): Promise<WordComparison | undefined> {
    return lateInteraction && statistics ? { lateInteraction, frequencies: await statistics.of(index) } : undefined;
  }

  /** @returns the vector, or why there is none; rejects only when the search itself is given up */
  async function embed(text: string, signal?: AbortSignal): Promise<Float32Array | string> {
    const done = new AbortController();
    const tooLate = clock
      .sleep(EMBEDDING_TIMEOUT_MS, done.signal)
      .then(() => `no answer in ${EMBEDDING_TIMEOUT_MS} ms`);
    try {
      const waiting = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
      return await Promise.race([embedQuery(text, waiting), tooLate]);
    } catch (thrown) {
      signal?.throwIfAborted();
      return toError(thrown).message;
    } finally {
      done.abort();
    }
  }

  async function rank(
    index: VectorIndex,
    query: ParsedQuery,
    filter: SearchFilter,
    signal?: AbortSignal,
  ): Promise<Outcome> {
    const words = await compareWords(index);
    const embedded = embed(query.text, signal);
    const vector = embedded.then((result) => (typeof result === "string" ? undefined : result));
    const ranked = await retrieve(index, { text: query.text, phrases: query.phrases, filter, vector, words });
    const degraded = await embedded;
    if (typeof degraded !== "string") return { ranked };
    logger.warn("search:degraded", { reason: degraded });
    return { ranked, degraded };
  }

  /** The filter with what the operators add; undefined when an operator names nobody or nothing. */
  async function narrow(guildId: Snowflake, filter: SearchFilter, query: ParsedQuery) {
    const unknown: string[] = [];
    async function resolve(names: readonly string[], operator: string, find: SearchParts["findAuthors"]) {
      const found = await Promise.all(names.map((name) => find(guildId, name)));
      found.forEach((ids, which) => {
        if (ids.length === 0) unknown.push(`${operator}:${names[which]}`);
      });
      return names.length > 0 ? found.flat() : undefined;
    }
    const findAuthors: SearchParts["findAuthors"] = async (guild, name) => {
      if (name === "me" && filter.viewerId) return [filter.viewerId];
      return /^\d{17,19}$/.test(name) ? [name] : await parts.findAuthors(guild, name);
    };
    const authorIds = common(filter.authorIds, await resolve(query.from, "from", findAuthors));
    const channelIds = common(filter.channelIds, await resolve(query.in, "in", parts.findChannels));
    const afterId = extreme(filter.afterId, query.afterId, 1);
    const beforeId = extreme(filter.beforeId, query.beforeId, -1);
    const has = [...new Set([...(filter.has ?? []), ...query.has])];
    const narrowed: SearchFilter = {
      ...filter,
      ...(authorIds && { authorIds }),
      ...(channelIds && { channelIds }),
      ...(afterId !== undefined && { afterId }),
      ...(beforeId !== undefined && { beforeId }),
      ...(has.length > 0 && { has }),
    };
    return { filter: narrowed, unknown };
  }

  async function search(request: SearchRequest): Promise<SearchResult> {
    const started = clock.elapsed();
    const { guildId, limit, offset, signal } = request;
    const query = parseQuery(request.text, clock.now());
    const [index, { filter, unknown }] = await Promise.all([
      openIndex(guildId),
      narrow(guildId, request.filter, query),
    ]);
    const answer = (page: Omit<SearchResult, "unknown" | "tookMs">) => ({
      ...page,
      unknown,
      tookMs: clock.elapsed() - started,
    });

    if (unknown.length > 0) return answer({ hits: [], hasMore: false, found: 0 });
    if (query.messageId !== undefined) {
      const [row] = await index.rows([query.messageId], filter);
      if (row && offset === 0) return answer({ hits: [unranked(row, "")], hasMore: false, found: 1 });
      if (row || query.text === "") return answer({ hits: [], hasMore: false, found: row ? 1 : 0 });
    }
    if (query.text === "") {
      const rows = await index.latest(filter, limit + 1, offset);
      return answer({ hits: rows.slice(0, limit).map((row) => unranked(row, "")), hasMore: rows.length > limit });
    }
    return answer(page(await rank(index, query, filter, signal), query.text, limit, offset));
  }

  return {
    search,

    async similar({ guildId, id, text, filter, limit, offset, signal }) {
      const started = clock.elapsed();
      const index = await openIndex(guildId);
      const others = { ...filter, excludeIds: [...(filter.excludeIds ?? []), id] };
      const [stored] = await index.rows([id]);
      const asked = text.slice(0, SIMILAR_LENGTH).toWellFormed();
      const query = { text: asked, phrases: [] };
      const outcome: Outcome = stored
        ? {
            ranked: await retrieve(index, {
              ...query,
              filter: others,
              vector: Promise.resolve(stored.vector),
              words: await compareWords(index),
            }),
          }
        : await rank(index, { ...query, from: [], in: [], has: [] }, others, signal);
      return { ...page(outcome, asked, limit, offset), unknown: [], tookMs: clock.elapsed() - started };
    },
  };
}

function page({ ranked, degraded }: Outcome, text: string, limit: number, offset: number) {
  const hits = ranked
    .slice(offset, offset + limit)
    .map(({ row, score, repeats }) => ({ ...unranked(row, text), score, repeats }));
  const whole = { hits, hasMore: ranked.length > offset + limit, found: ranked.length };
  return degraded === undefined ? whole : { ...whole, degraded };
}

function unranked(row: IndexRow, text: string): SearchHit {
  return { row, score: 0, snippet: makeSnippet(row.text, text, SNIPPET_LENGTH), repeats: [] };
}

/** Both lists where both narrow; undefined when neither does. */
function common(one: readonly Snowflake[] | undefined, other: readonly Snowflake[] | undefined) {
  return one && other ? one.filter((id) => other.includes(id)) : (one ?? other);
}

/** The larger (sign 1) or smaller (sign -1) id. */
function extreme(one: Snowflake | undefined, other: Snowflake | undefined, sign: 1 | -1): Snowflake | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareSnowflakes(one, other) * sign >= 0 ? one : other;
}
