import { createServer as createTcpServer } from "node:net";
import { describe, expect, it } from "vitest";
import { probeOpenAiServer } from "../../src/adapters/openai/index.ts";
import { RejectedInputError, TransientError } from "../../src/errors.ts";
import { type Misbehaviour, startEmbeddingServer } from "../support/embedding-server.ts";
import { embedderOn, failureOf, open, serve } from "../support/openai-embedder.ts";

describe("an answer of status 200", () => {
  it("may hold floats although base64 was asked for, which is remembered", async () => {
    const server = await serve();
    const embedder = embedderOn(server);
    const [expected] = await embedder.embed(["hello world"], "document");
    server.misbehave("floats", { times: 1 });
    const [vector] = await embedder.embed(["hello world"], "document");
    expect(vector).toHaveLength(64);
    vector?.forEach((value, i) => {
      expect(value).toBeCloseTo(expected?.[i] ?? Number.NaN, 5);
    });
    await embedder.embed(["hello world"], "document");
    expect(server.requests.map((request) => request.encoding)).toEqual(["base64", "base64", "float"]);
  });

  it("may come in another order, as long as the index is right", async () => {
    const server = await serve();
    const embedder = embedderOn(server);
    const texts = ["one apple", "two pears", "three plums"];
    const expected = await embedder.embed(texts, "document");
    server.misbehave("reversed");
    expect(await embedder.embed(texts, "document")).toEqual(expected);
  });

  it.each<[what: string, how: Misbehaviour, says: string]>([
    ["an index used twice", "duplicate-index", "which vector belongs to which text"],
    [
      "an index that is none",
      { body: { data: [0, 1, "2"].map((index) => ({ index, embedding: [1] })) } },
      "which vector belongs to which text",
    ],
    ["too few vectors", "too-few", "answered 2 vectors for 3 texts"],
    ["too many vectors", "too-many", "answered 4 vectors for 3 texts"],
    ["vectors of different lengths", { vectors: "ragged" }, "different or impossible lengths"],
    ["vectors of another length", { vectors: "short" }, "another model answers"],
    ["another model's name", { model: "bge-small-en" }, "another model answers"],
    ["another model's vectors", { model: "test-embed", dimensions: 32 }, "another model answers"],
    ["nothing but NaN", { vectors: "nan" }, "broken vectors only"],
    ["nothing but zeros", { vectors: "zero" }, "broken vectors only"],
    ["malformed JSON", "malformed-json", "not with JSON"],
    ["a web page", "html", "not with JSON"],
    ["an error", { body: { error: "Unexpected endpoint or method. (POST /embeddings)" } }, "Is its address right"],
    ["an empty object", { body: {} }, "something else than embeddings. Is its address right"],
    ["null", { body: "null" }, "something else than embeddings"],
    [
      "text as vectors",
      { body: { data: [0, 1, 2].map((index) => ({ index, embedding: "????" })) } },
      "impossible lengths",
    ],
  ])("with %s is the embedder's fault, and the next good one is taken", async (_, how, says) => {
    const server = await serve();
    const embedder = embedderOn(server);
    server.misbehave(how, { times: 1 });
    const failure = await failureOf(embedder.embed(["a", "b", "c"], "document"));
    expect(failure).toBeInstanceOf(TransientError);
    expect(failure.message).toContain(says);
    expect(await embedder.embed(["a", "b", "c"], "document")).toHaveLength(3);
  });

  it.each(["nan", "zero"] as const)("with %s for one text among good ones is that text's fault", async (vectors) => {
    for (const encoding of ["base64", "float"]) {
      const server = await serve();
      const embedder = embedderOn(server);
      if (encoding === "float") {
        server.misbehave("floats", { times: 1 });
        await embedder.embed(["now it knows"], "document");
      }
      server.misbehave({ vectors, of: (text) => text === "poison" });
      const failure = await failureOf(embedder.embed(["a", "poison", "c"], "document"));
      expect(failure).toMatchObject({ name: "RejectedInputError", reason: "refused" });
      expect(await failureOf(embedder.embed(["poison"], "document"))).toBeInstanceOf(RejectedInputError);
      expect(await embedder.embed(["a", "c"], "document")).toHaveLength(2);
      expect(server.requests.at(-1)?.encoding).toBe(encoding);
    }
  });

  it("may name the model with a tag, a path or a quantisation added", async () => {
    const server = await serve({ model: "nomic-ai/test-embed@q8_0" });
    const embedder = embedderOn(server);
    expect(await embedder.embed(["a"], "document")).toHaveLength(1);
    server.misbehave({ model: "" });
    expect(await embedder.embed(["a"], "document")).toHaveLength(1);
  });
});

