import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseServerAddress } from "../../src/adapters/openai/address.ts";
import { createOpenAiEmbedder, probeOpenAiServer } from "../../src/adapters/openai/index.ts";
import { namesResemble, plainModelName, traitsOf } from "../../src/adapters/openai/known-models.ts";
import { priceOf } from "../../src/adapters/openai/prices.ts";
import { TransientError, UserError } from "../../src/errors.ts";
import { embedderContract } from "../contracts/embedder.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { embedderOn, failureOf, open, optionsFor, serve, TEST_EMBED } from "../support/openai-embedder.ts";

const SECRET = "sk-very-secret-0123456789";

describe("with a real server", () => {
  let shared: EmbeddingServer;
  beforeAll(async () => {
    shared = await startEmbeddingServer();
  });
  afterAll(() => shared.close());

  embedderContract("an OpenAI-compatible server", async () => {
    const options = optionsFor(shared);
    return createOpenAiEmbedder(options, await probeOpenAiServer(options));
  });
});

describe("the probe", () => {
  it("finds out the model, the name it answers by and the length of its vectors", async () => {
    const server = await serve({
      models: ["llama-3-8b", "text-embedding-nomic-embed-text-v1.5@q8_0"],
      model: "text-embedding-nomic-embed-text-v1.5@q8_0",
      dimensions: 48,
    });
    const name = "text-embedding-nomic-embed-text-v1.5@q8_0";
    const found = { answersAs: name, dimensions: 48, form: { encoding: "base64", inputType: "none" } };
    expect(await probeOpenAiServer(optionsFor(server))).toMatchObject({ modelId: name, ...found });
    const asked = await probeOpenAiServer(optionsFor(server, { model: "nomic-embed-text" }));
    expect(asked).toMatchObject({ modelId: "nomic-embed-text", ...found });
  });

  it("takes the only model whatever its name, and otherwise lists the names", async () => {
    const one = await serve({ model: "mystery" });
    expect(await probeOpenAiServer(optionsFor(one))).toMatchObject({ modelId: "mystery" });
    const chat = await serve({ models: ["llama-3-8b", "qwen2"] });
    expect(await failureOf(probeOpenAiServer(optionsFor(chat)))).toMatchObject({
      name: "TransientError",
      message: expect.stringContaining("it has: llama-3-8b, qwen2"),
    });
    const none = await serve({ models: [] });
    expect((await failureOf(probeOpenAiServer(optionsFor(none)))).message).toContain("no model loaded");
  });

  it("refuses another model that the server offers beside the one asked for, but takes an alias", async () => {
    const studio = await serve({ model: "bge-small-en", models: ["bge-small-en", "nomic-embed-text"] });
    const failure = await failureOf(probeOpenAiServer(optionsFor(studio, { model: "nomic-embed-text" })));
    expect(failure).toBeInstanceOf(TransientError);
    expect(failure.message).toContain('another model answers, "bge-small-en" instead of "nomic-embed-text"');
    for (const models of [["my-embeddings"], null]) {
      const gateway = await serve({ model: "text-embedding-3-small", models });
      const options = optionsFor(gateway, { model: "my-embeddings" });
      expect(await probeOpenAiServer(options)).toMatchObject({ answersAs: "text-embedding-3-small" });
    }
  });

  it("asks for shorter vectors and notices when the model does not shorten", async () => {
    const server = await serve({ dimensions: 64 });
    expect(await probeOpenAiServer(optionsFor(server, { dimensions: 32 }))).toMatchObject({ dimensions: 32 });
    expect(server.requests.at(-1)?.dimensions).toBe(32);
    server.misbehave({ model: "test-embed", dimensions: 64 });
    const failure = await failureOf(probeOpenAiServer(optionsFor(server, { dimensions: 32 })));
    expect(failure).toMatchObject({
      name: "TransientError",
      message: expect.stringContaining("64 numbers instead of 32"),
    });
  });

  it("fails so that it can be tried again, even when its test sentence is refused", async () => {
    const server = await serve();
    for (const how of [{ status: 400 }, { vectors: "nan" }] as const) {
      const stop = server.misbehave(how);
      expect(await failureOf(probeOpenAiServer(optionsFor(server)))).toBeInstanceOf(TransientError);
      stop();
    }
    expect(await probeOpenAiServer(optionsFor(server))).toMatchObject({ dimensions: 64 });
  });
});

