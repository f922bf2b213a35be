// Dates as people type them into an option, put into the words that the query's own `after:` and `before:` understand.

import { UserError } from "../errors.ts";
import { parseQuery } from "../search/query.ts";
import type { Snowflake } from "../snowflake.ts";

/**
 * Only ids greater than this were made after "2025-03-01", "2025-03", "yesterday", "3 weeks ago", "last month" …
 * @param now milliseconds since 1970 @throws UserError when it is no date
 */
export function afterDate(typed: string, now: number): Snowflake {
  return parseQuery(`after:${shorten(typed)}`, now).afterId ?? notADate(typed);
}

/** Only ids smaller than this were made before then. As `afterDate`. */
export function beforeDate(typed: string, now: number): Snowflake {
  return parseQuery(`before:${shorten(typed)}`, now).beforeId ?? notADate(typed);
}

function notADate(typed: string): never {
  throw new UserError(
    `I do not understand “${typed.slice(0, 50)}” as a date. Write it like 2025-03-01, 2025-03, yesterday or “3 weeks ago”.`,
  );
}

function shorten(typed: string): string {
  const text = typed.trim().toLowerCase().replace(/[./]/g, "-").replace(/\s+/g, " ");
  const ago = /^(?:(\d{1,4})|an?|last|one) ?(h|d|w|m|y)(?:ours?|ays?|eeks?|onths?|ears?)?(?: ago)?$/.exec(text);
  return ago ? `${ago[1] ?? 1}${ago[2]}` : text.replaceAll(" ", "");
}
