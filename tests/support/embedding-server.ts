// A real HTTP server that speaks /v1/embeddings and /v1/models, and misbehaves on command. Also used by the
// benches. Its vectors are those of pseudo-embedding.ts, so that searching makes sense.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { preparedVectors, pseudoEmbedding } from "./pseudo-embedding.ts";
import { type EmbeddingBody, type Personality, type PersonalityName, personalities } from "./server-personalities.ts";

export interface EmbeddingServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  readonly dimensions?: number;
  /** The name it answers with. */
  readonly model?: string;
  /** What /v1/models lists; default: the model. `null`: the route does not exist. */
  readonly models?: readonly string[] | null;
  /** Per request, and on top of it per text. */
  readonly latencyMs?: number;
  readonly latencyPerTextMs?: number;
  /** Further requests wait, as in a model server that computes one at a time. */
  readonly parallelLimit?: number;
  /** Prepared vectors that mean nothing, as fast as can be. */
  readonly instant?: boolean;
  /** Requests without it get a 401. */
  readonly apiKey?: string;
  /** A server of this kind, with its ways and limits. */
  readonly personality?: PersonalityName;
  /** Something else than a model server: it answers every request with this. */
  readonly everywhere?: { readonly body: string; readonly type: string };
}

export type Misbehaviour =
  /** Correct vectors in a form that a client may not expect. */
  | "floats"
  | "reversed"
  | "refuse-base64"
  | "no-index"
  /** Wrong answers with status 200. */
  | "duplicate-index"
  | "too-few"
  | "too-many"
  | { readonly vectors: "nan" | "zero" | "short" | "ragged"; readonly of?: (text: string) => boolean }
  /** Right in form: each text gets its neighbour's vector, all get one, or another model's of the same length and name. */
  | "shuffled"
  | "constant"
  | "swapped-model"
  | { readonly model: string; readonly dimensions?: number }
  | "malformed-json"
  | "html"
  | { readonly body: unknown }
  /** No answer, or half of one. */
  | "hang"
  | "hang-mid-body"
  | "reset"
  | "reset-mid-body"
  | { readonly status: number; readonly says?: unknown; readonly headers?: Record<string, string> };

export interface EmbeddingRequest {
  readonly texts: number;
  readonly model: string;
  readonly encoding: string;
  readonly dimensions: number | undefined;
  readonly inputType: string | undefined;
  readonly authorization: string | undefined;
  /** As it counts them when it answers. */
  readonly tokens: number;
}

export interface EmbeddingServer {
  /** Ends in /v1. */
  readonly url: string;
  /** Of the embedding requests so far. */
  readonly requests: readonly EmbeddingRequest[];
  readonly lastTexts: readonly string[];
  /** Most requests under way at once. */
  readonly maxParallel: number;
  /** For the next `times` requests (default: all) whose texts satisfy `when`. @returns how to stop it */
  misbehave(how: Misbehaviour, limits?: { times?: number; when?: (texts: readonly string[]) => boolean }): () => void;
  /** Resolves once this many embedding requests have arrived. */
  received(count: number): Promise<void>;
  close(): Promise<void>;
}

interface Fault {
  readonly how: Misbehaviour;
  readonly when: (texts: readonly string[]) => boolean;
  left: number;
}