describe("the API key", () => {
  it("is sent, and nothing of the sort when there is none", async () => {
    const guarded = await serve({ apiKey: SECRET });
    expect(await embedderOn(guarded, { apiKey: ` ${SECRET}\n` }).embed(["a"], "document")).toHaveLength(1);
    const free = await serve();
    await embedderOn(free).embed(["a"], "document");
    expect(free.requests[0]?.authorization).toBeUndefined();
  });

  it("is in no error, even when the server repeats it", async () => {
    const server = await serve({ apiKey: "another" });
    const dead = await startEmbeddingServer();
    await dead.close();
    for (const embedder of [embedderOn(server, { apiKey: SECRET }), embedderOn(dead, { apiKey: SECRET })]) {
      const failure = await failureOf(embedder.embed(["a"], "document"));
      expect(failure).toBeInstanceOf(TransientError);
      for (let error: unknown = failure; error instanceof Error; error = error.cause) {
        expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain("very-secret");
      }
    }
    const broken = () => embedderOn(server, { apiKey: `${SECRET}\u2026` });
    expect(broken).toThrow(UserError);
    expect(broken).not.toThrow(/secret/);
  });
});

describe("prefixes and limits", () => {
  it("go before documents and queries as the model wants them, and can be set", async () => {
    const server = await serve({ model: "nomic-embed-text:latest" });
    const served = { ...TEST_EMBED, modelId: "nomic-embed-text", answersAs: "nomic-embed-text:latest" };
    const embedder = embedderOn(server, {}, served);
    await embedder.embed(["a"], "document");
    expect(server.lastTexts).toEqual(["search_document: a"]);
    await embedder.embed(["a"], "query");
    expect(server.lastTexts).toEqual(["search_query: a"]);
    const bare = embedderOn(server, { documentPrefix: "", queryPrefix: "Q: " }, served);
    await bare.embed(["a"], "document");
    expect(server.lastTexts).toEqual(["a"]);
    expect(bare.space.fingerprint).not.toBe(embedder.space.fingerprint);
  });

  it("are known by name, whatever the server adds to it", () => {
    expect(traitsOf("text-embedding-nomic-embed-text-v1.5@q8_0").queryPrefix).toBe("search_query: ");
    expect(traitsOf("intfloat/multilingual-e5-large").documentPrefix).toBe("passage: ");
    expect(traitsOf("intfloat/multilingual-e5-large-instruct").documentPrefix).toBe("");
    expect(traitsOf("BAAI/bge-base-en-v1.5").queryPrefix).toContain("Represent this sentence");
    expect(traitsOf("bge-m3")).toEqual({ documentPrefix: "", queryPrefix: "", tokensPerText: 8192 });
    expect(traitsOf("snowflake-arctic-embed2").queryPrefix).toBe("query: ");
    expect(traitsOf("snowflake-arctic-embed:335m").queryPrefix).toContain("Represent this sentence");
    expect(traitsOf("my-alias", "embeddinggemma-300m-qat").queryPrefix).toContain("task: search result");
    expect(traitsOf("unheard-of")).toEqual({ documentPrefix: "", queryPrefix: "", tokensPerText: 512 });
  });

  it("names that servers decorate mean the same model, others do not", () => {
    for (const name of ["nomic-ai/Nomic-Embed-Text-v1.5-GGUF", "text-embedding-nomic-embed-text-v1.5@q4_k_m"]) {
      expect(plainModelName(name)).toBe("nomic-embed-text-v1.5");
    }
    expect(plainModelName("text-embedding-3-small")).toBe("text-embedding-3-small");
    expect(plainModelName("mxbai-embed-large:latest")).toBe("mxbai-embed-large");
    expect(namesResemble("nomic-embed-text", "text-embedding-nomic-embed-text-v1.5")).toBe(true);
    expect(namesResemble("nomic-embed-text-v1", "nomic-embed-text-v1.5")).toBe(false);
    expect(namesResemble("text-embedding-3-small", "text-embedding-3-large")).toBe(false);
  });

  it("ask a local server for one thing at a time and a remote one for more", () => {
    const parallel = (baseUrl: string) => {
      const embedder = createOpenAiEmbedder({ baseUrl, requestTimeoutMs: 1000 }, TEST_EMBED);
      open.push(embedder);
      return embedder.limits.parallelRequests;
    };
    for (const host of [
      "localhost",
      "127.0.0.1",
      "192.168.1.20",
      "[::1]",
      "ollama",
      "host.docker.internal",
      "100.64.1.1",
    ]) {
      expect([host, parallel(`http://${host}:1234/v1`)]).toEqual([host, 1]);
    }
    for (const host of ["api.openai.com", "8.8.8.8", "172.32.0.1", "[2606:4700::1111]"]) {
      expect([host, parallel(`https://${host}/v1`)]).toEqual([host, 4]);
    }
  });
});

