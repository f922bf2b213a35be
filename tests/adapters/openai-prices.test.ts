import { expect, it } from "vitest";
import { parseServerAddress } from "../../src/adapters/openai/address.ts";
import { priceOf } from "../../src/adapters/openai/prices.ts";

it.each<[address: string, model: string, dollars: number | undefined]>([
  ["https://api.openai.com/v1", "text-embedding-3-small", 0.02],
  ["https://api.openai.com", "text-embedding-3-large", 0.13],
  ["https://me.openai.azure.com/openai/v1", "text-embedding-3-large", 0.13],
  ["https://generativelanguage.googleapis.com/v1beta/openai", "models/gemini-embedding-001", 0.15],
  ["https://api.voyageai.com/v1", "voyage-4", 0.06],
  // Others of the family cost something else; another host, or a model of one's own, is no service's.
  ["https://api.voyageai.com/v1", "voyage-4-large", undefined],
  ["https://api.openai.com.example.org/v1", "text-embedding-3-small", undefined],
  ["https://my-openai.azure.com.example.org/openai/v1", "text-embedding-3-small", undefined],
  ["http://localhost:1234/v1", "text-embedding-3-small", undefined],
])("the price of a million tokens is known by address and model: %s, %s", (address, model, dollars) => {
  expect(priceOf(parseServerAddress(address), model)).toBe(dollars);
});
