// What a sample of a guild's messages tells ranking: how common each word and n-gram is, what is rare tells more; in which languages
// people write, and with which accents; and which way unrelated vectors point.

import { asReadBack } from "../full-text.ts";
import { isEnglish } from "../letters.ts";
import type { Clock } from "../ports/clock.ts";
import type { VectorIndex } from "../ports/vector-index.ts";
import type { WordFrequencies, WordModel } from "./late-interaction.ts";
import { countNgrams, type NgramFrequencies } from "./letter-comparison.ts";
import { type Farness, measureFarness } from "./nothing-close.ts";
import { type AccentedForms, countAccentedForms } from "./restore-accents.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

/** A thousand left a third of a point of nDCG to chance. Read and cut in 40 ms. */
const SAMPLED_TEXTS = 4_000;
/** Their mean is settled within 0.005. */
const SAMPLED_VECTORS = 200;
/** A sample is good for a while; a quarter of an hour of new messages changes little. */
const MAX_AGE_MS = 15 * 60_000;
/** While a guild's index is being filled, a sample soon speaks of something else. */
const MAX_GROWTH = 1.5;
/** Of a smaller server all words are looked for: what it is about is everywhere in it, and it is fast as it is. Texts. */
const LARGE_SAMPLE = 2_000;
/** Of an English server's letters, a sixth are in texts too short to be told for English. */
const OTHER_LANGUAGES = 1 / 3;

type SampledIndex = Pick<VectorIndex, "space" | "count" | "sampleRows" | "sampleVectors">;

export interface GuildSample {
  readonly frequencies: WordFrequencies;
  readonly ngrams: NgramFrequencies;
  readonly accents: AccentedForms;
  /** How much of what people write is this word, as a share of all words; 0 where that is not known well enough. */
  commonness(word: string): number;
  /** The share of all letters that is in texts which are not told for English. */
  readonly notEnglish: number;
  readonly vocabulary: Vocabulary;
}

/** What tells how alike unrelated texts are to an embedder. */
export interface UnrelatedTexts {
  /** As the probe measured it. */
  readonly cosine: number;
  /** Of some rows, most of which have nothing to do with any one query. */
  readonly vectors: readonly Float32Array[];
}

/** Whether a query is compared by its letters: English ones are not, which the full-text index stems. */
export function comparesLetters(query: string, { notEnglish }: Pick<GuildSample, "notEnglish">): boolean {
  if (isEnglish(query)) return false;
  // "antenna mount" is English where people write English.
  return notEnglish > OTHER_LANGUAGES || /[^\p{ASCII}\P{L}]/u.test(query);
}

export interface GuildSamples {
  of(index: SampledIndex): Promise<GuildSample>;
  /** @param nonsense vectors of `NONSENSE` in the index's space */
  farnessOf(index: SampledIndex, nonsense: readonly Float32Array[]): Promise<Farness | undefined>;
  /** Undefined where unrelated texts have a cosine of 0. */
  unrelatedOf(index: SampledIndex): Promise<UnrelatedTexts | undefined>;
}

/** The best of more would be a little better, and take longer to read. */
const COMPARED_VECTORS = 2_000;

export function createGuildSamples(model: WordModel, clock: Pick<Clock, "elapsed">): GuildSamples {
  return {
    farnessOf: remembering(clock, async ({ sampleVectors }, nonsense: readonly Float32Array[]) =>
      measureFarness(await sampleVectors(COMPARED_VECTORS), nonsense),
    ),
    of: remembering(clock, (index) => takeSample(index, model)),
    unrelatedOf: remembering(clock, async ({ space, sampleVectors }) => {
      const cosine = space.unrelatedCosine;
      return cosine === undefined ? undefined : { cosine, vectors: await sampleVectors(SAMPLED_VECTORS) };
    }),
  };
}

interface Taken<T> {
  readonly rows: number;
  readonly at: number;
  readonly sample: Promise<T>;
}

/** Taken once for searches at the same time, and kept while it is good. */
function remembering<T, More extends unknown[]>(
  clock: Pick<Clock, "elapsed">,
  take: (index: SampledIndex, ...more: More) => Promise<T>,
) {
  const samples = new WeakMap<SampledIndex, Taken<T>>();
  return async (index: SampledIndex, ...more: More): Promise<T> => {
    const rows = await index.count();
    const known = samples.get(index);
    if (known && clock.elapsed() - known.at < MAX_AGE_MS && rows <= known.rows * MAX_GROWTH) {
      return await known.sample;
    }
    const sample = take(index, ...more);
    samples.set(index, { rows, at: clock.elapsed(), sample });
    sample.catch(() => samples.delete(index));
    return await sample;
  };
}

async function takeSample(index: SampledIndex, model: WordModel): Promise<GuildSample> {
  const rows = await index.sampleRows(SAMPLED_TEXTS);
  const texts = rows.map(({ text }) => text);
  const textsWith = new Map<number, number>();
  for (const text of texts) {
    for (const token of new Set(Array.from(model.tokenIds(asReadBack(text)))))
      textsWith.set(token, (textsWith.get(token) ?? 0) + 1);
  }
  const words = [...textsWith.values()].reduce((sum, count) => sum + count, 0);
  return {
    frequencies: { texts: texts.length, textsWith },
    ngrams: countNgrams(texts),
    accents: countAccentedForms(texts),
    commonness: (word) => {
      const tokens = texts.length < LARGE_SAMPLE ? [] : Array.from(model.tokenIds(word));
      // An emoji, say, has none.
      return tokens.length === 0 ? 0 : Math.min(...tokens.map((token) => textsWith.get(token) ?? 0)) / words;
    },
    notEnglish: shareNotEnglish(texts),
    vocabulary: readVocabulary(rows),
  };
}

function shareNotEnglish(texts: readonly string[]): number {
  let [letters, others] = [0, 0];
  for (const text of texts) {
    letters += text.length;
    if (!isEnglish(text)) others += text.length;
  }
  return letters === 0 ? 0 : others / letters;
}
