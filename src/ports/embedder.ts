// What turns texts into vectors.

export interface EmbeddingSpace {
  /** As people know it, e.g. "nomic-embed-text" or "backscroll-static". */
  readonly modelId: string;
  readonly dimensions: number;
  /** Short, file-name-safe identity of model, dimensions and prefixes. Vectors of different fingerprints never meet. */
  readonly fingerprint: string;
}

/** Turns texts into vectors. Implementations: an OpenAI-compatible server, the built-in model. */
export interface Embedder {
  /** Known after the first successful `embed` at the latest; `probe()` settles it. */
  readonly space: EmbeddingSpace;
  readonly limits: {
    readonly textsPerRequest: number;
    readonly tokensPerText: number;
    readonly tokensPerRequest: number;
    readonly parallelRequests: number;
  };
  /**
   * @returns one unit-length Float32Array of `space.dimensions` per text, in the order given
   * @throws TransientError when the server cannot answer now (with retryAfterMs if it said so)
   * @throws RejectedInputError when these texts themselves are refused
   */
  embed(texts: readonly string[], use: "document" | "query", signal?: AbortSignal): Promise<Float32Array[]>;
  close(): Promise<void>;
}
