// Chooses the embedder: the configured server, or the built-in model. A server that has answered once is remembered, so that
// the bot starts while it is down.

import { createBuiltinEmbedder } from "../adapters/builtin-model/index.ts";
import type { StaticModel } from "../adapters/builtin-model/static-model.ts";
import {
  createOpenAiEmbedder,
  formIn,
  type OpenAiOptions,
  probeOpenAiServer,
  type ServedModel,
} from "../adapters/openai/index.ts";
import { openServerMemory } from "../adapters/openai/memory.ts";
import { measureUnrelatedCosine } from "../embedding/unrelated-cosine.ts";
import { TransientError, toError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Embedder, EmbedderSettings } from "../ports/embedder.ts";
import type { Logger } from "../ports/logger.ts";
import { agreedModel } from "./agreed-model.ts";
import type { EmbeddingServer } from "./embeddings-settings.ts";

const RETRY_MS = 5_000;
const TELL_EVERY_MS = 60_000;
/** Only queries are sent to it, and people wait for them. */
const FORMER_TIMEOUT_MS = 5_000;

export interface EmbedderParts {
  /** Undefined: the built-in model. */
  readonly embeddings: EmbeddingServer | undefined;
  readonly builtinModel: StaticModel;
  /** Where served models are remembered. */
  readonly memoryFile: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with the reason when the server does not answer: it is waited for if it never has, and counts as down otherwise. */
  onUnreachable(reason: string): void;
}

export interface ConnectedEmbedder {
  readonly embedder: Embedder;
  /** It has answered just now. */
  readonly isUp: boolean;
}

/**
 * Resolves as soon as it is known which vectors there will be: at once for the built-in model and for a server that has answered
 * before; otherwise when the server answers for the first time.
 * @returns undefined when it was stopped before
 * @throws UserError when the settings cannot be used at all
 */
export async function connectEmbedder(parts: EmbedderParts, stop: AbortSignal): Promise<ConnectedEmbedder | undefined> {
  const { embeddings, logger, clock } = parts;
  if (embeddings === undefined) {
    return { embedder: await createBuiltinEmbedder({ model: parts.builtinModel }), isUp: true };
  }
  const memory = await openServerMemory(parts.memoryFile, embeddings, logger);
  const { known } = memory;
  const onLearned = (served: ServedModel) => void memory.remember(served);
  const options = { ...embeddings, logger, now: clock.now, onLearned };
  const waiting = createWaiting(parts);
  while (!stop.aborted) {
    try {
      const probed = await agreedModel(() => probeOpenAiServer(options, stop, known), known);
      const served = { ...probed, unrelatedCosine: await unrelatedCosineOf(probed, known, options, stop) };
      await memory.remember(served);
      waiting.end();
      return { embedder: createOpenAiEmbedder(options, served), isUp: true };
    } catch (thrown) {
      if (stop.aborted) return undefined;
      if (!(thrown instanceof TransientError)) throw thrown;
      if (known !== undefined) {
        logger.warn("embedder:unreachable", { reason: thrown.message });
        parts.onUnreachable(thrown.message);
        return { embedder: createOpenAiEmbedder(options, known), isUp: false };
      }
      await waiting.wait(thrown.message, thrown.retryAfterMs ?? RETRY_MS, stop);
    }
  }
  return undefined;
}

/** Measured once for each model. @returns undefined when that failed: then it is tried again at the next start */
async function unrelatedCosineOf(
  probed: ServedModel,
  known: ServedModel | undefined,
  options: OpenAiOptions,
  stop: AbortSignal,
): Promise<number | undefined> {
  const isKnown = known?.modelId === probed.modelId && known.dimensions === probed.dimensions;
  if (isKnown && known.unrelatedCosine !== undefined) return known.unrelatedCosine;
  const embedder = createOpenAiEmbedder(options, probed);
  try {
    return await measureUnrelatedCosine(embedder, stop);
  } catch (thrown) {
    if (stop.aborted) throw thrown;
    options.logger?.warn("embedder:not-measured", { error: toError(thrown).message });
    return undefined;
  } finally {
    await embedder.close();
  }
}

/** The log tells when the waiting begins and ends, and once a minute that it goes on. */
function createWaiting({ clock, logger, onUnreachable }: EmbedderParts) {
  let startedAt: number | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;

  function tell(reason: string): void {
    const now = clock.elapsed();
    startedAt ??= now;
    if (now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    logger.warn("embedder:waiting", { reason, waitedMs: Math.round(now - startedAt) });
  }

  return {
    async wait(reason: string, ms: number, stop: AbortSignal): Promise<void> {
      onUnreachable(reason);
      tell(reason);
      for (let leftMs = ms; leftMs > 0 && !stop.aborted; leftMs -= TELL_EVERY_MS) {
        await clock.sleep(Math.min(leftMs, TELL_EVERY_MS), stop);
        if (leftMs > TELL_EVERY_MS) tell(reason);
      }
    },
    end(): void {
      if (startedAt === undefined) return;
      logger.info("embedder:waited", { waitedMs: Math.round(clock.elapsed() - startedAt) });
    },
  };
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
  const options = { baseUrl, apiKey, dimensions, documentPrefix, queryPrefix, requestTimeoutMs: FORMER_TIMEOUT_MS };
  const served = { modelId, answersAs, dimensions: settings.length, form: formIn(settings.form) };
  return createOpenAiEmbedder({ ...options, logger, now: clock.now }, served);
}