export async function startEmbeddingServer(options: EmbeddingServerOptions = {}): Promise<EmbeddingServer> {
  const { dimensions = 64, model = "test-embed", models = [model], parallelLimit = Number.POSITIVE_INFINITY } = options;
  const personality: Personality = options.personality ? personalities[options.personality] : {};
  const { path = "/v1/embeddings", keyHeader = "authorization" } = personality;
  const faults = new Set<Fault>();
  const requests: EmbeddingRequest[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const queue: (() => void)[] = [];
  const base64Of = options.instant ? preparedVectors(dimensions) : undefined;
  let lastTexts: readonly string[] = [];
  let underWay = 0;
  let computing = 0;
  let maxParallel = 0;

  async function embeddings(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await readText(request)) as EmbeddingBody;
    const { input: texts, encoding_format: encoding = "float" } = body;
    lastTexts = texts;
    requests.push({
      texts: texts.length,
      model: body.model,
      encoding: body.encoding_format ?? "unset",
      dimensions: body.dimensions,
      inputType: body.input_type,
      authorization: request.headers.authorization,
      tokens: tokensOf(texts),
    });
    for (const waiter of waiting) if (requests.length >= waiter.count) waiter.resolve();
    const latencyMs = (options.latencyMs ?? 0) + (options.latencyPerTextMs ?? 0) * texts.length;
    if (computing >= parallelLimit) await new Promise<void>((resolve) => queue.push(resolve));
    computing += 1;
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    computing -= 1;
    queue.shift()?.();
    if (base64Of && encoding === "base64" && faults.size === 0) {
      const data = texts.map((text, index) => `{"index":${index},"embedding":"${base64Of(text)}"}`);
      send(response, { body: `{"object":"list","model":"${model}","data":[${data.join(",")}]}` });
      return;
    }
    const how = takeFault(texts);
    const refusal = how === undefined ? personality.refuse?.(body) : undefined;
    send(response, refusal ?? reply(body, how));
  }

  function takeFault(texts: readonly string[]): Misbehaviour | undefined {
    for (const fault of faults) {
      if (!fault.when(texts)) continue;
      fault.left -= 1;
      if (fault.left === 0) faults.delete(fault);
      return fault.how;
    }
    return undefined;
  }

  function reply(asked: EmbeddingBody, how: Misbehaviour | undefined): Reply {
    const { input: texts, encoding_format: encoding = "float" } = asked;
    const length = asked.dimensions ?? asked.output_dimension ?? dimensions;
    if (how === "hang" || how === "reset") return { end: how };
    if (how === "malformed-json") return { body: '{"object":"list","data":[{"index":0,"embedd' };
    if (how === "html") return { type: "text/html", body: "<html><body><h1>It works!</h1></body></html>" };
    if (how === "refuse-base64" && encoding === "base64") {
      return { status: 400, body: { error: { message: "encoding_format must be 'float'" } } };
    }
    if (typeof how === "object" && "status" in how) {
      const { status, says = { error: { message: "on command" } }, headers = {} } = how;
      return { status, body: says, headers };
    }
    if (typeof how === "object" && "body" in how) return { body: how.body };

    const other = typeof how === "object" && "model" in how ? how : undefined;
    const spoilt = typeof how === "object" && "vectors" in how ? how : undefined;
    const vectors = texts.map((own, i) => {
      const text = how === "shuffled" ? (texts[(i + 1) % texts.length] ?? own) : how === "constant" ? "constant" : own;
      const marked = personality.mark?.(text, asked) ?? text;
      const vector = pseudoEmbedding(marked, other?.dimensions ?? length);
      if (how === "swapped-model") return vector.toReversed();
      return spoilt && (spoilt.of?.(text) ?? true) ? spoil(vector, spoilt.vectors, i) : vector;
    });
    const data: object[] = vectors.map((vector, place) => {
      const embedding = encoding === "base64" && how !== "floats" ? base64(vector) : Array.from(vector);
      const index = how === "duplicate-index" ? 1 : place;
      const entry =
        how === "no-index" ? { embedding } : (personality.shape?.({ index, embedding }) ?? { index, embedding });
      return { object: "embedding", ...entry };
    });
    if (how === "reversed") data.reverse();
    if (how === "too-few") data.pop();
    if (how === "too-many") data.push({ ...data[0], index: data.length });
    const tokens = tokensOf(texts);
    const body = {
      object: "list",
      model: other?.model ?? model,
      data,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
    if (how === "reset-mid-body") return { body, end: "reset" };
    return how === "hang-mid-body" ? { body, end: "hang" } : { body };
  }

  const server = createServer((request, response) => {
    underWay += 1;
    maxParallel = Math.max(maxParallel, underWay);
    response.on("close", () => {
      underWay -= 1;
    });
    const key = request.headers[keyHeader];
    if (options.everywhere) send(response, options.everywhere);
    else if (
      options.apiKey !== undefined &&
      key !== (keyHeader === "authorization" ? `Bearer ${options.apiKey}` : options.apiKey)
    ) {
      send(response, { status: 401, body: { error: { message: `Incorrect API key provided: ${String(key)}` } } });
    } else if (request.url === "/v1/models" && models) {
      send(response, { status: 200, body: { object: "list", data: models.map((id) => ({ id, object: "model" })) } });
    } else if (request.url === path && request.method === "POST") {
      embeddings(request, response).catch((thrown: unknown) => {
        send(response, { status: 500, body: { error: String(thrown) } });
      });
    } else {
      send(response, {
        status: 404,
        body: { error: `Unexpected endpoint or method. (${request.method} ${request.url})` },
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    get lastTexts() {
      return lastTexts;
    },
    get maxParallel() {
      return maxParallel;
    },
    misbehave(how, { times = Number.POSITIVE_INFINITY, when = () => true } = {}) {
      const fault: Fault = { how, when, left: times };
      faults.add(fault);
      return () => void faults.delete(fault);
    },
    async received(count) {
      if (requests.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }));
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function tokensOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
}

function spoil(vector: Float32Array, how: "nan" | "zero" | "short" | "ragged", place: number): Float32Array {
  if (how === "nan") return vector.with(0, Number.NaN);
  if (how === "zero") return vector.fill(0);
  return how === "short" || place === 0 ? vector.slice(1) : vector;
}

function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}

interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Half of the body is sent, then nothing happens or the connection breaks. */
  readonly end?: "hang" | "reset";
}

function send(response: ServerResponse, { status = 200, type = "application/json", body, headers, end }: Reply): void {
  if (body === undefined) {
    if (end === "reset") response.socket?.resetAndDestroy();
    return;
  }
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text), ...headers });
  if (end === undefined) response.end(text);
  else {
    response.write(text.slice(0, text.length / 2), () => {
      if (end === "reset") response.socket?.resetAndDestroy();
    });
  }
}
