// What turns texts into vectors.

export interface EmbeddingSpace {
  /** As people know it, e.g. "nomic-embed-text" or "backscroll-static". */
  readonly modelId: string;
  readonly dimensions: number;
  /** Short, file-name-safe identity of model, dimensions and prefixes. Vectors of different fingerprints never meet. */
  readonly fingerprint: string;
  /**
   * The mean cosine of a query and texts that have nothing to do with it, where that is well above 0: the vectors of some models all
   * lie close together. Undefined: unrelated texts are about at 0.
   */
  readonly unrelatedCosine?: number | undefined;
}

/**
 * How to reach an embedder again, for as long as an index of its vectors is searched. Never with keys. `unknown`: of an index that an
 * earlier version left.
 */
export type EmbedderSettings =
  | { readonly kind: "built-in" | "unknown" }
  | {
      readonly kind: "server";
      readonly baseUrl: string;
      readonly modelId: string;
      /** What the server calls the model in its answers. */
      readonly answersAs: string;
      /** Numbers in a vector. */
      readonly length: number;
      /** Asked for, of a model that can shorten its vectors. */
      readonly dimensions?: number | undefined;
      readonly documentPrefix: string;
      readonly queryPrefix: string;
      /** The fields that it wants, in the adapter's words. Left out: the usual ones. */
      readonly form?:
        | { readonly encoding: string; readonly inputType: string; readonly lengthField?: string | undefined }
        | undefined;
    };

/** Embeds what somebody searches for. @throws when the embedder cannot answer */
export type EmbedQuery = (text: string, signal: AbortSignal) => Promise<Float32Array>;

/** A server's limit in so many requests or tokens, and what is left of it. */
export interface Quota {
  readonly limit: number;
  readonly remaining: number;
  /** Until all of it is there again. Milliseconds; undefined when the server does not say. */
  readonly resetMs?: number | undefined;
}

export interface Quotas {
  readonly requests?: Quota | undefined;
  readonly tokens?: Quota | undefined;
}

/** What an answered request tells beside the vectors. */
export interface Receipt {
  /** As the server counted them in the texts; undefined when it does not. */
  readonly tokens: number | undefined;
  readonly quotas: Quotas;
}

/** Turns texts into vectors. Implementations: an OpenAI-compatible server, the built-in model. */
export interface Embedder {
  /** Known after the first successful `embed` at the latest; `probe()` settles it. */
  readonly space: EmbeddingSpace;
  /** Default: unknown, so that an index of its vectors answers by words once another embedder is in use. */
  readonly settings?: EmbedderSettings;
  readonly limits: {
    readonly textsPerRequest: number;
    readonly tokensPerText: number;
    readonly tokensPerRequest: number;
    readonly parallelRequests: number;
    /** As they were set; undefined: as receipts tell, or none. */
    readonly requestsPerMinute?: number | undefined;
    readonly tokensPerMinute?: number | undefined;
  };
  /** The host that texts are sent to; undefined: they stay on this machine, or in its private network. */
  readonly sendsTextsTo?: string | undefined;
  /** What a million tokens cost, in US dollars. Undefined: nothing, or it is not known. */
  readonly dollarsPerMillion?: number | undefined;
  /**
   * @param onReceipt called for each request that was answered: one, or several where a server takes little at once
   * @returns one unit-length Float32Array of `space.dimensions` per text, in the order given
   * @throws TransientError when the server cannot answer now (with retryAfterMs if it said so)
   * @throws RejectedInputError when these texts themselves are refused
   */
  embed(
    texts: readonly string[],
    use: "document" | "query",
    signal?: AbortSignal,
    onReceipt?: (receipt: Receipt) => void,
  ): Promise<Float32Array[]>;
  close(): Promise<void>;
}
