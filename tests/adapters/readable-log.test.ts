import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createLogger, readableLine } from "../../src/adapters/pino.ts";

test("on a terminal a line of the log has the time, how bad it is, what happened and the facts; secrets stay masked", () => {
  const lines: string[] = [];
  const logger = createLogger(
    "info",
    () => ["s3cret"],
    (line) => lines.push(stripVTControlCharacters(readableLine(line))),
  );
  logger.info("run:started", { guildId: "7", records: 20, phases: ["full"], why: "an admin asked", key: "s3cret" });
  logger.error("interaction:failed", { error: "Error: no\n    at here" });
  logger.warn("embedder:down");
  const [started, failed, down] = lines.map((line) => line.replace(/^\d\d:\d\d:\d\d /, ""));
  expect(started).toBe('info  run:started guildId=7 records=20 phases=["full"] why="an admin asked" key=[redacted]\n');
  expect(failed).toBe("error interaction:failed error=Error: no\n        at here\n");
  expect(down).toBe("warn  embedder:down\n");
});
