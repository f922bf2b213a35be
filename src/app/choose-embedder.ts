// Chooses the embedder: the configured server, or the built-in model. A server that has answered once is remembered, so that
// the bot starts while it is down.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { createBuiltinEmbedder } from "../adapters/builtin-model/index.ts";
import type { StaticModel } from "../adapters/builtin-model/static-model.ts";
import {
  createOpenAiEmbedder,
  type OpenAiOptions,
  probeOpenAiServer,
  type ServedModel,
} from "../adapters/openai/index.ts";
import { TransientError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Embedder, EmbedderSettings } from "../ports/embedder.ts";
import type { Logger } from "../ports/logger.ts";
import type { EmbeddingsConfig } from "./config.ts";

const RETRY_MS = 5_000;
const DEFAULT_TIMEOUT_MS = 60_000;
/** Only queries are sent to it, and people wait for them. */
const FORMER_TIMEOUT_MS = 5_000;

/** An embedding server: where it is, and whatever else is known of it. */
export type EmbeddingServer = Pick<EmbeddingsConfig, "baseUrl"> & Partial<EmbeddingsConfig>;

const servedSchema = z.object({ modelId: z.string(), answersAs: z.string(), dimensions: z.int().positive() });
const rememberedSchema = z.record(z.string(), servedSchema);

export interface EmbedderParts {
  /** Undefined: the built-in model. */
  readonly embeddings: EmbeddingServer | undefined;
  readonly builtinModel: StaticModel;
  /** Where served models are remembered. */
  readonly memoryFile: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with the reason while a server that has never answered is waited for. */
  onWaiting(reason: string): void;
}

/**
 * Resolves as soon as it is known which vectors there will be: at once for the built-in model and for a server that has answered
 * before; otherwise when the server answers for the first time.
 * @returns undefined when it was stopped before
 * @throws UserError when the settings cannot be used at all
 */
export async function connectEmbedder(parts: EmbedderParts, stop: AbortSignal): Promise<Embedder | undefined> {
  const { embeddings, logger, clock } = parts;
  if (embeddings === undefined) return createBuiltinEmbedder({ model: parts.builtinModel });
  const options = toOptions(embeddings, logger, clock);
  const { baseUrl, model = "", dimensions = "" } = embeddings;
  const key = `${baseUrl} ${model} ${dimensions}`.trimEnd();
  const remembered = await readMemory(parts.memoryFile);
  const known = remembered[key];
  while (!stop.aborted) {
    try {
      const served = await probeOpenAiServer(options, stop);
      await writeMemory(parts.memoryFile, { ...remembered, [key]: served });
      return createOpenAiEmbedder(options, served);
    } catch (thrown) {
      if (stop.aborted) return undefined;
      if (!(thrown instanceof TransientError)) throw thrown;
      if (known !== undefined) {
        logger.warn("embedder:unreachable", { reason: thrown.message });
        return createOpenAiEmbedder(options, known);
      }
      logger.warn("embedder:waiting", { reason: thrown.message });
      parts.onWaiting(thrown.message);
      await clock.sleep(thrown.retryAfterMs ?? RETRY_MS, stop);
    }
  }
  return undefined;
}

/**
 * An embedder that was in use before, for queries. Keys are never remembered: the present one is used where the address is the same.
 * @returns undefined for one that is not a server: the package carries one built-in model
 */
export function connectFormerEmbedder(
  settings: EmbedderSettings,
  present: EmbeddingServer | undefined,
  { clock, logger }: Pick<EmbedderParts, "clock" | "logger">,
): Embedder | undefined {
  if (settings.kind !== "server") return undefined;
  const { baseUrl, dimensions, documentPrefix, queryPrefix, modelId, answersAs } = settings;
  const apiKey = present?.baseUrl === baseUrl ? present.apiKey : undefined;
  const server = { baseUrl, apiKey, dimensions, documentPrefix, queryPrefix, requestTimeoutMs: FORMER_TIMEOUT_MS };
  return createOpenAiEmbedder(toOptions(server, logger, clock), { modelId, answersAs, dimensions: settings.length });
}

function toOptions(config: EmbeddingServer, logger: Logger, clock: Clock): OpenAiOptions {
  const { apiKey, model, dimensions, documentPrefix, queryPrefix, parallelRequests, textsPerRequest } = config;
  return {
    baseUrl: config.baseUrl,
    requestTimeoutMs: config.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    logger,
    now: () => clock.now(),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(model === undefined ? {} : { model }),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(documentPrefix === undefined ? {} : { documentPrefix }),
    ...(queryPrefix === undefined ? {} : { queryPrefix }),
    ...(parallelRequests === undefined ? {} : { parallelRequests }),
    ...(textsPerRequest === undefined ? {} : { textsPerRequest }),
  };
}

async function readMemory(file: string): Promise<Record<string, ServedModel>> {
  try {
    return rememberedSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    // Absent or damaged: then nothing is remembered, and the server is asked.
    return {};
  }
}

async function writeMemory(file: string, memory: Record<string, ServedModel>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // Several processes may share it, and read it at any time.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(memory, null, 2)}\n`);
  await rename(draft, file);
}
