// Records that the embedder has refused, but not often enough to be given up: set aside like those that were, and marked again
// minutes later, so that whatever ails the embedder for a moment costs no record its place in the index.

import type { Archive } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { QuarantineEntry, QuarantineStore } from "../../ports/quarantine.ts";
import type { RecordKind, StoredRecord } from "../../ports/records.ts";
import { ALL_IDS, newest, oldest, type Snowflake } from "../../snowflake.ts";

/** A record refused so often is given up. */
const HEARINGS = 3;
const BETWEEN_HEARINGS_MS = 2 * 60_000;
/** Entries looked at together. */
const AT_ONCE = 10_000;

export function suspectEntry(
  { record, contentHash }: StoredRecord,
  reason: string,
  attempts: number,
  now: number,
): QuarantineEntry {
  const { kind, id, channelId } = record;
  const entry = { kind, id, channelId, contentHash, reason, attempts, at: now };
  return attempts < HEARINGS ? { ...entry, retryAt: now + BETWEEN_HEARINGS_MS } : entry;
}

/** It was refused minutes ago. A clock that was set back makes nobody wait longer than the pause. */
export function isDue({ at }: Pick<QuarantineEntry, "at">, now: number): boolean {
  return now - at >= BETWEEN_HEARINGS_MS || at > now;
}

export interface Suspects {
  /** These have been set aside. */
  add(guildId: Snowflake, entries: readonly QuarantineEntry[]): void;
  /** A process that went away may have left some. */
  recall(guildId: Snowflake): void;
  /** Those among these ids that were refused: to be tried again, being tried, or given up. */
  among(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[]): Promise<Map<Snowflake, QuarantineEntry>>;
  /** Guilds that have some whose time has come. */
  due(): Snowflake[];
  /** Marks those of a guild whose time has come. @returns how many, and when the next of the others is due */
  retry(guildId: Snowflake): Promise<{ readonly marked: number; readonly nextAt: number | undefined }>;
}

export function createSuspects({
  quarantine,
  archive,
  clock,
  logger,
}: {
  readonly quarantine: Pick<QuarantineStore, "list">;
  readonly archive: Pick<Archive, "markPending">;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
}): Suspects {
  /** When to look into a guild's quarantine next. None: it holds no suspects. */
  const nextAt = new Map<Snowflake, number>();

  const expect = (guildId: Snowflake, at: number) =>
    void nextAt.set(guildId, Math.min(nextAt.get(guildId) ?? Number.POSITIVE_INFINITY, at));

  async function suspects(guildId: Snowflake, kind: RecordKind) {
    const entries = await quarantine.list(guildId, kind, ALL_IDS, AT_ONCE);
    return entries.filter(({ retryAt }) => retryAt !== undefined);
  }

  return {
    add(guildId, entries) {
      for (const { retryAt } of entries) if (retryAt !== undefined) expect(guildId, retryAt);
    },
    recall: (guildId) => expect(guildId, clock.now()),
    async among(guildId, kind, ids) {
      if (ids.length === 0) return new Map();
      const wanted = new Set(ids);
      const range = { newestId: newest(ids), oldestId: oldest(ids) };
      const found = await quarantine.list(guildId, kind, range, AT_ONCE);
      return new Map(found.filter(({ id }) => wanted.has(id)).map((entry) => [entry.id, entry]));
    },
    due: () => [...nextAt].filter(([, at]) => at <= clock.now()).map(([guildId]) => guildId),
    async retry(guildId) {
      const now = clock.now();
      let [marked, next] = [0, Number.POSITIVE_INFINITY];
      for (const kind of ["message", "note"] as const) {
        const found = await suspects(guildId, kind);
        const due = found.filter((entry) => isDue(entry, now)).map(({ id }) => id);
        if (due.length > 0) await archive.markPending(guildId, kind, due);
        marked += due.length;
        for (const entry of found) if (!isDue(entry, now)) next = Math.min(next, entry.retryAt ?? next);
      }
      if (marked > 0) logger.info("record:retried", { guildId, records: marked });
      // Those being tried now come up again if they are refused.
      if (marked > 0 || next < Number.POSITIVE_INFINITY) nextAt.set(guildId, Math.min(next, now + BETWEEN_HEARINGS_MS));
      else nextAt.delete(guildId);
      return { marked, nextAt: next === Number.POSITIVE_INFINITY ? undefined : next };
    },
  };
}
