import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectFormerEmbedder } from "../../src/app/choose-embedder.ts";
import { createQueryEmbedders } from "../../src/embedding/query-embedders.ts";
import type { EmbedderSettings } from "../../src/ports/embedder.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { createManualClock, type ManualClock } from "../support/engine.ts";

const space = (name: string) => ({ modelId: name, dimensions: 8, fingerprint: `${name}-8-00000000` });
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe("a query for a former generation", () => {
  let server: EmbeddingServer;
  let clock: ManualClock;
  let presentKey: string | undefined;
  beforeEach(async () => {
    server = await startEmbeddingServer({ dimensions: 8, model: "former" });
    clock = createManualClock();
    presentKey = undefined;
  });
  afterEach(() => server.close());

  const settings = (given: Partial<Extract<EmbedderSettings, { kind: "server" }>> = {}): EmbedderSettings => ({
    kind: "server",
    baseUrl: server.url,
    modelId: "former",
    answersAs: "former",
    length: 8,
    documentPrefix: "document: ",
    queryPrefix: "query: ",
    ...given,
  });
  function embedders() {
    return createQueryEmbedders({
      present: { space: space("present"), embedQuery: async () => Float32Array.of(1) },
      connect: (former) => {
        const present = presentKey === undefined ? undefined : { baseUrl: server.url, apiKey: presentKey };
        return connectFormerEmbedder(former, present, { clock, logger: quiet });
      },
      clock,
      logger: quiet,
    });
  }
  const { signal } = new AbortController();

  test("is embedded by its own model, with the prefix and under the name that it had", async () => {
    const embed = embedders().of({ space: space("former"), embedder: settings() });
    expect(await embed?.("kettle", signal)).toHaveLength(8);
    expect(server.requests.at(-1)).toMatchObject({ model: "former", texts: 1 });
    expect(server.lastTexts).toEqual(["query: kettle"]);
  });

  test("is embedded once for all generations of one space, by the present embedder where that is its space", async () => {
    const all = embedders();
    expect(all.of({ space: space("former"), embedder: settings() })).toBe(
      all.of({ space: space("former"), embedder: settings() }),
    );
    const present = all.of({ space: space("present"), embedder: { kind: "unknown" } });
    expect(await present?.("kettle", signal)).toEqual(Float32Array.of(1));
    expect(server.requests).toEqual([]);
  });

  test("goes without where the model is a built-in one of another version, or not known", () => {
    const all = embedders();
    for (const kind of ["built-in", "unknown"] as const) {
      expect(all.of({ space: space(kind), embedder: { kind } })).toBeUndefined();
    }
  });

  test("takes the present key to the same address, and to no other", async () => {
    presentKey = "sk-present";
    const all = embedders();
    await all.of({ space: space("here"), embedder: settings() })?.("kettle", signal);
    expect(server.requests.at(-1)?.authorization).toBe("Bearer sk-present");
    const elsewhere = settings({ baseUrl: `${server.url}/` });
    await all.of({ space: space("elsewhere"), embedder: elsewhere })?.("kettle", signal);
    expect(server.requests.at(-1)?.authorization).toBeUndefined();
  });

  test("does not wait for a model that has failed until a minute is over", async () => {
    const embed = embedders().of({ space: space("former"), embedder: settings() });
    await server.close();
    await expect(embed?.("kettle", signal)).rejects.toThrow();
    await expect(embed?.("kettle", signal)).rejects.toThrow("the former model does not answer");
    await clock.advance(60_000);
    await expect(embed?.("kettle", signal)).rejects.not.toThrow("the former model does not answer");
  });
});
