// What is compared: ways to search one index, and ways to make its texts. Each is measured on every query of a judged set.

import type { StaticModel } from "../../src/adapters/builtin-model/static-model.ts";
import { type TextRecipe, textRecipe } from "../../src/indexing/text/prepare.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import type { VectorIndex } from "../../src/ports/vector-index.ts";
import { searchedIndex } from "../../src/search/generations.ts";
import { createGuildSamples } from "../../src/search/guild-sample.ts";
import { createLateInteraction } from "../../src/search/late-interaction.ts";
import { rank, type WordComparison } from "../../src/search/rank.ts";
import { asRecords, findCandidates, retrieve } from "../../src/search/retrieve.ts";
import { type EvaluatedGuild, GUILD, type IndexedGuild } from "./guild.ts";
import type { JudgedQuery, JudgedSet } from "./judged-set.ts";
import { type Judgement, type Latency, latency, percentile, type Quality, quality } from "./measures.ts";

const PLACES = 10;
/** Searches are timed one at a time: so many, spread over the set. */
const TIMED_QUERIES = 200;
/** For their quality, this many run at once. */
const AT_ONCE = 4;

const bareRecipe: TextRecipe = { ...textRecipe, author: false, context: false, links: false, ngrams: false };

/** The same texts without one of their ingredients. */
export const ablations = {
  author: { ...textRecipe, author: false },
  context: { ...textRecipe, context: false },
  replies: { ...textRecipe, replies: false },
  title: { ...textRecipe, title: false },
  links: { ...textRecipe, links: false },
  chunks: { ...textRecipe, chunks: false },
} as const satisfies Record<string, TextRecipe>;
export type Ablation = keyof typeof ablations;

/** Full text alone, vectors alone, and both as /search has them. */
export interface Ways<Measures> {
  readonly fullText: Measures;
  readonly vector: Measures;
  readonly hybrid: Measures;
}

export interface SetResult extends Ways<Quality & Latency> {
  readonly name: string;
  readonly title: string;
  readonly messages: number;
  readonly queries: number;
  /** Full text of the message alone: no author, no neighbour. */
  readonly bare: Quality & Latency;
  /** Only what makes a difference to some message of this set. */
  readonly without: Readonly<Partial<Record<Ablation, Ways<Quality>>>>;
  /** Of a hybrid search, the time that ranking its candidates takes: milliseconds, the median. */
  readonly rankingMs: number;
}

export interface Means {
  readonly embedder: Embedder;
  readonly wordModel: StaticModel;
  /** Also measure the texts without each of their ingredients: an index for each. */
  readonly ingredients: boolean;
}

/** @param onProgress told what is measured next */
export async function evaluate(
  set: JudgedSet,
  guild: EvaluatedGuild,
  means: Means,
  onProgress: (what: string) => void,
): Promise<SetResult> {
  const vectors = await embedQueries(set.queries, means.embedder);
  onProgress("bare messages");
  const bare = await guild.withIndex(bareRecipe, async (indexed) => judge(set, fullTextOnly(indexed)));
  onProgress("as /search has it");
  const whole = await guild.withIndex(textRecipe, async (indexed) => {
    const { ways, rankingMs } = await judgeTogether(set, indexed.index, vectors, means);
    const fullText = { ...ways.fullText, ...(await timed(set, fullTextOnly(indexed))) };
    const vector = { ...ways.vector, ...(await timed(set, vectorOnly(indexed, vectors))) };
    return { fullText, vector, hybrid: await judge(set, search(indexed)), rankingMs };
  });
  const without: Partial<Record<Ablation, Ways<Quality>>> = {};
  for (const name of means.ingredients ? (Object.keys(ablations) as Ablation[]) : []) {
    if (!(await guild.differs(textRecipe, ablations[name]))) continue;
    onProgress(`without ${name}`);
    const { ways } = await guild.withIndex(ablations[name], ({ index }) => judgeTogether(set, index, vectors, means));
    without[name] = ways;
  }
  const { name, title } = set;
  return { name, title, messages: set.records.length, queries: set.queries.length, bare, ...whole, without };
}

async function embedQueries(queries: readonly JudgedQuery[], embedder: Embedder): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  const size = embedder.limits.textsPerRequest;
  for (let start = 0; start < queries.length; start += size) {
    const texts = queries.slice(start, start + size).map(({ text }) => text);
    vectors.push(...(await embedder.embed(texts, "query")));
  }
  return vectors;
}

