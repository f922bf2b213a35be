import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import { searchedIndex } from "../../src/search/generations.ts";
import { createGuildSamples } from "../../src/search/guild-sample.ts";
import { createLateInteraction } from "../../src/search/late-interaction.ts";
import { retrieve } from "../../src/search/retrieve.ts";
import { openTempIndexStore } from "../support/index-store.ts";
import { hasJudged, loadJudged, ndcg } from "../support/judged.ts";

const MODEL = fileURLToPath(new URL("../../models/backscroll-static", import.meta.url));
/** Measured: 0.553. The order of equal scores varies a little. */
const LOWEST = 0.535;

it.skipIf(!hasJudged("locomo10"))(
  "ranks what people judged relevant as high as it did when the recipe was found",
  async () => {
    const model = await loadStaticModel(MODEL);
    const { rows, queries } = loadJudged("locomo10", ["locomo-26", "locomo-42"], 3, model.vector);
    const temp = await openTempIndexStore();
    try {
      const index = await temp.store.open("1", {
        modelId: "static",
        dimensions: model.dimensions,
        fingerprint: "static",
      });
      await index.write(rows, { fresh: true });
      await index.optimize({ keepVersionsMs: 3_600_000 });

      const sample = await createGuildSamples(model, { elapsed: () => 0 }).of(index);
      const words = { lateInteraction: createLateInteraction(model), sample };
      let total = 0;
      for (const { text, relevant, channelIds } of queries) {
        const ranked = await retrieve(searchedIndex([{ index, embedQuery: undefined }]), {
          text,
          phrases: [],
          filter: { accessChannelIds: channelIds },
          vectors: [Promise.resolve(model.vector(text))],
          words,
        });
        total += ndcg(
          ranked.map(({ row }) => row.id),
          relevant,
        );
      }
      expect(queries.length).toBeGreaterThan(100);
      expect(total / queries.length).toBeGreaterThan(LOWEST);
    } finally {
      await temp.close();
    }
  },
  120_000,
);
