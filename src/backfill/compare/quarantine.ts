// Records that could not be embedded, as people see them: listed with their reasons, and given another chance.

import type { LiveIndexing } from "../../indexing/live/live.ts";
import type { Archive } from "../../ports/archive.ts";
import type { QuarantineEntry, QuarantineStore } from "../../ports/quarantine.ts";
import { ALL_IDS, type Snowflake } from "../../snowflake.ts";

/** So many of each kind are retried at a time. */
const RETRIED = 10_000;

/** The latest first. */
export async function listFailures(
  quarantine: Pick<QuarantineStore, "list">,
  guildId: Snowflake,
  limit: number,
): Promise<QuarantineEntry[]> {
  const messages = await quarantine.list(guildId, "message", ALL_IDS, limit);
  const notes = await quarantine.list(guildId, "note", ALL_IDS, limit);
  return [...messages, ...notes].sort((a, b) => b.at - a.at).slice(0, limit);
}

/** Hands them to live indexing. @returns how many */
export async function retryFailures(
  parts: {
    readonly archive: Pick<Archive, "markPending">;
    readonly quarantine: Pick<QuarantineStore, "list" | "release">;
    readonly live: Pick<LiveIndexing, "kick">;
  },
  guildId: Snowflake,
): Promise<number> {
  let retried = 0;
  for (const kind of ["message", "note"] as const) {
    const ids = (await parts.quarantine.list(guildId, kind, ALL_IDS, RETRIED)).map(({ id }) => id);
    if (ids.length === 0) continue;
    // In this order: live indexing may be at work already, and what it refuses again must stay on the list.
    await parts.quarantine.release(guildId, kind, ids);
    await parts.archive.markPending(guildId, kind, ids);
    retried += ids.length;
  }
  parts.live.kick(guildId);
  return retried;
}
