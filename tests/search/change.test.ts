import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import type { IndexRow, VectorIndex } from "../../src/ports/vector-index.ts";
import { type SearchedGeneration, searchedIndex } from "../../src/search/generations.ts";
import { createGuildSamples } from "../../src/search/guild-sample.ts";
import { createLateInteraction } from "../../src/search/late-interaction.ts";
import { retrieve } from "../../src/search/retrieve.ts";
import { openTempIndexStore } from "../support/index-store.ts";
import { hasJudged, loadJudged, ndcg } from "../support/judged.ts";

const MODEL = fileURLToPath(new URL("../../models/backscroll-static", import.meta.url));
/** A set, what of it is taken, and which of its queries: one of so many. */
const sets: [set: string, channels: readonly string[] | undefined, everyNth: number][] = [
  ["locomo10", ["locomo-26", "locomo-42"], 3],
  ["stackfaq", undefined, 12],
];

/**
 * As if by a model whose cosines lie close together (0.75 to 1), as e5's do: the likeness is that of the present one, on another scale,
 * and coarser, as it has only half of the numbers.
 */
function formerVector(vector: Float32Array): Float32Array {
  const half = vector.slice(0, vector.length / 2);
  const length = Math.sqrt(half.reduce((sum, value) => sum + value * value, 0)) || 1;
  return Float32Array.from([...half.map((value) => (value / length) * 0.5), Math.sqrt(0.75)]);
}

it.skipIf(!hasJudged(...sets.map(([set]) => set))).each(sets)(
  "%s: search is no worse while half of the records are still in the former index, or nearly all, or nearly none",
  async (set, channels, everyNth) => {
    const model = await loadStaticModel(MODEL);
    const temp = await openTempIndexStore();
    try {
      const { rows, queries } = loadJudged(set, channels, everyNth, (said) => model.vector(said));
      const embedders = {
        present: (text: string) => model.vector(text),
        former: (text: string) => formerVector(model.vector(text)),
      };

      async function generation(name: string, some: readonly IndexRow[]): Promise<VectorIndex> {
        const dimensions = some[0]?.vector.length ?? model.dimensions;
        const index = await temp.store.open("1", { modelId: name, dimensions, fingerprint: name });
        await index.write(some, { fresh: true });
        await index.optimize({ keepVersionsMs: 3_600_000 });
        return index;
      }
      const all = { present: rows, former: rows.map((row) => ({ ...row, vector: formerVector(row.vector) })) };
      /** Spread over the whole, always the same. */
      const share = (some: readonly IndexRow[], part: number, isFirst = true) =>
        some.filter((_, n) => ((n * 7919) % 100) / 100 < part === isFirst);

      const late = createLateInteraction(model);
      const whole = await generation("present", all.present);
      const sample = await createGuildSamples(model, { elapsed: () => 0 }).of(whole);
      const words = { lateInteraction: late, sample };

      type Part = SearchedGeneration & { readonly embed?: ((text: string) => Float32Array) | undefined };
      /** Unrelated texts of the former model are alike, too. */
      const floors = (parts: readonly Part[]) =>
        parts.map(({ embed }) => (embed === embedders.former ? { cosine: 0.75, vectors: [] } : undefined));
      async function quality(
        parts: readonly Part[],
      ): Promise<{ readonly ndcg: number; readonly p95: number; readonly cpuMs: number }> {
        const index = searchedIndex(parts);
        const times: number[] = [];
        let total = 0;
        const cpu = process.cpuUsage();
        for (const { text, relevant, channelIds } of queries) {
          const vectors = parts.map(({ embed }) => Promise.resolve(embed?.(text)));
          const startedAt = performance.now();
          const filter = { accessChannelIds: channelIds };
          const unrelated = floors(parts);
          const ranked = await retrieve(index, { text, phrases: [], filter, vectors, words, unrelated });
          times.push(performance.now() - startedAt);
          total += ndcg(
            ranked.map(({ row }) => row.id),
            relevant,
          );
        }
        times.sort((one, other) => one - other);
        const { user, system } = process.cpuUsage(cpu);
        const cpuMs = (user + system) / 1_000 / queries.length;
        return { ndcg: total / queries.length, p95: times[Math.floor(times.length * 0.95)] ?? 0, cpuMs };
      }
      const part = (index: VectorIndex, embed?: (text: string) => Float32Array): Part => ({
        index,
        embedQuery: undefined,
        embed,
      });

      const former = await generation("former", all.former);
      const alone = {
        present: await quality([part(whole, embedders.present)]),
        former: await quality([part(former, embedders.former)]),
        words: await quality([part(former)]),
      };
      const half = await generation("half", share(all.present, 0.5));
      const otherHalf = await generation("other-half", share(all.former, 0.5, false));
      const beginning = await generation("beginning", share(all.present, 0.03));
      const nearlyAll = await generation("nearly-all", share(all.present, 0.97));
      const found = {
        half: await quality([part(half, embedders.present), part(former, embedders.former)]),
        halves: await quality([part(half, embedders.present), part(otherHalf, embedders.former)]),
        beginning: await quality([part(beginning, embedders.present), part(former, embedders.former)]),
        nearlyAll: await quality([part(nearlyAll, embedders.present), part(former, embedders.former)]),
        halfByWords: await quality([part(half, embedders.present), part(former)]),
        beginningByWords: await quality([part(beginning, embedders.present), part(former)]),
      };
      console.log(
        JSON.stringify(
          { set, queries: queries.length, alone, found },
          (_, value) => (typeof value === "number" ? Number(value.toFixed(4)) : value),
          1,
        ),
      );
      const worse = Math.min(alone.present.ndcg, alone.former.ndcg);
      // "halves" have nothing in common. No change of the model leaves that, as a former index keeps what it has until it is retired.
      for (const name of ["half", "halves", "beginning", "nearlyAll"] as const) {
        expect(found[name].ndcg, name).toBeGreaterThan(worse - 0.01);
      }
      // The standard error of these differences is 0.004 to 0.008: words alone are a little better here than with the present model's vectors,
      // and with vectors for some of the records it is between the two.
      for (const name of ["halfByWords", "beginningByWords"] as const) {
        expect(found[name].ndcg, name).toBeGreaterThan(alone.words.ndcg - 0.005);
      }
    } finally {
      await temp.close();
    }
  },
  600_000,
);
