// Discord's rate limits: buckets per route and channel, the global limit, and the throttle on edits of old messages.
// Real time throughout: the client on the other side waits in real time too.
// Source: https://discord.com/developers/docs/topics/rate-limits; the sizes of buckets are Discord's secret, these are what is
// commonly observed. Routes without an entry are bound by the global limit only.

import { createHash } from "node:crypto";
import type { Snowflake } from "../src/snowflake.ts";
import { errors } from "./discord-error.ts";

export interface RateLimitRule {
  readonly limit: number;
  readonly windowMs: number;
}

export interface RateLimitOptions {
  /** Requests per second over all routes. Interactions are exempt, as on Discord. */
  readonly globalPerSecond?: number;
  /** "METHOD /path" to its bucket; replaces the defaults entry by entry. */
  readonly routes?: Readonly<Record<string, RateLimitRule>>;
  /** Edits, per channel, of messages older than an hour. */
  readonly oldEdits?: RateLimitRule;
}

const ROUTE_RULES: Readonly<Record<string, RateLimitRule>> = {
  "POST /channels/{channel_id}/messages": { limit: 5, windowMs: 5000 },
  "PATCH /channels/{channel_id}/messages/{message_id}": { limit: 5, windowMs: 5000 },
  "DELETE /channels/{channel_id}/messages/{message_id}": { limit: 5, windowMs: 1000 },
  "POST /channels/{channel_id}/messages/bulk-delete": { limit: 1, windowMs: 1000 },
  "POST /webhooks/{webhook_id}/{webhook_token}": { limit: 5, windowMs: 2000 },
  "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original": { limit: 5, windowMs: 2000 },
  "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": { limit: 5, windowMs: 2000 },
};
const OTHER_ROUTES: RateLimitRule = { limit: 50, windowMs: 1000 };
const OLD_EDITS: RateLimitRule = { limit: 3, windowMs: 20_000 };

export interface RateLimitVerdict {
  readonly headers: Readonly<Record<string, string>>;
  /** Set when the request must be refused. Milliseconds. */
  readonly retryAfterMs?: number;
  readonly isGlobal?: boolean;
}

export interface RateLimits {
  /** Counts a request. `major` is the channel, guild or webhook of its path: each has a bucket of its own. */
  take(route: string, major: string): RateLimitVerdict;
}

export interface OldEditLimit {
  /** @throws DiscordError 30046 */
  take(channelId: Snowflake): void;
}

/** Counts uses of a key in windows that start with the first use. */
function createWindows(): (
  key: string,
  rule: RateLimitRule,
) => { remaining: number; resetAfterMs: number; isOver: boolean } {
  const windows = new Map<string, { used: number; endsAt: number }>();
  return (key, { limit, windowMs }) => {
    const now = performance.now();
    let window = windows.get(key);
    if (!window || window.endsAt <= now) {
      if (windows.size > 1000) for (const [old, { endsAt }] of windows) if (endsAt <= now) windows.delete(old);
      window = { used: 0, endsAt: now + windowMs };
      windows.set(key, window);
    }
    const isOver = window.used >= limit;
    if (!isOver) window.used++;
    return { remaining: limit - window.used, resetAfterMs: window.endsAt - now, isOver };
  };
}

/** `false` turns the limits off: headers are still sent, nothing is refused. */
export function createRateLimits(options: RateLimitOptions | false = {}): RateLimits {
  const use = createWindows();
  const rules = options ? { ...ROUTE_RULES, ...options.routes } : {};
  const globalRule = { limit: options ? (options.globalPerSecond ?? 50) : Number.MAX_SAFE_INTEGER, windowMs: 1000 };
  const otherRule = options ? OTHER_ROUTES : { limit: 1_000_000, windowMs: 1000 };
  return {
    take(route, major) {
      const rule = rules[route] ?? otherRule;
      const isExempt = route.includes("/interactions/") || route.includes("/webhooks/");
      const overall = isExempt ? undefined : use("global", globalRule);
      if (overall?.isOver) return { headers: {}, retryAfterMs: overall.resetAfterMs, isGlobal: true };
      const { remaining, resetAfterMs, isOver } = use(`${route} ${major}`, rule);
      const headers = {
        "X-RateLimit-Limit": String(rule.limit),
        "X-RateLimit-Remaining": String(remaining),
        "X-RateLimit-Reset": ((Date.now() + resetAfterMs) / 1000).toFixed(3),
        "X-RateLimit-Reset-After": (resetAfterMs / 1000).toFixed(3),
        "X-RateLimit-Bucket": createHash("md5").update(route).digest("hex"),
      };
      return isOver ? { headers, retryAfterMs: resetAfterMs } : { headers };
    },
  };
}

export function createOldEditLimit(options: RateLimitOptions | false = {}): OldEditLimit {
  const use = createWindows();
  const rule = options ? (options.oldEdits ?? OLD_EDITS) : undefined;
  return {
    take(channelId) {
      if (!rule) return;
      const { isOver, resetAfterMs } = use(channelId, rule);
      if (isOver) throw errors.oldMessageEdits(Number((resetAfterMs / 1000).toFixed(3)));
    },
  };
}
