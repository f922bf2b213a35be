// A real archive in a temp folder, with the log it writes; gone after `close`.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenArchive, openArchive } from "../../src/adapters/denokv/open.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { type Snowflake, snowflakeAt } from "../../src/snowflake.ts";

export interface TestArchive extends OpenArchive {
  /** The database file. */
  readonly location: string;
  /** Events logged at warn and error. */
  readonly complaints: readonly string[];
}

export async function openTestArchive(): Promise<TestArchive> {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-archive-"));
  const location = join(folder, "archive.sqlite");
  const { logger, complaints } = recordingLogger();
  const opened = await openArchive({ location, logger });
  return {
    ...opened,
    location,
    complaints,
    async close() {
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function recordingLogger(): { logger: Logger; complaints: string[] } {
  const complaints: string[] = [];
  const complain = (event: string) => {
    complaints.push(event);
  };
  return { logger: { debug() {}, info() {}, warn: complain, error: complain }, complaints };
}

/** The n-th id of a sequence, a minute apart from 2025-01-01 on. */
export function testId(n: number): Snowflake {
  return snowflakeAt(Date.UTC(2025, 0, 1) + n * 60_000);
}

/** A message; whatever is not given is plain. */
export function testMessage(n: number, given: Partial<ArchivedRecord> = {}): ArchivedRecord {
  const channelId = given.channelId ?? "100";
  return {
    kind: "message",
    id: testId(n),
    accessChannelId: channelId,
    authorId: "200",
    authorName: "Ada",
    content: `message ${n}`,
    ...given,
    channelId,
  };
}

/** A private note of author "200". */
export function testNote(n: number, given: Partial<ArchivedRecord> = {}): ArchivedRecord {
  return testMessage(n, { kind: "note", visibility: "private", content: `note ${n}`, ...given });
}
