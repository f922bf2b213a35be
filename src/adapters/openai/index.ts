// Any OpenAI-compatible embedding server (LM Studio, Ollama, vLLM, OpenAI) as an Embedder. Nothing here retries: the engine does.

import { createHash } from "node:crypto";
import { RejectedInputError, TransientError, UserError } from "../../errors.ts";
import type { Embedder } from "../../ports/embedder.ts";
import type { Logger } from "../../ports/logger.ts";
import { parseServerAddress } from "./address.ts";
import type { Answer } from "./answer.ts";
import { TooManyTextsError } from "./faults.ts";
import { looksLikeEmbeddingModel, namesResemble, plainModelName, traitsOf } from "./known-models.ts";
import { createServer, type Server } from "./server.ts";

export interface OpenAiOptions {
  /** E.g. "http://localhost:1234/v1". */
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** Left out: the server's only model, or the first that looks like an embedding model. */
  readonly model?: string;
  /** Asks for vectors of this length, where the model can shorten them. */
  readonly dimensions?: number;
  /** Override what is known of the model. */
  readonly documentPrefix?: string;
  readonly queryPrefix?: string;
  readonly requestTimeoutMs: number;
  /** Default: 1 on a local server (parallel requests have crashed LM Studio), 4 on a remote one. */
  readonly parallelRequests?: number;
  readonly textsPerRequest?: number;
  readonly logger?: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What a probe found out. Plain data: kept between boots, it lets the bot start while the server is down. */
export interface ServedModel {
  /** What requests ask for. */
  readonly modelId: string;
  /** What the server calls the model in its answers; empty when it does not say. */
  readonly answersAs: string;
  readonly dimensions: number;
}

const DEFAULT_TEXTS_PER_REQUEST = 256;
/** OpenAI allows 300,000: https://platform.openai.com/docs/api-reference/embeddings/create */
const TOKENS_PER_REQUEST = { local: 32_768, remote: 200_000 };
const PROBE_TEXT = "Which model is this, and how long are its vectors?";

/**
 * Asks the server which model it serves and how long its vectors are.
 * @throws TransientError when it cannot tell now: try again later
 * @throws UserError when the address or the key cannot be used at all
 */
export async function probeOpenAiServer(options: OpenAiOptions, signal?: AbortSignal): Promise<ServedModel> {
  const { server, where } = connect(options);
  try {
    const modelId = options.model ?? (await chooseModel(server, where, signal));
    const answer = await server.embeddings(modelId, [PROBE_TEXT], signal);
    await checkIdentity(server, where, modelId, answer.modelName, signal);
    if (options.dimensions !== undefined && answer.dimensions !== options.dimensions) {
      throw new TransientError(
        `${where} answers with ${answer.dimensions} numbers instead of ${options.dimensions}: "${modelId}" does not shorten its vectors. Remove that setting.`,
      );
    }
    options.logger?.info("embedder:probed", { modelId, answersAs: answer.modelName, dimensions: answer.dimensions });
    return { modelId, answersAs: answer.modelName, dimensions: answer.dimensions };
  } catch (thrown) {
    if (thrown instanceof RejectedInputError || thrown instanceof TooManyTextsError) {
      throw new TransientError(`${where} refuses even a test sentence: ${thrown.message}`, { cause: thrown });
    }
    throw thrown;
  } finally {
    server.close();
  }
}

/**
 * An embedder on a model that a probe has found, now or on an earlier boot. Does not talk to the server until asked to embed.
 * `embed` fails with the signal's reason when aborted. When the server turns out to take fewer texts per request,
 * `limits.textsPerRequest` shrinks and the request is sent in parts.
 * @throws UserError when the address or the key cannot be used at all
 */
export function createOpenAiEmbedder(options: OpenAiOptions, served: ServedModel): Embedder {
  const { server, where, local } = connect(options);
  const traits = traitsOf(served.modelId, served.answersAs);
  const prefixes = {
    document: options.documentPrefix ?? traits.documentPrefix,
    query: options.queryPrefix ?? traits.queryPrefix,
  };
  const acceptedTexts = options.textsPerRequest ?? DEFAULT_TEXTS_PER_REQUEST;
  let textsPerRequest = acceptedTexts;

  function check(answer: Answer): Float32Array[] {
    const renamed =
      served.answersAs !== "" &&
      answer.modelName !== "" &&
      plainModelName(answer.modelName) !== plainModelName(served.answersAs);
    if (renamed || answer.dimensions !== served.dimensions) {
      throw anotherModel(
        where,
        `"${served.answersAs || served.modelId}" (${served.dimensions} numbers)`,
        `"${answer.modelName || "unnamed"}" (${answer.dimensions} numbers)`,
      );
    }
    return answer.vectors;
  }

  /** In one request, or in as many as the server turns out to need. */
  async function embedAll(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    while (vectors.length < texts.length) {
      const part = texts.slice(vectors.length, vectors.length + textsPerRequest);
      try {
        vectors.push(...check(await server.embeddings(served.modelId, part, signal)));
      } catch (thrown) {
        if (!(thrown instanceof TooManyTextsError)) throw thrown;
        if (part.length === 1) throw new TransientError(`${where} takes no texts at all.`, { cause: thrown });
        textsPerRequest = Math.min(textsPerRequest, part.length - 1, thrown.limit ?? Math.ceil(part.length / 2));
        options.logger?.info("embedder:request-limit", { textsPerRequest });
      }
    }
    return vectors;
  }

  const tokensPerRequest = local ? TOKENS_PER_REQUEST.local : TOKENS_PER_REQUEST.remote;
  const parallelRequests = options.parallelRequests ?? (local ? 1 : 4);
  return {
    space: {
      modelId: served.modelId,
      dimensions: served.dimensions,
      fingerprint: fingerprint(served, prefixes),
    },
    settings: {
      kind: "server",
      baseUrl: options.baseUrl,
      modelId: served.modelId,
      answersAs: served.answersAs,
      length: served.dimensions,
      ...(options.dimensions === undefined ? {} : { dimensions: options.dimensions }),
      documentPrefix: prefixes.document,
      queryPrefix: prefixes.query,
    },
    limits: {
      get textsPerRequest() {
        return textsPerRequest;
      },
      tokensPerText: traits.tokensPerText,
      tokensPerRequest,
      parallelRequests,
    },
    async embed(texts, use, signal) {
      signal?.throwIfAborted();
      if (texts.length === 0) return [];
      // Not the shrunken limit: the caller may have cut its batch before that was known.
      if (texts.length > acceptedTexts) {
        throw new Error(`${texts.length} texts in one request; limits.textsPerRequest is ${textsPerRequest}`);
      }
      const prefix = prefixes[use];
      return embedAll(prefix === "" ? texts : texts.map((text) => prefix + text), signal);
    },
    async close() {
      server.close();
    },
  };
}

function connect(options: OpenAiOptions): { server: Server; where: string; local: boolean } {
  const { baseUrl, host, local } = parseServerAddress(options.baseUrl);
  const apiKey = options.apiKey?.trim() || undefined;
  if (apiKey && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new UserError("The embedding server's API key has characters that no key has. Copy it again.");
  }
  const where = `The embedding server at ${host}`;
  const { dimensions, requestTimeoutMs, now = Date.now } = options;
  return { server: createServer({ baseUrl, where, apiKey, dimensions, requestTimeoutMs, now }), where, local };
}

async function chooseModel(server: Server, where: string, signal: AbortSignal | undefined): Promise<string> {
  const names = await server.modelNames(signal);
  const chosen = names.length === 1 ? names[0] : names.find(looksLikeEmbeddingModel);
  if (chosen !== undefined) return chosen;
  throw new TransientError(
    names.length === 0
      ? `${where} has no model loaded. Load an embedding model, or name the one to use (EMBEDDINGS_MODEL).`
      : `${where} offers no model that looks like an embedding model. Name the one to use (EMBEDDINGS_MODEL); it has: ${names.slice(0, 20).join(", ")}.`,
  );
}

/**
 * LM Studio answers with whichever model is loaded; gateways answer with the name behind an alias, which they do not list. So it is
 * another model when the server itself offers it under the name it answers with.
 */
async function checkIdentity(
  server: Server,
  where: string,
  asked: string,
  answers: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (answers === "" || namesResemble(asked, answers)) return;
  let names: string[];
  try {
    names = await server.modelNames(signal);
  } catch (thrown) {
    signal?.throwIfAborted();
    // A server that cannot list its models has one: the name is an alias.
    if (thrown instanceof TransientError) return;
    throw thrown;
  }
  if (names.some((name) => plainModelName(name) === plainModelName(answers))) {
    throw anotherModel(where, `"${asked}"`, `"${answers}"`);
  }
}

function anotherModel(where: string, expected: string, actual: string): TransientError {
  return new TransientError(
    `${where}: another model answers, ${actual} instead of ${expected}. Load that one, or name the other (EMBEDDINGS_MODEL) to index with it.`,
  );
}

/** Quantisations and tags of one model share a space; other prefixes or lengths do not. */
function fingerprint(served: ServedModel, prefixes: { document: string; query: string }): string {
  const name = plainModelName(served.modelId);
  const parts = [name, served.dimensions, prefixes.document, prefixes.query];
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8);
  const slug = name
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
  return `${slug}-${served.dimensions}-${hash}`;
}
