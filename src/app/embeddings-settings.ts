// The settings of an embedding server, by name and as the rest of the program has them.

import { z } from "zod";
import type { ServerSettings } from "../adapters/openai/index.ts";
import type { Budget } from "../ports/spending.ts";
import { decimal, seconds, text, trimmed, url, whole } from "./setting-types.ts";

/** An OpenAI-compatible embedding server. */
export interface EmbeddingServer extends ServerSettings {
  /** What backfills may use in a month, by UTC, together with all else. Left out: as much as they want. */
  readonly budget?: Budget | undefined;
}

/** An empty value counts as not set, so that there is a word for no prefix. */
const prefix = z.string().transform((given) => (given.trim().toLowerCase() === "none" ? "" : given));

const BUDGET = /^(\$)?\s*(\d+(?:\.\d+)?)\s*([km])?\s*(\$|usd|dollars?|tokens?)?$/i;
const SCALES: Readonly<Record<string, number>> = { k: 1e3, m: 1e6 };
/** A smaller number alone is more likely to be meant in dollars. */
const FEWEST_TOKENS = 1_000;

/** "$5", "2.50 USD", "2000000", "500k tokens", "2,000,000". @returns undefined for what is none */
function budgetIn(given: string): Budget | undefined {
  const [, sign, amount, scale = "", unit = ""] = BUDGET.exec(given.replaceAll(",", "")) ?? [];
  const value = Number(amount) * (SCALES[scale.toLowerCase()] ?? 1);
  const isTokens = /^token/i.test(unit);
  if (!(value > 0) || (sign !== undefined && unit !== "")) return undefined;
  if (sign !== undefined || (unit !== "" && !isTokens)) return { dollars: value };
  return Number.isInteger(value) && (isTokens || value >= FEWEST_TOKENS) ? { tokens: value } : undefined;
}

const budget = trimmed.transform((given, context) => {
  const found = budgetIn(given);
  if (found !== undefined) return found;
  context.issues.push({
    code: "custom",
    message: "must be dollars or tokens a month, e.g. $5 or 2000000",
    input: given,
  });
  return z.NEVER;
});

export const embeddingsSettings = {
  EMBEDDINGS_URL: url("http://localhost:1234/v1").optional(),
  EMBEDDINGS_API_KEY: text.optional(),
  EMBEDDINGS_MODEL: text.optional(),
  // Prefixes may end in a space that matters.
  EMBEDDINGS_DOCUMENT_PREFIX: prefix.optional(),
  EMBEDDINGS_QUERY_PREFIX: prefix.optional(),
  EMBEDDINGS_DIMENSIONS: whole("how many numbers the model is to make of a text", { most: 65_536 }).optional(),
  EMBEDDINGS_PARALLEL: whole("the number of requests at once", { most: 1_000 }).optional(),
  EMBEDDINGS_BATCH: whole("the number of texts per request", { most: 10_000 }).optional(),
  EMBEDDINGS_REQUESTS_PER_MINUTE: whole("the number of requests that the account allows").optional(),
  EMBEDDINGS_TOKENS_PER_MINUTE: whole("the number of tokens that the account allows").optional(),
  EMBEDDINGS_PRICE_PER_MILLION: decimal("the dollars that a million tokens cost").optional(),
  EMBEDDINGS_BUDGET: budget.optional(),
  EMBEDDINGS_TIMEOUT_SECONDS: seconds().default(60),
};

const schema = z.object(embeddingsSettings);

/** @returns undefined for the built-in model */
export function embeddingsOf(values: z.infer<typeof schema>): EmbeddingServer | undefined {
  if (values.EMBEDDINGS_URL === undefined) return undefined;
  return {
    baseUrl: values.EMBEDDINGS_URL,
    apiKey: values.EMBEDDINGS_API_KEY,
    model: values.EMBEDDINGS_MODEL,
    documentPrefix: values.EMBEDDINGS_DOCUMENT_PREFIX,
    queryPrefix: values.EMBEDDINGS_QUERY_PREFIX,
    dimensions: values.EMBEDDINGS_DIMENSIONS,
    parallelRequests: values.EMBEDDINGS_PARALLEL,
    textsPerRequest: values.EMBEDDINGS_BATCH,
    requestsPerMinute: values.EMBEDDINGS_REQUESTS_PER_MINUTE,
    tokensPerMinute: values.EMBEDDINGS_TOKENS_PER_MINUTE,
    dollarsPerMillion: values.EMBEDDINGS_PRICE_PER_MILLION,
    budget: values.EMBEDDINGS_BUDGET,
    requestTimeoutMs: values.EMBEDDINGS_TIMEOUT_SECONDS * 1000,
  };
}
