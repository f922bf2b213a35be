// A bot process without Discord, put together by the same services.ts as the real one, on a folder that a bench made.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createBuiltinEmbedder } from "../src/adapters/builtin-model/index.ts";
import { loadStaticModel } from "../src/adapters/builtin-model/model.ts";
import type { StaticModel } from "../src/adapters/builtin-model/static-model.ts";
import { createOpenAiEmbedder } from "../src/adapters/openai/index.ts";
import { createSystemProbe, systemClock } from "../src/adapters/system.ts";
import { defaultSettings } from "../src/app/indexing-services.ts";
import { createServices } from "../src/app/services.ts";
import { openStores } from "../src/app/stores.ts";
import type { StoresConfig } from "../src/app/stores-config.ts";
import type { Run } from "../src/backfill/run/run.ts";
import type { Embedder } from "../src/ports/embedder.ts";
import type { Logger } from "../src/ports/logger.ts";
import type { VectorIndex } from "../src/ports/vector-index.ts";
import { DIMENSIONS, type EmbedderName, MODEL, serverProfiles } from "./server-profiles.ts";
import { withoutDiscord } from "./without-discord.ts";

export const MODEL_FOLDER = fileURLToPath(new URL("../models/backscroll-static", import.meta.url));
export const ADMIN_CHANNEL = "77";
/** A bench machine may have less free than a bot should. */
export const BENCH_DISK_LOW_BYTES = 500e6;

export interface EmbedderChoice {
  readonly embedder: EmbedderName;
  /** Where the embedding servers are. */
  readonly serverUrl: string;
}

export async function openEmbedder({ embedder, serverUrl }: EmbedderChoice, model?: StaticModel): Promise<Embedder> {
  if (embedder === "builtIn")
    return await createBuiltinEmbedder({ model: model ?? (await loadStaticModel(MODEL_FOLDER)) });
  const { parallelRequests } = serverProfiles[embedder];
  return createOpenAiEmbedder(
    { baseUrl: `${serverUrl}/${embedder}/v1`, model: MODEL, requestTimeoutMs: 60_000, parallelRequests },
    { modelId: MODEL, answersAs: MODEL, dimensions: DIMENSIONS },
  );
}

export const archiveFile = (folder: string) => join(folder, "archive.sqlite");
export const indexFolder = (folder: string) => join(folder, "index");

export interface SetupOptions extends EmbedderChoice {
  readonly folder: string;
  /** On remote engines instead. */
  readonly stores?: StoresConfig;
  /** Each run as it is stored. */
  onRunStored?(run: Run): void;
  onLog?(event: string, fields?: Record<string, unknown>): void;
  /** Each time it asks the archive for, or prolongs, what it owns. */
  onOwnerCall?(): void;
  /** What the setup sees as its index. */
  wrapIndex?(index: VectorIndex): VectorIndex;
}

export async function openSetup(options: SetupOptions) {
  const { folder, onRunStored, wrapIndex = (index) => index } = options;
  const logger = listeningLogger(options.onLog);
  const opened = await openStores(options.stores ?? { dataDir: folder }, logger);
  const { runStore, indexStore, owners } = opened;
  const wordModel = await loadStaticModel(MODEL_FOLDER);
  const embedder = await openEmbedder(options, wordModel);
  const core = createServices({
    stores: {
      ...opened,
      runStore: {
        ...runStore,
        async save(guildId, run, expected, guard) {
          const saved = await runStore.save(guildId, run, expected, guard);
          if (typeof saved === "object") onRunStored?.(run);
          return saved;
        },
      },
      owners: {
        ...owners,
        beat(...given) {
          options.onOwnerCall?.();
          return owners.beat(...given);
        },
        take(...given) {
          options.onOwnerCall?.();
          return owners.take(...given);
        },
      },
      indexStore: { ...indexStore, open: async (guildId, space) => wrapIndex(await indexStore.open(guildId, space)) },
    },
    settings: { ...defaultSettings, thresholds: { ...defaultSettings.thresholds, diskLowBytes: BENCH_DISK_LOW_BYTES } },
    embedder,
    wordModel,
    discord: withoutDiscord,
    system: createSystemProbe(folder),
    holder: `bench ${process.pid}`,
    clock: systemClock,
    logger,
  });
  return {
    archive: opened.archive,
    runStore,
    indexStore,
    embedder,
    core,
    async close() {
      await core.stop();
      await opened.close();
    },
  };
}

/** Warnings and errors are the bench's business; a run that fails must not pass for a slow one. */
export function listeningLogger(onLog: SetupOptions["onLog"] = () => {}): Logger {
  const loudly = (event: string, fields?: Record<string, unknown>) => {
    console.error(`  ${event} ${JSON.stringify(fields ?? {})}`);
    onLog(event, fields);
  };
  return { debug: onLog, info: onLog, warn: loudly, error: loudly };
}
