// What services charge for a million tokens of embeddings, as far as it is known by address and model. US dollars, without discounts.

import type { ServerAddress } from "./address.ts";

const OPENAI = /^api\.openai\.com$|\.openai\.azure\.com$/;
const GOOGLE = /^generativelanguage\.googleapis\.com$/;

/**
 * List prices as they were found in 2026: developers.openai.com/api/docs/models (3-small, 3-large), embeddingcost.com (ada-002, and Azure's
 * pay-as-you-go, May); Google's as quoted by embeddingcost.com and tokencost.app (April, March); opencode.ai/data (Mistral);
 * vercel.com/ai-gateway/models (Voyage, July).
 */
const PRICES: readonly (readonly [host: RegExp, model: RegExp, dollars: number])[] = [
  [OPENAI, /^text-embedding-3-small$/, 0.02],
  [OPENAI, /^text-embedding-3-large$/, 0.13],
  [OPENAI, /^text-embedding-ada-002/, 0.1],
  [GOOGLE, /^(models\/)?gemini-embedding-001$/, 0.15],
  [GOOGLE, /^(models\/)?gemini-embedding-2(-preview)?$/, 0.2],
  [/^api\.mistral\.ai$/, /^mistral-embed(-\d+)?$/, 0.1],
  [/^api\.voyageai\.com$/, /^voyage-(3\.5|4)-lite$/, 0.02],
  [/^api\.voyageai\.com$/, /^voyage-(3\.5|4)$/, 0.06],
];

/** @param names of the model, as asked for and as answered. @returns undefined when it is not known */
export function priceOf(address: ServerAddress, ...names: readonly string[]): number | undefined {
  const { hostname } = new URL(address.baseUrl);
  const [, , dollars] =
    PRICES.find(([host, model]) => host.test(hostname) && names.some((name) => model.test(name.toLowerCase()))) ?? [];
  return dollars;
}
