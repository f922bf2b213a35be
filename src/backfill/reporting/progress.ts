// Posts to the admin channel: the one progress message, edited in place, and the alerts and the report. An admin channel that is
// missing or unwritable never stops a run; the problem is remembered for the status.

import { toError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { AdminChannel } from "../../ports/discord.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { FailedBatch } from "../run/failed-batches.ts";
import type { Run } from "../run/run.ts";
import { type Sample, withSample } from "../run/throughput-history.ts";
import type { AdminChannelProblem, Announcement, BackfillStatus } from "./announcements.ts";

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
  /** Posts something once. @returns whether it is there */
  post(announcement: Announcement): Promise<boolean>;
  /** Why posts do not reach the admin channel, if they do not. */
  problem(): AdminChannelProblem | undefined;
}

export function createReporter(
  channel: AdminChannel<Announcement>,
  channelId: () => Promise<Snowflake | undefined>,
  clock: Clock,
  logger: Logger,
): Reporter {
  let problem: AdminChannelProblem | undefined;

  async function attempt<Result>(action: (channelId: Snowflake) => Promise<Result>): Promise<Result | undefined> {
    try {
      const id = await channelId();
      if (id === undefined) {
        problem = { kind: "none-chosen" };
        return undefined;
      }
      const result = await action(id);
      problem = undefined;
      return result;
    } catch (thrown) {
      const { message } = toError(thrown);
      problem = { kind: "error", message };
      logger.warn("admin-channel:failed", { reason: message });
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
      return (await attempt((id) => channel.post(id, announcement))) !== undefined;
    },
    problem: () => problem,
  };
}

/** A run's progress message, and the numbers of batches and the samples that are stored along with it. */
export interface KeptProgress {
  countBatch(failed: boolean): void;
  /** Shows how the run stands now. One at a time, or two would post a message each. */
  show(): Promise<void>;
}

export function keepProgress(
  reporter: Reporter,
  run: {
    current(): Run;
    update(change: (run: Run) => Run): Promise<unknown>;
    status(): Promise<BackfillStatus>;
    /** What has been sampled since the last call. */
    samples(): readonly Sample[];
    failedBatches(): readonly FailedBatch[];
  },
): KeptProgress {
  let batches = { sent: 0, failed: 0 };
  let showing = Promise.resolve();

  async function showNow(): Promise<void> {
    const before = run.current().progressMessage;
    const after = await reporter.progress({ kind: "progress", status: await run.status() }, before);
    const isMoved = after !== undefined && after.messageId !== before?.messageId;
    const { sent, failed } = batches;
    const samples = run.samples();
    if (!isMoved && sent === 0 && samples.length === 0) return;
    batches = { sent: 0, failed: 0 };
    await run.update((each) => ({
      ...each,
      batches: { sent: each.batches.sent + sent, failed: each.batches.failed + failed },
      samples: samples.reduce(withSample, each.samples ?? []),
      failedBatches: [...run.failedBatches()],
      ...(isMoved ? { progressMessage: after } : {}),
    }));
  }

  return {
    countBatch(failed) {
      batches = { sent: batches.sent + 1, failed: batches.failed + (failed ? 1 : 0) };
    },
    show() {
      showing = showing.catch(() => undefined).then(showNow);
      return showing;
    },
  };
}
