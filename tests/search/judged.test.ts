import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import { joinSearchText } from "../../src/content-hash.ts";
import { searchedIndex } from "../../src/search/generations.ts";
import { createGuildSamples } from "../../src/search/guild-sample.ts";
import { createLateInteraction } from "../../src/search/late-interaction.ts";
import { retrieve } from "../../src/search/retrieve.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { indexRow, openTempIndexStore } from "../support/index-store.ts";

const FILE = new URL("../../../shared/data/retrieval.locomo10.json.gz", import.meta.url);
const MODEL = fileURLToPath(new URL("../../models/backscroll-static", import.meta.url));
const CHANNELS = ["locomo-26", "locomo-42"];

interface Judged {
  readonly corpus: readonly {
    readonly id: string;
    readonly text: string;
    readonly channel: string;
    readonly author: string;
  }[];
  readonly queries: readonly {
    readonly text: string;
    readonly relevant: readonly string[];
    readonly channel: string;
  }[];
}

const present = existsSync(FILE);
if (!present) console.log(`judged queries skipped: ${FILE.pathname} is not here (npm run eval measures all sets)`);

it.skipIf(!present)(
  "ranks what people judged relevant as high as it did when the recipe was found",
  async () => {
    const judged: Judged = JSON.parse(gunzipSync(readFileSync(FILE)).toString());
    const model = await loadStaticModel(MODEL);
    const temp = await openTempIndexStore();
    try {
      const index = await temp.store.open("1", {
        modelId: "static",
        dimensions: model.dimensions,
        fingerprint: "static",
      });
      const idOf = new Map<string, string>();
      const before = new Map<string, string>();
      const rows = judged.corpus
        .filter((turn) => CHANNELS.includes(turn.channel))
        .map((turn, position) => {
          const id = snowflakeAt(1_700_000_000_000 + position * 60_000);
          idOf.set(turn.id, id);
          const said = `${turn.author}: ${turn.text}`;
          const searchText = joinSearchText(before.get(turn.channel) ?? "", `${turn.author}: `, turn.text);
          before.set(turn.channel, turn.text);
          const channelId = String(1 + CHANNELS.indexOf(turn.channel));
          return indexRow({
            id,
            channelId,
            authorName: turn.author,
            text: turn.text,
            searchText,
            vector: model.vector(said),
          });
        });
      await index.write(rows, { fresh: true });
      await index.optimize({ keepVersionsMs: 3_600_000 });

      const sample = await createGuildSamples(model, { elapsed: () => 0 }).of(index);
      const words = { lateInteraction: createLateInteraction(model), sample };
      const queries = judged.queries.filter(
        (query, position) => CHANNELS.includes(query.channel) && position % 3 === 0,
      );
      let total = 0;
      for (const { text, relevant, channel } of queries) {
        const filter = { accessChannelIds: [String(1 + CHANNELS.indexOf(channel))] };
        const vectors = [Promise.resolve(model.vector(text))];
        const ranked = await retrieve(searchedIndex([{ index, embedQuery: undefined }]), {
          text,
          phrases: [],
          filter,
          vectors,
          words,
        });
        total += ndcg(
          ranked.map(({ row }) => row.id),
          new Set(relevant.map((id) => idOf.get(id) ?? "")),
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

/** Measured: 0.553. The order of equal scores varies a little. */
const LOWEST = 0.535;

function ndcg(found: readonly string[], relevant: ReadonlySet<string>): number {
  const gain = (rank: number) => 1 / Math.log2(rank + 2);
  const got = found.slice(0, 10).reduce((sum, id, rank) => sum + (relevant.has(id) ? gain(rank) : 0), 0);
  const ideal = Array.from({ length: Math.min(10, relevant.size) }, (_, rank) => gain(rank)).reduce((a, b) => a + b, 0);
  return got / ideal;
}
