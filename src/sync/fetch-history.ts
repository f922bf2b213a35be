// Discord is asked until it answers: an outage, however long, only holds a reader of history up.

import { TransientError, toError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { History, HistoryChannel } from "../ports/discord.ts";
import type { Logger } from "../ports/logger.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import type { Snowflake } from "../snowflake.ts";

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

export interface AskingParts {
  readonly history: History;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws UserError, and whatever Discord's last failure was when it is to stop */
export async function fetchPage(
  parts: AskingParts,
  channel: HistoryChannel,
  range: { readonly before: Snowflake } | { readonly after: Snowflake },
  stop: AbortSignal,
): Promise<ArchivedRecord[]> {
  return await patiently(parts, { channelId: channel.id }, () => parts.history.messages(channel, range, stop), stop);
}

/** Every channel and thread there is. @throws as `fetchPage` */
export async function fetchChannels(
  parts: AskingParts,
  guildId: Snowflake,
  stop: AbortSignal,
): Promise<HistoryChannel[]> {
  return await patiently(parts, { guildId }, () => parts.history.channels(guildId), stop);
}

async function patiently<Answer>(
  { clock, logger }: AskingParts,
  what: Record<string, unknown>,
  ask: () => Promise<Answer>,
  stop: AbortSignal,
): Promise<Answer> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await ask();
    } catch (thrown) {
      if (!(thrown instanceof TransientError) || stop.aborted) throw thrown;
      logger.warn("history:retry", { ...what, pauseMs, reason: toError(thrown).message });
      await clock.sleep(thrown.retryAfterMs ?? pauseMs, stop);
    }
  }
}
