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

it.each([
  ["$5", { dollars: 5 }],
  ["2.50 USD", { dollars: 2.5 }],
  ["10 dollars", { dollars: 10 }],
  ["2000000", { tokens: 2_000_000 }],
  ["2,000,000 tokens", { tokens: 2_000_000 }],
  ["500k", { tokens: 500_000 }],
  ["1.5M tokens", { tokens: 1_500_000 }],
  ["900 tokens", { tokens: 900 }],
])("a month's budget can be dollars or tokens: %s", async (given, budget) => {
  expect(await embeddingsOf({ EMBEDDINGS_BUDGET: given })).toMatchObject({ budget });
});

it.each(["5", "0", "$0", "-5", "$", "5 €", "5 tokens USD", "$5 tokens", "1.5 tokens", "much"])(
  "a budget that could be meant in several ways is refused: %s",
  async (given) => {
    await expect(embeddingsOf({ EMBEDDINGS_BUDGET: given })).rejects.toThrow(
      "EMBEDDINGS_BUDGET must be dollars or tokens a month, e.g. $5 or 2000000",
    );
  },
);

it("a budget without a server to spend it on is refused", async () => {
  await expect(readLocalConfig({ EMBEDDINGS_BUDGET: "$5" })).rejects.toThrow("EMBEDDINGS_URL is missing");
});
