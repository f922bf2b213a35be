import { expect, it } from "vitest";
import { readLocalConfig } from "../../src/app/config.ts";

const embeddingsOf = async (settings: Record<string, string>) => {
  const server = { EMBEDDINGS_URL: "http://localhost:1234/v1", EMBEDDINGS_MODEL: "e5-small" };
  return (await readLocalConfig({ ...server, ...settings })).embeddings;
};

it("a prefix can be none, which is something else than not set", async () => {
  expect(await embeddingsOf({ EMBEDDINGS_DOCUMENT_PREFIX: "", EMBEDDINGS_QUERY_PREFIX: " None " })).toMatchObject({
    documentPrefix: undefined,
    queryPrefix: "",
  });
  expect(await embeddingsOf({ EMBEDDINGS_QUERY_PREFIX: "search_query: " })).toMatchObject({
    queryPrefix: "search_query: ",
  });
});

it("the length of vectors can be set", async () => {
  expect(await embeddingsOf({ EMBEDDINGS_DIMENSIONS: "512" })).toMatchObject({ dimensions: 512 });
  await expect(embeddingsOf({ EMBEDDINGS_DIMENSIONS: "0" })).rejects.toThrow("EMBEDDINGS_DIMENSIONS must be");
});
