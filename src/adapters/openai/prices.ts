// What services charge for a million tokens of embeddings, as far as it is known by address and model. US dollars, without discounts.

import type { ServerAddress } from "./address.ts";

/** List prices of 2026, from each service's own page, whose host is named. */
const PRICES: readonly (readonly [host: RegExp, model: RegExp, dollars: number])[] = [
  [/(^|\.)openai\.(com|azure\.com)$/, /text-embedding-3-small/, 0.02],
  [/(^|\.)openai\.(com|azure\.com)$/, /text-embedding-3-large/, 0.13],
  [/(^|\.)openai\.(com|azure\.com)$/, /text-embedding-ada-002/, 0.1],
  [/^generativelanguage\.googleapis\.com$/, /gemini-embedding-001/, 0.15],
  [/^api\.mistral\.ai$/, /^mistral-embed/, 0.1],
  [/^api\.voyageai\.com$/, /voyage-3\.5-lite/, 0.02],
  [/^api\.voyageai\.com$/, /voyage-3\.5/, 0.06],
];

/** @param names of the model, as asked for and as answered. @returns undefined when it is not known */
export function priceOf(address: ServerAddress, ...names: readonly string[]): number | undefined {
  const { hostname } = new URL(address.baseUrl);
  const [, , dollars] =
    PRICES.find(([host, model]) => host.test(hostname) && names.some((name) => model.test(name))) ?? [];
  return dollars;
}
