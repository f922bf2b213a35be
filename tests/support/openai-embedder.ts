// Opens misbehaving servers and embedders on them for one test, and closes them after it.

import { afterEach } from "vitest";
import { createOpenAiEmbedder, type OpenAiOptions, type ServedModel } from "../../src/adapters/openai/index.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import { type EmbeddingServer, type EmbeddingServerOptions, startEmbeddingServer } from "./embedding-server.ts";

/** Closed after each test, last first. */
export const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

export async function serve(options: EmbeddingServerOptions = {}): Promise<EmbeddingServer> {
  const server = await startEmbeddingServer(options);
  open.push(server);
  return server;
}

export function optionsFor(server: EmbeddingServer, more: Partial<OpenAiOptions> = {}): OpenAiOptions {
  return { baseUrl: server.url, requestTimeoutMs: 5000, ...more };
}

export const TEST_EMBED: ServedModel = { modelId: "test-embed", answersAs: "test-embed", dimensions: 64 };

export function embedderOn(server: EmbeddingServer, more: Partial<OpenAiOptions> = {}, served = TEST_EMBED): Embedder {
  const embedder = createOpenAiEmbedder(optionsFor(server, more), served);
  open.push(embedder);
  return embedder;
}

export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const outcome: unknown = await promise.then(
    () => "it succeeded",
    (thrown: unknown) => thrown,
  );
  if (!(outcome instanceof Error)) throw new Error(`expected a failure, but ${String(outcome)}`);
  return outcome;
}
