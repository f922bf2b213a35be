// Structured logs through pino. Secrets never get here; as a second line of defence, fields with telling names are redacted.

import { type LevelWithSilent, pino } from "pino";
import type { Logger } from "../ports.ts";

export type LogLevel = LevelWithSilent;

/** @param level "silent" turns logging off */
export function createLogger(level: LogLevel): Logger {
  const log = pino({
    level,
    base: null,
    redact: { paths: ["token", "apiKey", "authorization", "content", "text"], censor: "[redacted]" },
  });
  return {
    debug: (event, fields = {}) => log.debug(fields, event),
    info: (event, fields = {}) => log.info(fields, event),
    warn: (event, fields = {}) => log.warn(fields, event),
    error: (event, fields = {}) => log.error(fields, event),
  };
}
