// How well search finds what people asked for: nDCG@10 on four judged sets, through the real index, the built-in model and the
// search core. usage: tsx bench/check-search.ts [set ...]

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { loadStaticModel } from "../src/adapters/builtin-model/model.ts";
import type { IndexRow, SearchFilter, VectorIndex } from "../src/ports.ts";
import { createLateInteraction, type WordModel } from "../src/search/late-interaction.ts";
import { retrieve } from "../src/search/retrieve.ts";
import { createWordStatistics } from "../src/search/word-statistics.ts";
import { snowflakeAt } from "../src/snowflake.ts";
import { openTempIndexStore } from "../tests/support/index-store.ts";

const DATA = new URL("../../shared/data/", import.meta.url);
const MODEL = fileURLToPath(new URL("../models/backscroll-static", import.meta.url));

/** What the recipe reached when it was found. */
const TARGETS: Readonly<Record<string, number>> = {
  locomo10: 0.562,
  "friendsqa-dev-test": 0.395,
  stackfaq: 0.597,
  scifact: 0.718,
};

interface JudgedSet {
  readonly corpus: readonly {
    readonly id: string;
    readonly text: string;
    readonly title?: string;
    readonly channel?: string;
    readonly author?: string;
  }[];
  readonly queries: readonly {
    readonly text: string;
    readonly relevant: readonly string[];
    readonly channel?: string;
  }[];
}

function readSet(name: string): JudgedSet | undefined {
  const file = new URL(`retrieval.${name}.json.gz`, DATA);
  return existsSync(file) ? JSON.parse(gunzipSync(readFileSync(file)).toString()) : undefined;
}

/** Position in the corpus as an id of one minute each. */
const idAt = (position: number) => snowflakeAt(1_700_000_000_000 + position * 60_000);

async function evaluate(name: string, set: JudgedSet, model: Awaited<ReturnType<typeof loadStaticModel>>) {
  const channels = [...new Set(set.corpus.map((entry) => entry.channel ?? ""))];
  const channelId = (channel: string | undefined) => String(1 + channels.indexOf(channel ?? ""));
  const temp = await openTempIndexStore();
  try {
    const space = { modelId: "backscroll-static", dimensions: model.dimensions, fingerprint: "check" };
    const index = await temp.store.open("1", space);
    await index.write(toRows(set, model, channelId), { fresh: true });
    await index.optimize({ keepVersionsMs: 0 });

    const clock = { elapsed: () => 0 };
    const words: WordModel = model;
    const comparison = {
      lateInteraction: createLateInteraction(words),
      frequencies: await createWordStatistics(words, clock).of(index),
    };
    const everywhere = channels.map((channel) => channelId(channel));
    const scores: { [way: string]: number[] } = { "no words": [], "text only": [], "vector only": [] };
    const all: number[] = [];
    const times: number[] = [];
    for (const query of set.queries) {
      const filter: SearchFilter = { accessChannelIds: query.channel ? [channelId(query.channel)] : everywhere };
      const vector = model.vector(query.text);
      const relevant = new Set(query.relevant.map((id) => idAt(set.corpus.findIndex((entry) => entry.id === id))));
      const start = performance.now();
      const full = await retrieve(index, {
        text: query.text,
        phrases: [],
        filter,
        vector: Promise.resolve(vector),
        words: comparison,
      });
      times.push(performance.now() - start);
      all.push(
        ndcg(
          full.map(({ row }) => row.id),
          relevant,
        ),
      );
      if (process.argv.includes("--ways")) await otherWays(index, query.text, vector, filter, relevant, scores);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
    console.log(
      `${name.padEnd(20)} nDCG@10 ${mean(all)} (target ${TARGETS[name]}), p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`,
      ...Object.entries(scores)
        .filter(([, list]) => list.length > 0)
        .map(([way, list]) => `${way} ${mean(list)}`),
    );
  } finally {
    await temp.close();
  }
}

async function otherWays(
  index: VectorIndex,
  text: string,
  vector: Float32Array,
  filter: SearchFilter,
  relevant: ReadonlySet<string>,
  scores: { [way: string]: number[] },
) {
  const hybrid = await retrieve(index, { text, phrases: [], filter, vector: Promise.resolve(vector) });
  scores["no words"]?.push(
    ndcg(
      hybrid.map(({ row }) => row.id),
      relevant,
    ),
  );
  scores["text only"]?.push(
    ndcg(
      (await index.matching(text, filter, 10)).map((row) => row.id),
      relevant,
    ),
  );
  scores["vector only"]?.push(
    ndcg(
      (await index.nearest(vector, filter, 10)).map((row) => row.id),
      relevant,
    ),
  );
}

function toRows(
  set: JudgedSet,
  model: { vector(text: string): Float32Array },
  channelId: (channel: string | undefined) => string,
): IndexRow[] {
  const previous = new Map<string, string>();
  return set.corpus.map((entry, position) => {
    const own = entry.title ? `${entry.title} ${entry.text}` : entry.text;
    const embedded = entry.author ? `${entry.author}: ${own}` : own;
    const before = entry.channel ? previous.get(entry.channel) : undefined;
    if (entry.channel) previous.set(entry.channel, own);
    return {
      id: idAt(position),
      chunk: 0,
      kind: "message",
      channelId: channelId(entry.channel),
      accessChannelId: channelId(entry.channel),
      authorId: "1",
      createdAt: 0,
      contentHash: "",
      has: [],
      authorName: entry.author ?? "",
      text: own,
      searchText:
        before && !process.argv.includes("--bare")
          ? `${before}\n${embedded}`
          : process.argv.includes("--bare")
            ? own
            : embedded,
      vector: model.vector(embedded),
    };
  });
}

function ndcg(found: readonly string[], relevant: ReadonlySet<string>): number {
  const gain = (rank: number) => 1 / Math.log2(rank + 2);
  const got = found.slice(0, 10).reduce((sum, id, rank) => sum + (relevant.has(id) ? gain(rank) : 0), 0);
  const ideal = Array.from({ length: Math.min(10, relevant.size) }, (_, rank) => gain(rank)).reduce((a, b) => a + b, 0);
  return got / ideal;
}

function mean(values: readonly number[]): string {
  return (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(4);
}

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const model = await loadStaticModel(MODEL);
for (const name of asked.length > 0 ? asked : Object.keys(TARGETS)) {
  const set = readSet(name);
  if (set) await evaluate(name, set, model);
  else console.log(`${name}: skipped, ${new URL(`retrieval.${name}.json.gz`, DATA).pathname} is not here`);
}