it("the price of a service's model is known by its address and name, that of a server of one's own is nothing, and a set one holds", () => {
  const price = (baseUrl: string, model: string) => priceOf(parseServerAddress(baseUrl), model);
  expect(price("https://api.openai.com/v1", "text-embedding-3-small")).toBe(0.02);
  expect(price("https://me.openai.azure.com", "text-embedding-3-large")).toBe(0.13);
  expect(price("http://localhost:1234/v1", "text-embedding-3-small")).toBeUndefined();
  expect(price("https://api.openai.com.evil.example/v1", "text-embedding-3-small")).toBeUndefined();
  const options = { baseUrl: "https://api.openai.com/v1", requestTimeoutMs: 1_000, dollarsPerMillion: 5 };
  const embedder = createOpenAiEmbedder(options, { ...TEST_EMBED, modelId: "text-embedding-3-small" });
  open.push(embedder);
  expect(embedder.dollarsPerMillion).toBe(5);
});

describe("the address", () => {
  it("is mended where people usually get it wrong", () => {
    for (const typed of ["http://localhost:1234", "http://localhost:1234/v1/", "http://localhost:1234/v1/embeddings"]) {
      expect(parseServerAddress(typed).baseUrl).toBe("http://localhost:1234/v1");
    }
    expect(parseServerAddress("https://example.org/openai/v1").baseUrl).toBe("https://example.org/openai/v1");
  });

  it("may be Azure's: a deployment's, with or without /embeddings and version, or its newer one", () => {
    const resource = "https://my-resource.openai.azure.com";
    const deployment = { baseUrl: `${resource}/openai/deployments/small%20one`, deployment: "small one" };
    for (const end of ["", "/", "/embeddings"]) {
      expect(parseServerAddress(`${deployment.baseUrl}${end}?api-version=2024-02-01`)).toMatchObject({
        ...deployment,
        query: { "api-version": "2024-02-01" },
        keyHeader: "api-key",
      });
      expect(parseServerAddress(`${deployment.baseUrl}${end}`).query).toEqual({ "api-version": "2024-10-21" });
    }
    for (const typed of [
      resource,
      `${resource}/openai`,
      `${resource}/openai/v1/`,
      `${resource}/openai/v1/embeddings`,
    ]) {
      const address = { baseUrl: `${resource}/openai/v1`, query: {}, deployment: undefined, keyHeader: "api-key" };
      expect(parseServerAddress(typed)).toMatchObject(address);
    }
    expect(parseServerAddress("https://x.services.ai.azure.com/openai/v1").keyHeader).toBe("api-key");
    expect(parseServerAddress("https://openai.azure.com.evil.example/v1").keyHeader).toBe("authorization");
  });

  it("is refused when it cannot be one, without repeating a password in it", () => {
    for (const typed of ["localhost:1234", "ftp://example.org", "", "nonsense"]) {
      expect(() => parseServerAddress(typed)).toThrow(UserError);
    }
    expect(() => parseServerAddress(`http://me:${SECRET}@localhost/v1`)).toThrow(/API key instead/);
    expect(() => parseServerAddress(`http://me:${SECRET}@localhost/v1`)).not.toThrow(/secret/);
  });
});
