// The options `after` and `before`: dates as people type them, read as the query's own `after:` and `before:` read them.

import { UserError } from "../errors.ts";
import { parseSpan, type Span } from "../search/dates.ts";
import { type Snowflake, snowflakeAt, snowflakeBefore } from "../snowflake.ts";

/**
 * Only ids greater than this were made after the date. @param now milliseconds since 1970
 * @throws UserError when it is no date
 */
export function afterDate(typed: string, now: number): Snowflake {
  return snowflakeBefore(snowflakeAt(spanOf(typed, now).end));
}

/** Only ids smaller than this were made before the date. As `afterDate`. */
export function beforeDate(typed: string, now: number): Snowflake {
  return snowflakeAt(spanOf(typed, now).start);
}

function spanOf(typed: string, now: number): Span {
  const span = parseSpan(typed, now);
  if (span) return span;
  throw new UserError(
    `I do not understand “${typed.slice(0, 50)}” as a date. Write it like 2025-03-01, 2025-03, march 2025, yesterday or “3 weeks ago”.`,
  );
}
