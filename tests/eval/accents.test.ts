// Questions as people type them who have no key for their accents, through the whole of /search.

import { join } from "node:path";
import { expect, test } from "vitest";
import { GUILD, openGuild } from "../../bench/eval/guild.ts";
import { readJudgedSet } from "../../bench/eval/judged-set.ts";
import { ndcg } from "../../bench/eval/measures.ts";
import { createBuiltinEmbedder } from "../../src/adapters/builtin-model/index.ts";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import { fold } from "../../src/fold.ts";
import { textRecipe } from "../../src/indexing/text/prepare.ts";
import { recordingLogger } from "../support/archive.ts";

/** Of nDCG@10. Measured: 0.017 of Vietnamese, 0.020 of Turkish, nothing of Spanish; without restoring accents 0.050, 0.036, 0. */
const MOST_LOST = 0.03;

test("a question typed without its accents finds nearly as well, in Spanish, Turkish and Vietnamese", async () => {
  const set = await readJudgedSet(join(import.meta.dirname, "fixtures/accents.json"));
  const model = await loadStaticModel(join(import.meta.dirname, "../../models/backscroll-static"));
  const embedder = await createBuiltinEmbedder({ model, workers: 1 });
  const guild = await openGuild(set, { embedder, wordModel: model, logger: recordingLogger().logger });
  try {
    await guild.withIndex(textRecipe, async ({ search }) => {
      for (const { id, name } of set.channels) {
        const queries = set.queries.filter(({ accessChannelIds }) => accessChannelIds.includes(id));
        const quality = async (typed: (text: string) => string) => {
          let total = 0;
          for (const { text, accessChannelIds, relevant } of queries) {
            const asked = { text: typed(text), unfolded: true, filter: { accessChannelIds }, limit: 10, offset: 0 };
            const { hits } = await search.search({ guildId: GUILD, ...asked });
            total += ndcg({ found: hits.map(({ row }) => row.id), relevant });
          }
          return total / queries.length;
        };
        const whole = await quality((text) => text);
        expect(whole, name).toBeGreaterThan(0.8);
        expect(whole - (await quality(fold)), name).toBeLessThan(MOST_LOST);
      }
    });
  } finally {
    await guild.close();
    await embedder.close();
  }
}, 120_000);
