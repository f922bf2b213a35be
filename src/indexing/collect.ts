// Brings history that is only on Discord into the archive: one cursor per channel or thread, oldest end first until Discord has
// nothing older, resumable at any point. What happens while the bot is away is catch-up.ts's.

import PQueue from "p-queue";
import { TransientError, toError, UserError } from "../errors.ts";
import type { Archive, ArchivedRecord, Clock, History, HistoryChannel, HistoryCursor, Logger } from "../ports.ts";
import { type Snowflake, snowflakeAfter } from "../snowflake.ts";

/** Fewer than this in an answer: there is nothing further (see `History.messages`). */
export const PER_REQUEST = 100;
/** Discord limits requests per channel, and to 50 a second in all; a page may wait a second for the names of its authors. */
export const CHANNELS_AT_ONCE = 32;
const TRIES = 6;
const RETRY_MS = 1_000;

export interface CollectParts {
  readonly archive: Archive;
  readonly history: History;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Collected {
  /** False when it was stopped before the end. */
  readonly complete: boolean;
  /** Channels that could not be read, with the reason. */
  readonly unreadable: readonly string[];
}

/**
 * Collects everything up to `newestId` of every readable channel and thread.
 * @param onSaved called after each request with the number of records new in the archive
 */
export async function collectHistory(
  parts: CollectParts,
  guildId: Snowflake,
  newestId: Snowflake,
  stop: AbortSignal,
  onSaved: (created: number) => Promise<unknown>,
): Promise<Collected> {
  const channels = await parts.history.channels(guildId);
  await parts.archive.saveChannels(guildId, channels.map(asInfo));
  const unreadable = channels.flatMap(({ name, unreadable: reason }) =>
    reason === undefined ? [] : `#${name}: ${reason}`,
  );
  const failed = new AbortController();
  const stopping = AbortSignal.any([stop, failed.signal]);
  const queue = new PQueue({ concurrency: CHANNELS_AT_ONCE });

  async function collect(channel: HistoryChannel): Promise<void> {
    try {
      if (!stopping.aborted) await collectChannel(parts, guildId, channel, newestId, stopping, onSaved);
    } catch (thrown) {
      if (stopping.aborted) return;
      if (thrown instanceof UserError) unreadable.push(`#${channel.name}: ${thrown.message}`);
      else failed.abort(thrown);
    }
  }

  await queue.addAll(
    channels.filter(({ unreadable: reason }) => reason === undefined).map((channel) => () => collect(channel)),
  );
  failed.signal.throwIfAborted();
  return { complete: !stop.aborted, unreadable };
}

async function collectChannel(
  parts: CollectParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  newestId: Snowflake,
  stop: AbortSignal,
  onSaved: (created: number) => Promise<unknown>,
): Promise<void> {
  const { archive } = parts;
  let cursor = (await archive.cursor(guildId, channel.id)) ?? emptyCursor(newestId);
  while (!cursor.complete && !stop.aborted) {
    const records = await fetchPage(parts, channel, { before: cursor.oldestId }, stop);
    const { created } = await archive.save(guildId, records, { pending: false });
    cursor = { ...cursor, oldestId: records.at(-1)?.id ?? cursor.oldestId, complete: records.length < PER_REQUEST };
    await archive.saveCursor(guildId, channel.id, cursor);
    await onSaved(created);
  }
}

const emptyCursor = (newestId: Snowflake): HistoryCursor => ({
  oldestId: snowflakeAfter(newestId),
  newestId,
  complete: false,
});

/** A page of a channel, tried again while Discord does not answer. */
export async function fetchPage(
  parts: CollectParts,
  channel: HistoryChannel,
  range: { readonly before: Snowflake } | { readonly after: Snowflake },
  stop: AbortSignal,
): Promise<ArchivedRecord[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await parts.history.messages(channel, range, stop);
    } catch (thrown) {
      if (!(thrown instanceof TransientError) || tries === TRIES || stop.aborted) throw thrown;
      parts.logger.warn("history:retry", { channelId: channel.id, tries, reason: toError(thrown).message });
      await parts.clock.sleep(thrown.retryAfterMs ?? RETRY_MS * 2 ** tries, stop);
    }
  }
}

export function asInfo({ unreadable: _, ...info }: HistoryChannel) {
  return info;
}
