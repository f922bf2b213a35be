// Posts to the admin channel: the one progress message, edited in place, and the alerts and the report. An admin channel that is
// missing or unwritable never stops a run; the problem is remembered for the status.

import { toError } from "../errors.ts";
import type { AdminChannel, Clock, Logger } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";
import type { Announcement } from "./backfill.ts";

/** Discord throttles edits of messages older than an hour (error 30046); a fresh one is posted well before. */
const FRESH_MESSAGE_MS = 50 * 60_000;

/** Where the progress message stands; part of the run, so that it survives a restart. */
export interface ProgressMessage {
  readonly channelId: Snowflake;
  readonly messageId: Snowflake;
  readonly postedAt: number;
}

export interface Reporter {
  /** Edits the progress message, or posts it where there is none. @returns where it stands now */
  progress(announcement: Announcement, message: ProgressMessage | undefined): Promise<ProgressMessage | undefined>;
  /** Posts something once. */
  post(announcement: Announcement): Promise<void>;
  /** Why posts do not reach the admin channel, if they do not. */
  problem(): string | undefined;
}

export function createReporter(
  channel: AdminChannel<Announcement>,
  channelId: () => Promise<Snowflake | undefined>,
  clock: Clock,
  logger: Logger,
): Reporter {
  let problem: string | undefined;

  async function attempt<Result>(action: (channelId: Snowflake) => Promise<Result>): Promise<Result | undefined> {
    try {
      const id = await channelId();
      if (id === undefined) {
        problem = "no admin channel has been chosen yet";
        return undefined;
      }
      const result = await action(id);
      problem = undefined;
      return result;
    } catch (thrown) {
      problem = toError(thrown).message;
      logger.warn("admin-channel:failed", { reason: problem });
      return undefined;
    }
  }

  return {
    async progress(announcement, message) {
      return attempt(async (id) => {
        const isFresh = message?.channelId === id && clock.now() - message.postedAt < FRESH_MESSAGE_MS;
        if (isFresh && (await channel.edit(id, message.messageId, announcement))) return message;
        return { channelId: id, messageId: await channel.post(id, announcement), postedAt: clock.now() };
      });
    },
    async post(announcement) {
      await attempt((id) => channel.post(id, announcement));
    },
    problem: () => problem,
  };
}
