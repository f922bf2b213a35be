// Holes that a check found: live indexing brings single records in order; here it is told which, and waited for.

import { unlessStopped } from "../../async/abortable.ts";
import type { LiveIndexing } from "../../indexing/live/live.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Findings } from "../compare/verify.ts";

/** Resolves when live indexing has nothing left to do in this guild, or at once when it is to stop. */
export async function repair(
  parts: {
    readonly archive: Pick<Archive, "markPending">;
    readonly live: Pick<LiveIndexing, "kick" | "idle">;
    readonly logger: Logger;
  },
  guildId: Snowflake,
  records: Findings["toRepair"],
  stop: AbortSignal,
): Promise<void> {
  if (records.length > 0) parts.logger.warn("run:repairing", { guildId, records: records.length });
  for (const kind of ["message", "note"] as const) {
    const ids = records.filter((each) => each.kind === kind).map(({ id }) => id);
    if (ids.length > 0) await parts.archive.markPending(guildId, kind, ids);
  }
  parts.live.kick(guildId);
  await unlessStopped(parts.live.idle(guildId), stop);
}
