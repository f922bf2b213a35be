// The simplest embedder there is, for tests that look at what is asked of it.

import type { Embedder } from "../../src/ports/embedder.ts";

/** An embedder of one dimension. @param onRequest may throw */
export function testEmbedder(
  onRequest: (texts: readonly string[]) => void | Promise<void> = () => {},
  limits: Partial<Embedder["limits"]> = {},
): Embedder {
  return {
    space: { modelId: "test", dimensions: 1, fingerprint: "test-1" },
    limits: { textsPerRequest: 100, tokensPerText: 500, tokensPerRequest: 50_000, parallelRequests: 1, ...limits },
    async embed(texts) {
      await onRequest(texts);
      return texts.map(() => Float32Array.of(1));
    },
    async close() {},
  };
}
