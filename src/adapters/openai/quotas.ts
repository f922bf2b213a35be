// What a server's headers say of its limits: x-ratelimit-limit-requests, -remaining-requests, -reset-requests, and the same of tokens.

import type { Quota, Quotas } from "../../ports/embedder.ts";

/** OpenAI, Azure and Groq; Mistral; a single limit without a name is one of requests. */
const ENDINGS = { requests: ["-requests", "-req-minute", ""], tokens: ["-tokens", "-tokens-minute"] } as const;
/** Seconds beyond this are a moment since 1970, not a while. */
const LONGEST_WHILE_S = 10_000_000;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @param nowMs since 1970 */
export function quotasIn(headers: Headers, nowMs: number): Quotas {
  const quotaOf = (kind: keyof typeof ENDINGS): Quota | undefined => {
    for (const ending of ENDINGS[kind]) {
      const limit = countIn(headers.get(`x-ratelimit-limit${ending}`));
      const remaining = countIn(headers.get(`x-ratelimit-remaining${ending}`));
      if (limit === undefined || remaining === undefined || limit < 1) continue;
      return {
        limit,
        remaining: Math.min(remaining, limit),
        resetMs: whileIn(headers.get(`x-ratelimit-reset${ending}`), nowMs),
      };
    }
    return undefined;
  };
  return { requests: quotaOf("requests"), tokens: quotaOf("tokens") };
}

function countIn(value: string | null): number | undefined {
  return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** "6m0s", "20ms", "1.5" (seconds), 1796000000 (a moment). */
export function whileIn(value: string | null, nowMs = 0): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  if (value !== "" && !Number.isNaN(seconds)) {
    return seconds > LONGEST_WHILE_S ? Math.max(0, seconds * 1_000 - nowMs) : seconds * 1_000;
  }
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  return parts.length === 0
    ? undefined
    : parts.reduce((sum, [, n, unit = ""]) => sum + Number(n) * (UNIT_MS[unit] ?? 0), 0);
}
