// The ranking on a small judged set in eight languages that was written for this test: each of its three ingredients must be worth
// something, and no language may fall behind. The sets that people judged are not part of the project; docs/evaluation.md has them.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EvaluatedGuild, openGuild } from "../../bench/eval/guild.ts";
import { type JudgedQuery, type JudgedSet, readJudgedSet } from "../../bench/eval/judged-set.ts";
import { ndcg } from "../../bench/eval/measures.ts";
import { createBuiltinEmbedder } from "../../src/adapters/builtin-model/index.ts";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import { textRecipe } from "../../src/indexing/text/prepare.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import { createLateInteraction } from "../../src/search/late-interaction.ts";
import { rank, type Scored } from "../../src/search/rank.ts";
import { asRecords, findCandidates } from "../../src/search/retrieve.ts";
import { createWordStatistics } from "../../src/search/word-statistics.ts";
import { recordingLogger } from "../support/archive.ts";

const FIXTURE = join(import.meta.dirname, "fixtures/workshop.json");
const MODEL = join(import.meta.dirname, "../../models/backscroll-static");

const INGREDIENTS = ["full text", "vectors", "word comparison"] as const;
type Without = (typeof INGREDIENTS)[number] | "nothing";

describe("the ranking, on a workshop's messages in eight languages", () => {
  let set: JudgedSet;
  let embedder: Embedder;
  let guild: EvaluatedGuild;
  /** nDCG@10 of each query, in the order of the set. */
  const qualities = new Map<Without, number[]>();

  beforeAll(async () => {
    set = await readJudgedSet(FIXTURE);
    const wordModel = await loadStaticModel(MODEL);
    embedder = await createBuiltinEmbedder({ model: wordModel, workers: 1 });
    guild = await openGuild(set, { embedder, wordModel, logger: recordingLogger().logger });
    await guild.withIndex(textRecipe, async ({ index }) => {
      const frequencies = await createWordStatistics(wordModel, { elapsed: () => 0 }).of(index);
      const words = { lateInteraction: createLateInteraction(wordModel), frequencies };
      for (const query of set.queries) {
        const { text, accessChannelIds } = query;
        const [vector] = await embedder.embed([text], "query");
        const request = { text, phrases: [], filter: { accessChannelIds }, vector: Promise.resolve(vector) };
        const candidates = await findCandidates(index, request);
        const withoutText = candidates.map(({ textScore: _, ...row }) => row);
        note("nothing", query, rank(text, candidates, vector, words));
        note("full text", query, rank(text, withoutText, vector, words));
        note("vectors", query, rank(text, candidates, undefined, words));
        note("word comparison", query, rank(text, candidates, vector, undefined));
      }
    });
  }, 120_000);
  afterAll(async () => {
    await guild?.close();
    await embedder?.close();
  });

  function note(without: Without, { relevant }: JudgedQuery, ranked: readonly Scored[]): void {
    const found = asRecords(ranked).map(({ row }) => row.id);
    qualities.set(without, [...(qualities.get(without) ?? []), ndcg({ found, relevant })]);
  }

  /** @param channelId only of queries whose answers are there: each language has a channel */
  function mean(without: Without, channelId?: string): number {
    const channelOf = new Map(set.records.map((record) => [record.id, record.channelId]));
    const chosen = (qualities.get(without) ?? []).filter((_, place) => {
      const [answer = ""] = set.queries[place]?.relevant ?? [];
      return channelId === undefined || channelOf.get(answer) === channelId;
    });
    return chosen.reduce((sum, value) => sum + value, 0) / chosen.length;
  }

  it.each(INGREDIENTS)("is better for its %s", (ingredient) => {
    expect(mean("nothing")).toBeGreaterThan(mean(ingredient) + 0.005);
  });

  it("finds what is asked for in each language", () => {
    for (const { id, name } of set.channels) {
      expect(mean("nothing", id), name).toBeGreaterThan(0.6);
    }
  });
});
