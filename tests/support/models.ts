// Two embedding models that agree in nothing but their likeness of words, and a search over whatever generations a setup has.

import { createQueryEmbedders } from "../../src/embedding/query-embedders.ts";
import type { Embedder, EmbedderSettings } from "../../src/ports/embedder.ts";
import { createSearch, type Search } from "../../src/search/search.ts";
import type { Setup } from "./engine.ts";
import { pseudoEmbedding } from "./pseudo-embedding.ts";

export interface TestModel {
  readonly embedder: Embedder;
  /** How often it was asked for queries. */
  readonly queries: () => number;
  /** From now on it does not answer. */
  breakDown(): void;
}

/** @param salt makes its vectors unlike those of another model */
export function testModel(modelId: string, dimensions = 16, settings?: EmbedderSettings): TestModel {
  let queries = 0;
  let isDown = false;
  const embedder: Embedder = {
    space: { modelId, dimensions, fingerprint: `${modelId}-${dimensions}-00000000` },
    settings: settings ?? {
      kind: "server",
      baseUrl: `http://${modelId}.test/v1`,
      modelId,
      answersAs: modelId,
      length: dimensions,
      documentPrefix: "",
      queryPrefix: "",
    },
    limits: { textsPerRequest: 64, tokensPerText: 500, tokensPerRequest: 50_000, parallelRequests: 1 },
    async embed(texts, use) {
      if (isDown) throw new Error(`${modelId} is down`);
      if (use === "query") queries += 1;
      // Backwards, each word is another one: the likeness of texts stays, the vectors are others.
      const salted = (text: string) => text.replace(/[\p{L}\p{N}]+/gu, (word) => `${word}${modelId}`);
      return texts.map((text) => pseudoEmbedding(salted(text), dimensions));
    },
    async close() {},
  };
  return {
    embedder,
    queries: () => queries,
    breakDown() {
      isDown = true;
    },
  };
}

/** The search that members use, over the generations of a setup. @param former models that can still be reached, by name */
export function searchOf(setup: Setup, former: readonly TestModel[] = []): Search {
  const embedQuery = async (text: string, signal: AbortSignal) => {
    const [vector] = await setup.embedder.embed([text], "query", signal);
    if (vector === undefined) throw new Error("no vector");
    return vector;
  };
  const embedders = createQueryEmbedders({
    present: { space: setup.embedder.space, embedQuery },
    connect: (settings) =>
      settings.kind === "server"
        ? former.find(({ embedder }) => embedder.space.modelId === settings.modelId)?.embedder
        : undefined,
    clock: setup.clock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return createSearch({
    async openGenerations(guildId) {
      const { searched } = await setup.indexes.open(guildId);
      return searched.map(({ generation, index }) => ({ index, embedQuery: embedders.of(generation) }));
    },
    archive: setup.archive,
    findAuthors: async () => [],
    findRoles: () => [],
    findChannels: async () => [],
    clock: setup.clock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
}
