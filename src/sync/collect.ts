// Brings history that is only on Discord into the archive: every readable channel and thread from newest to oldest, one cursor each,
// resumable at any point. What is archived already is compared on the way. What the bot missed while it was away is catch-up.ts's.

import { setMaxListeners } from "node:events";
import PQueue from "p-queue";
import { UserError } from "../errors.ts";
import type { HistoryCursor } from "../ports/archive.ts";
import type { HistoryChannel } from "../ports/discord.ts";
import { RefusedError } from "../refusals.ts";
import { compareSnowflakes, type Snowflake, snowflakeAfter } from "../snowflake.ts";
import { type CompareParts, comparePage } from "./compare-page.ts";
import { oldestKept } from "./completeness.ts";
import { fetchChannels } from "./fetch-history.ts";

/** Discord limits requests per channel, and to 50 a second in all; a page may wait a second for the names of its authors. */
export const CHANNELS_AT_ONCE = 32;

export interface Collection {
  /** Everything up to here is collected. A collection with another bound reads everything again. */
  readonly newestId: Snowflake;
  /** When it was begun: what happens later is live indexing's, or missed. Milliseconds since 1970. */
  readonly startedAt: number;
  /** Called after each request. @param channel a channel or thread @param outdated archived messages that are gone or were edited, now marked pending */
  onRead(messages: number, outdated: readonly Snowflake[], channel: HistoryChannel): Promise<unknown>;
}

/** A channel that could not be read. `message`: what Discord said. */
export interface UnreadableChannel {
  readonly name: string;
  readonly because: { readonly kind: "content-hidden" } | { readonly kind: "error"; readonly message: string };
}

export interface Collected {
  /** False when it was stopped before the end. */
  readonly complete: boolean;
  readonly unreadable: readonly UnreadableChannel[];
}

/** Goes on where a collection with the same bound was stopped. */
export async function collectHistory(
  parts: CompareParts,
  guildId: Snowflake,
  collection: Collection,
  stop: AbortSignal,
): Promise<Collected> {
  let channels: HistoryChannel[];
  try {
    channels = await fetchChannels(parts, guildId, stop);
  } catch (thrown) {
    if (stop.aborted) return { complete: false, unreadable: [] };
    throw thrown;
  }
  await parts.archive.saveChannels(guildId, channels.map(asInfo));
  const leftOut = await parts.archive.channelsLeftOut(guildId, channels);
  const wanted = channels.filter(({ id }) => !leftOut.has(id));
  const unreadable: UnreadableChannel[] = wanted.flatMap(({ name, unreadable: message }) =>
    message === undefined ? [] : { name, because: { kind: "error", message } },
  );
  const failed = new AbortController();
  const stopping = AbortSignal.any([stop, failed.signal]);
  // Every channel being read listens: that is no leak to be warned of.
  setMaxListeners(0, stopping);
  const queue = new PQueue({ concurrency: CHANNELS_AT_ONCE });

  async function collect(channel: HistoryChannel): Promise<void> {
    try {
      if (!stopping.aborted) await collectChannel(parts, guildId, channel, collection, stopping);
    } catch (thrown) {
      if (stopping.aborted) return;
      if (thrown instanceof UserError) unreadable.push({ name: channel.name, because: whyUnreadable(thrown) });
      else failed.abort(thrown);
    }
  }

  await queue.addAll(
    wanted.filter(({ unreadable: reason }) => reason === undefined).map((channel) => () => collect(channel)),
  );
  failed.signal.throwIfAborted();
  return { complete: !stop.aborted, unreadable };
}

function whyUnreadable(error: UserError): UnreadableChannel["because"] {
  const isHidden = error instanceof RefusedError && error.refusal.kind === "content-hidden";
  return isHidden ? { kind: "content-hidden" } : { kind: "error", message: error.message };
}

async function collectChannel(
  parts: CompareParts,
  guildId: Snowflake,
  channel: HistoryChannel,
  { newestId, startedAt, onRead }: Collection,
  stop: AbortSignal,
): Promise<void> {
  const { archive } = parts;
  const stored = await archive.cursor(guildId, channel.id);
  let cursor: HistoryCursor =
    stored?.newestId === newestId ? stored : { oldestId: snowflakeAfter(newestId), newestId, complete: false };
  while (!cursor.complete && !stop.aborted) {
    if ((await archive.channelsLeftOut(guildId, [channel])).has(channel.id)) return;
    const page = await comparePage(parts, guildId, channel, cursor.oldestId, "all", stop);
    // What is older is not kept.
    const isPast = compareSnowflakes(page.oldestId, await oldestKept(archive, guildId)) <= 0;
    cursor = { ...cursor, oldestId: page.oldestId, complete: page.complete || isPast };
    await archive.saveCursor(guildId, channel.id, cursor);
    await onRead(page.read, page.outdated, channel);
  }
  // All of it has been compared since then: nothing is left to be read again.
  if (cursor.complete) await archive.saveRecheckCursor(guildId, channel.id, { since: startedAt });
}

export function asInfo({ unreadable: _, lastMessageId: __, ...info }: HistoryChannel) {
  return info;
}