interface Found {
  readonly row: { readonly id: string };
}
type FindRows = (query: JudgedQuery, place: number) => Promise<readonly Found[]>;

const fullTextOnly =
  ({ index }: IndexedGuild): FindRows =>
  ({ text, accessChannelIds }) =>
    retrieve(only(index), { text, phrases: [], filter: { accessChannelIds }, vectors: [] });

const vectorOnly =
  ({ index }: IndexedGuild, vectors: readonly Float32Array[]): FindRows =>
  ({ accessChannelIds }, place) =>
    retrieve(only(index), {
      text: "",
      phrases: [],
      filter: { accessChannelIds },
      vectors: [Promise.resolve(vectors[place])],
    });

/** One generation, whose query vectors are at hand. */
const only = (index: VectorIndex) => searchedIndex([{ index, embedQuery: undefined }]);

/** Exactly what a member gets. */
const search =
  (indexed: IndexedGuild): FindRows =>
  async ({ text, accessChannelIds }) => {
    const request = { guildId: GUILD, text, unfolded: true, filter: { accessChannelIds }, limit: PLACES, offset: 0 };
    const { hits, degraded } = await indexed.search.search(request);
    if (degraded !== undefined) throw new Error(`a query could not be embedded: ${degraded}`);
    return hits;
  };

async function judge(set: JudgedSet, find: FindRows): Promise<Quality & Latency> {
  const judgements = await forEach(set, async (query, place) => judgement(await find(query, place), query));
  return { ...quality(judgements), ...(await timed(set, find)) };
}

async function timed({ queries }: JudgedSet, find: FindRows): Promise<Latency> {
  const times: number[] = [];
  const step = Math.max(1, Math.floor(queries.length / TIMED_QUERIES));
  for (const [place, query] of queries.entries()) {
    if (place % step !== 0) continue;
    const started = performance.now();
    await find(query, place);
    times.push(performance.now() - started);
  }
  return latency(times);
}

async function forEach<T>(
  { queries }: JudgedSet,
  work: (query: JudgedQuery, place: number) => Promise<T>,
): Promise<T[]> {
  const done: T[] = [];
  for (let start = 0; start < queries.length; start += AT_ONCE) {
    const together = queries.slice(start, start + AT_ONCE);
    done.push(...(await Promise.all(together.map((query, n) => work(query, start + n)))));
  }
  return done;
}

/** All ways from one reading of the index: for their quality, not for their speed. */
async function judgeTogether(
  set: JudgedSet,
  index: VectorIndex,
  vectors: readonly Float32Array[],
  { wordModel }: Means,
): Promise<{ readonly ways: Ways<Quality>; readonly rankingMs: number }> {
  const samples = createGuildSamples(wordModel, { elapsed: () => 0 });
  const [sample, unrelated] = [await samples.of(index), [await samples.unrelatedOf(index)]];
  const words: WordComparison = { lateInteraction: createLateInteraction(wordModel), sample };
  const times: number[] = [];
  const judged = await forEach(set, async (query, place) => {
    const { text, accessChannelIds } = query;
    const vector = vectors[place];
    const request = {
      text,
      phrases: [],
      filter: { accessChannelIds },
      vectors: [Promise.resolve(vector)],
      words,
      unrelated,
    };
    const groups = await findCandidates(only(index), request);
    const candidates = groups.flatMap(({ rows }) => rows);
    const matching = candidates.filter(({ textScore }) => textScore !== undefined);
    const withoutText = candidates.map(({ textScore: _, ...row }) => row);
    const started = performance.now();
    const ranked = rank(text, groups, words);
    times.push(performance.now() - started);
    return {
      hybrid: judgement(asRecords(ranked), query),
      fullText: judgement(asRecords(rank(text, [{ rows: matching, vector: undefined }], undefined)), query),
      vector: judgement(asRecords(rank("", [{ rows: withoutText, vector }], undefined)), query),
    };
  });
  const of = (way: keyof Ways<unknown>) => quality(judged.map((each) => each[way]));
  return {
    ways: { fullText: of("fullText"), vector: of("vector"), hybrid: of("hybrid") },
    rankingMs: percentile(times, 0.5),
  };
}

function judgement(found: readonly Found[], { relevant }: JudgedQuery): Judgement {
  return { found: found.slice(0, PLACES).map(({ row }) => row.id), relevant };
}
