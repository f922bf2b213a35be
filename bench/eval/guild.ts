// A judged set as a server of the bot's: its messages go into an archive, the backfill engine fills the index, and the search that
// members use answers. Only Discord is absent. One archive serves several text recipes; each has an index of its own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import { createSystemProbe, systemClock } from "../../src/adapters/system.ts";
import { defaultSettings } from "../../src/app/indexing-services.ts";
import { type Core, createServices } from "../../src/app/services.ts";
import { runSchema, totals } from "../../src/backfill/run/run.ts";
import { formatFingerprint, type TextRecipe } from "../../src/indexing/text/prepare.ts";
import { knownContext, prepareRecords } from "../../src/indexing/text/rows.ts";
import type { Archive } from "../../src/ports/archive.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import type { IndexStore, VectorIndex } from "../../src/ports/vector-index.ts";
import type { WordModel } from "../../src/search/late-interaction.ts";
import type { Search } from "../../src/search/search.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE } from "../../src/snowflake.ts";
import { checkText } from "../../src/views/health.ts";
import { reasonText } from "../../src/views/reasons.ts";
import { withoutDiscord } from "../without-discord.ts";
import type { JudgedSet } from "./judged-set.ts";

export const GUILD = "900000000000000001";
const ADMIN_CHANNEL = "77";
const RECORDS_PER_SAVE = 2_000;

export interface IndexedGuild {
  readonly index: VectorIndex;
  readonly search: Search;
}

export interface EvaluatedGuild {
  /** Backfills an index with texts made this way, and lets `work` use it. */
  withIndex<Result>(recipe: TextRecipe, work: (guild: IndexedGuild) => Promise<Result>): Promise<Result>;
  /** Whether the two recipes make other texts of at least one message. */
  differs(one: TextRecipe, other: TextRecipe): Promise<boolean>;
  close(): Promise<void>;
}

export interface GuildParts {
  /** Not closed here. */
  readonly embedder: Embedder;
  readonly wordModel: WordModel;
  readonly logger: Logger;
}

export async function openGuild(set: JudgedSet, parts: GuildParts): Promise<EvaluatedGuild> {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-eval-"));
  const opened = await openArchive({ location: join(folder, "archive.sqlite"), logger: parts.logger });
  const indexStore = await createIndexStore(join(folder, "index"));
  await save(opened.archive, set);
  const embedder = rememberingDocuments(parts.embedder);

  const openCore = (textRecipe: TextRecipe) =>
    createServices({
      stores: { ...opened, runStore: opened.runStore((value) => runSchema.parse(value)), indexStore },
      settings: {
        ...defaultSettings,
        thresholds: { ...defaultSettings.thresholds, diskLowBytes: 0, slowEmbeddingMs: Number.POSITIVE_INFINITY },
        textRecipe,
      },
      embedder,
      wordModel: parts.wordModel,
      discord: withoutDiscord,
      system: createSystemProbe(folder),
      holder: "evaluation",
      clock: systemClock,
      logger: parts.logger,
    });

  return {
    async withIndex(recipe, work) {
      const core = openCore(recipe);
      try {
        await core.enter(GUILD);
        await backfill(core);
        return await work({ index: await openIndex(indexStore, embedder, recipe), search: core.search });
      } finally {
        await core.stop();
      }
    },
    async differs(one, other) {
      const [texts, otherTexts] = await Promise.all([one, other].map((recipe) => textsOf(opened.archive, set, recipe)));
      return JSON.stringify(texts) !== JSON.stringify(otherTexts);
    },
    async close() {
      await indexStore.close();
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function textsOf(archive: Archive, { records }: JudgedSet, recipe: TextRecipe): Promise<string[]> {
  const newestFirst = [...records].sort((one, other) => compareSnowflakes(other.id, one.id));
  const stored = newestFirst.map((record) => ({ record, contentHash: "" }));
  const prepared = await prepareRecords(archive, GUILD, stored, recipe, knownContext(stored, FIRST_SNOWFLAKE));
  return prepared.flatMap(({ chunks }) => chunks.flatMap(({ embeddedText, searchText }) => [embeddedText, searchText]));
}

async function save(archive: Archive, set: JudgedSet): Promise<void> {
  await archive.saveChannels(GUILD, set.channels);
  const records: readonly ArchivedRecord[] = set.records;
  for (let start = 0; start < records.length; start += RECORDS_PER_SAVE) {
    await archive.save(GUILD, records.slice(start, start + RECORDS_PER_SAVE), { pending: false });
  }
}

/** @throws Error when the run did not embed everything there is to embed */
async function backfill({ engine }: Core): Promise<void> {
  const options = { pace: "full", source: "archive", adminChannelId: ADMIN_CHANNEL, startedBy: "1" } as const;
  const started = await engine.start(GUILD, options);
  if (started.outcome === "refused") {
    const failed = started.analysis.preflight.filter(({ ok }) => !ok).map(checkText);
    throw new Error(`the backfill does not start: ${failed.join("; ")}`);
  }
  await engine.done(GUILD);
  const { run } = await engine.status(GUILD);
  const left = run && totals(run).quarantined;
  if (run?.status !== "succeeded" || left !== 0) {
    throw new Error(
      `the backfill ended as ${run?.status} (${run && reasonText(run.reason, "/backfill")}), ${left} records could not be embedded`,
    );
  }
}

/** The store hands out the index that the core has open. */
async function openIndex(store: IndexStore, { space }: Embedder, recipe: TextRecipe): Promise<VectorIndex> {
  const fingerprint = `${space.fingerprint}-${formatFingerprint(recipe, store.columns)}`;
  return store.open(GUILD, { ...space, fingerprint });
}

/** Recipes share most of their texts: a server embeds each text once. Queries are embedded anew, as their time counts. */
function rememberingDocuments(embedder: Embedder): Embedder {
  const known = new Map<string, Float32Array>();
  return {
    space: embedder.space,
    limits: embedder.limits,
    async embed(texts, use, signal) {
      if (use === "query") return embedder.embed(texts, use, signal);
      const unknown = [...new Set(texts)].filter((text) => !known.has(text));
      const vectors = unknown.length > 0 ? await embedder.embed(unknown, use, signal) : [];
      unknown.forEach((text, place) => {
        const vector = vectors[place];
        if (vector !== undefined) known.set(text, vector);
      });
      return texts.map((text) => known.get(text) ?? new Float32Array());
    },
    close: async () => {},
  };
}
