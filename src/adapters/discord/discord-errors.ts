// Turns what discord.js throws into the project's errors. The only place that reads Discord's error codes and HTTP statuses.

import { DiscordAPIError, HTTPError, RateLimitError } from "discord.js";
import { TransientError, toError, UserError } from "../../errors.ts";

/** Codes acted upon here. Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json */
export const DiscordCode = {
  unknownChannel: 10003,
  unknownGuild: 10004,
  unknownMessage: 10008,
  missingAccess: 50001,
  missingPermissions: 50013,
} as const;

export function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof DiscordAPIError && codes.some((code) => code === error.code);
}

/** True when Discord says that what was asked for does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof DiscordAPIError && error.status === 404;
}

/**
 * @param doing completes "Discord did not let me ..." and "Discord could not ... just now", e.g. "read <#1>"
 * @returns a UserError when asking again cannot help, a TransientError when it may; an abort and our own errors as they are
 */
export function translateDiscordError(thrown: unknown, doing: string): Error {
  const cause = toError(thrown);
  if (cause instanceof UserError || cause instanceof TransientError || cause.name === "AbortError") return cause;
  if (cause instanceof RateLimitError) {
    return new TransientError(`Discord asked for a pause before I ${doing}.`, {
      retryAfterMs: cause.retryAfter,
      cause,
    });
  }
  const status = cause instanceof DiscordAPIError || cause instanceof HTTPError ? cause.status : undefined;
  if (status === undefined || status >= 500 || status === 429 || status === 408) {
    return new TransientError(`Discord did not answer when I tried to ${doing}.`, { cause });
  }
  const mend = (why: string) => new UserError(`I could not ${doing}: ${why}.`, { cause });
  if (hasCode(cause, DiscordCode.unknownChannel)) return mend("the channel no longer exists");
  if (hasCode(cause, DiscordCode.missingAccess)) return mend("I am not allowed to see the channel (View Channel)");
  if (hasCode(cause, DiscordCode.missingPermissions)) return mend("I lack a permission there");
  if (status === 401) return mend("Discord no longer accepts the bot's token");
  return mend(`Discord answered "${cause.message}"`);
}