describe("an error of the server", () => {
  it.each<[what: string, how: Misbehaviour, says: string]>([
    ["401", { status: 401 }, "does not accept the API key"],
    ["403", { status: 403 }, "does not accept the API key"],
    ["400 about the key", { status: 400, says: { error: { message: "API key not valid" } } }, "the API key"],
    ["404 about the route", { status: 404, says: "<html>nginx</html>" }, "no /embeddings at this address"],
    [
      "404 about the model",
      { status: 404, says: { error: { message: 'model "x" not found, try pulling it first' } } },
      "not loaded",
    ],
    [
      "400 of LM Studio without a model",
      { status: 400, says: { error: "No models loaded. Please load a model" } },
      "not loaded",
    ],
    [
      "404 of LM Studio without a model",
      { status: 404, says: { error: { message: "No model loaded" } } },
      "not loaded",
    ],
    [
      "400 of a crashed model",
      { status: 400, says: { error: "The model has crashed without additional information." } },
      "not loaded",
    ],
    [
      "500 of Ollama with a chat model",
      { status: 500, says: { error: { message: "this model does not support embeddings" } } },
      "Load an embedding model",
    ],
    [
      "400 about dimensions",
      { status: 400, says: { message: "Model does not support matryoshka representation" } },
      "settings",
    ],
    ["408", { status: 408 }, "HTTP 408"],
    ["409", { status: 409 }, "HTTP 409"],
    ["429", { status: 429 }, "asks for a pause"],
    [
      "429 about money",
      { status: 429, says: { error: { message: "You exceeded your current quota" } } },
      "quota is used up",
    ],
    [
      "429 about tokens",
      { status: 429, says: { error: { message: "too many tokens per minute" } } },
      "asks for a pause",
    ],
    ["500", { status: 500 }, "HTTP 500"],
    [
      "502 with a page",
      { status: 502, says: "<html><head><style>b{}</style></head><b>Bad Gateway</b></html>" },
      "says: Bad Gateway",
    ],
    ["503", { status: 503, says: { error: "queue too long" } }, "HTTP 503"],
  ])("%s is the embedder's fault", async (_, how, says) => {
    const server = await serve();
    const embedder = embedderOn(server);
    server.misbehave(how, { times: 1 });
    const failure = await failureOf(embedder.embed(["a", "b"], "document"));
    expect(failure).toBeInstanceOf(TransientError);
    expect(failure.message).toContain(says);
    expect(server.requests).toHaveLength(1);
    expect(await embedder.embed(["a", "b"], "document")).toHaveLength(2);
  });

  it.each<[what: string, status: number, says: unknown, reason: string]>([
    ["400", 400, { error: { message: "invalid input" } }, "refused"],
    ["422 with details", 422, { detail: [{ msg: "value is not valid", input: ["private words"] }] }, "refused"],
    ["413", 413, "<html>Request Entity Too Large</html>", "too-long"],
    ["400 of OpenAI", 400, { error: { message: "This model's maximum context length is 8192 tokens" } }, "too-long"],
    ["400 of Ollama", 400, { error: "the input length exceeds the context length" }, "too-long"],
    [
      "500 of llama.cpp",
      500,
      { error: { message: "input is too large to process. increase the physical batch size" } },
      "too-long",
    ],
    [
      "422 of TEI",
      422,
      { error: "Input validation error: `inputs` must have less than 512 tokens. Given: 600" },
      "too-long",
    ],
  ])("%s about the text is the text's fault", async (_, status, says, reason) => {
    const server = await serve();
    server.misbehave({ status, says }, { when: (texts) => texts.includes("poison") });
    const embedder = embedderOn(server);
    const failure = await failureOf(embedder.embed(["a", "poison"], "document"));
    expect(failure).toMatchObject({ name: "RejectedInputError", reason });
    expect(failure.message).not.toContain("private words");
    expect(await embedder.embed(["a"], "document")).toHaveLength(1);
  });

  it.each<[header: Record<string, string>, expected: number | undefined]>([
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT" }, 30_000],
    [{ "retry-after": "86400" }, 86_400_000],
    [{ "retry-after": "99999999" }, 300_000],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "7", "retry-after-ms": "1500" }, 1500],
  ])("says how long to wait: %j", async (headers, expected) => {
    const server = await serve();
    server.misbehave({ status: 429, headers });
    const embedder = embedderOn(server, { now: () => Date.UTC(2026, 0, 1) });
    expect(await failureOf(embedder.embed(["a"], "document"))).toMatchObject({ retryAfterMs: expected });
  });

  it("about base64 makes it ask for floats from then on", async () => {
    const server = await serve();
    server.misbehave("refuse-base64");
    const embedder = embedderOn(server);
    expect(await embedder.embed(["a"], "document")).toHaveLength(1);
    expect(await embedder.embed(["a"], "document")).toHaveLength(1);
    expect(server.requests.map((request) => request.encoding)).toEqual(["base64", "float", "float"]);
  });

  it("about too many texts makes it send fewer at once, and still answer in order", async () => {
    const server = await serve();
    const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`);
    const embedder = embedderOn(server);
    const expected = await embedder.embed(texts, "document");
    server.misbehave(
      { status: 422, says: { error: "batch size 100 > maximum allowed batch size 32" } },
      { when: (sent) => sent.length > 32 },
    );
    expect(await embedder.embed(texts, "document")).toEqual(expected);
    expect(server.requests.map((request) => request.texts)).toEqual([100, 100, 32, 32, 32, 4]);
    expect(embedder.limits.textsPerRequest).toBe(32);
    const { length } = server.requests;
    await embedder.embed(texts, "document");
    expect(server.requests.slice(length).map((request) => request.texts)).toEqual([32, 32, 32, 4]);
  });
});

describe("the way to the server", () => {
  it("may be shut: nothing listens", async () => {
    const server = await startEmbeddingServer();
    await server.close();
    const failure = await failureOf(embedderOn(server).embed(["a"], "document"));
    expect(failure).toBeInstanceOf(TransientError);
    expect(failure.message).toMatch(/^The embedding server at 127\.0\.0\.1:\d+ is not running/);
  });

  it("may break before or within the answer", async () => {
    const server = await serve();
    const embedder = embedderOn(server);
    for (const how of ["reset", "reset-mid-body"] as const) {
      server.misbehave(how, { times: 1 });
      const failure = await failureOf(embedder.embed(["a", "b"], "document"));
      expect(failure).toMatchObject({ name: "TransientError", message: expect.stringContaining("hung up") });
    }
    expect(await embedder.embed(["a"], "document")).toHaveLength(1);
  });

  it("may lead to something that does not speak HTTP", async () => {
    const tcp = createTcpServer((socket) => socket.resume().end("SSH-2.0-OpenSSH_9.6\r\n"));
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    open.push({ close: () => new Promise((resolve) => tcp.close(() => resolve())) });
    const { port } = tcp.address() as { port: number };
    const options = { baseUrl: `http://127.0.0.1:${port}/v1`, requestTimeoutMs: 2000 };
    expect(await failureOf(probeOpenAiServer(options))).toBeInstanceOf(TransientError);
  });

  it.each(["hang", "hang-mid-body"] as const)("is given up after the timeout: %s", async (how) => {
    const server = await serve();
    server.misbehave(how);
    const failure = await failureOf(embedderOn(server, { requestTimeoutMs: 150 }).embed(["a"], "document"));
    expect(failure).toMatchObject({ name: "TransientError", message: expect.stringContaining("within 0.15 s") });
  });

  it("is waited for anew when the process was asleep: it may have come meanwhile", async () => {
    const server = await serve();
    const embedder = embedderOn(server, { requestTimeoutMs: 200 });
    await embedder.embed(["hello"], "document");
    const asked = embedder.embed(["hello world"], "document");
    await server.received(2);
    // Nothing runs, no timer and no answer, as while a process is frozen or its machine sleeps.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    expect(await asked).toHaveLength(1);
  });

  it.each(["hang", "hang-mid-body"] as const)("is left when the caller stops: %s", async (how) => {
    const server = await serve();
    server.misbehave(how);
    const stop = new AbortController();
    const reason = new Error("enough");
    const request = failureOf(embedderOn(server).embed(["a"], "document", stop.signal));
    await server.received(1);
    stop.abort(reason);
    expect(await request).toBe(reason);
  });

  it("is left when the embedder is closed", async () => {
    const server = await serve();
    server.misbehave("hang");
    const embedder = embedderOn(server);
    const request = failureOf(embedder.embed(["a"], "document"));
    await server.received(1);
    await embedder.close();
    expect((await request).message).toContain("closed");
  });
});

it("what a server repeats of the texts it was sent is not repeated in the error, and the reason is understood all the same", async () => {
  const server = await serve();
  const embedder = embedderOn(server);
  const secret = "the surprise party is on Friday, do not tell Ada";
  for (const status of [400, 500]) {
    server.misbehave({ status, says: { error: `input is too long: “${secret.slice(4)}”, after hush` } }, { times: 1 });
    const failure = await failureOf(embedder.embed([secret, "hush"], "document"));
    expect(failure).toMatchObject({ name: "RejectedInputError", reason: "too-long" });
    expect(failure.message).toContain("It says: input is too long: “…”, after …");
  }
});
