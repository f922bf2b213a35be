// What the bot may no longer read is kept for a while and then deleted: channels and threads that have been taken out of its reach, and
// servers that it has left (forget-left.ts). People are told a week before. Since when something is out of reach is stored.

import { levelOf, toError, UserError } from "../errors.ts";
import type { Archive, ChannelInfo, OutOfReach } from "../ports/archive.ts";
import type { History, HistoryChannel } from "../ports/discord.ts";
import type { Logger } from "../ports/logger.ts";
import { LAST_SNOWFLAKE, type Snowflake } from "../snowflake.ts";

const DAY_MS = 24 * 3_600_000;
const NOTICE_MS = 7 * DAY_MS;

/** When what is out of reach is deleted, if people are told of it at `toldAt`. */
export function expiresAt({ since }: OutOfReach, keepDays: number, toldAt: number): number {
  return Math.max(since + keepDays * DAY_MS, toldAt + Math.min(NOTICE_MS, keepDays * DAY_MS));
}

/**
 * What is to be done at this moment.
 * @param tell says when it will be deleted; false: there was nobody to be told
 * @returns the state as it is now, and whether it is time to delete
 */
export async function lookAtExpiry(
  state: OutOfReach,
  keepDays: number,
  now: number,
  tell: (at: number) => Promise<boolean>,
): Promise<{ readonly state: OutOfReach; readonly isDue: boolean }> {
  const ends = state.since + keepDays * DAY_MS;
  const isToBeTold = state.toldAt === undefined && now >= ends - NOTICE_MS;
  const isTold = isToBeTold && (await tell(expiresAt(state, keepDays, now)));
  const known = isTold ? { ...state, toldAt: now } : state;
  const isDue = now >= (known.toldAt === undefined ? ends : expiresAt(known, keepDays, known.toldAt));
  return { state: known, isDue };
}

export interface Expiring {
  /** Channels and threads that the bot cannot read. */
  readonly channelIds: readonly Snowflake[];
  /** When what is stored of them is deleted. Milliseconds since 1970. */
  readonly at: number;
}

export interface ChannelExpiryParts {
  readonly archive: Pick<
    Archive,
    "addDeed" | "beginRemoval" | "channels" | "channelsLeftOut" | "neighbours" | "outOfReach" | "saveOutOfReach"
  >;
  readonly history: Pick<History, "channels" | "messages">;
  /** So many days; Infinity: for ever. */
  readonly keepDays: number;
  /** @returns false when there is nobody to be told */
  tell(guildId: Snowflake, expiring: Expiring): Promise<boolean>;
  /** Says that there is a removal to be done. */
  onRemoval(guildId: Snowflake): void;
  /** What time it is, by Discord's clock where it is known. Milliseconds since 1970. */
  now(): number;
  readonly logger: Logger;
}

export interface ChannelExpiry {
  /** To be called once a day. @throws TransientError, UserError when Discord cannot be asked */
  daily(guildId: Snowflake): Promise<void>;
  /** What is deleted within the time of the notice, unless it can be read again; soonest first. */
  upcoming(guildId: Snowflake): Promise<readonly { readonly channelId: Snowflake; readonly at: number }[]>;
  /** Discord has just been asked for all channels and threads. Never rejects. */
  listed(guildId: Snowflake, channels: readonly HistoryChannel[]): Promise<void>;
}

export function createChannelExpiry(parts: ChannelExpiryParts): ChannelExpiry {
  const { archive, history, keepDays, logger } = parts;
  /** Guilds of which it is known, in this process, that they are looked at. */
  const begun = new Set<Snowflake>();

  /** A private thread that the bot is no member of is not listed, and can be read all the same if it manages threads. */
  async function canBeRead(channel: ChannelInfo, listed: HistoryChannel | undefined): Promise<boolean> {
    if (listed !== undefined) return listed.unreadable === undefined;
    try {
      await history.messages(channel, { before: LAST_SNOWFLAKE });
      return true;
    } catch (thrown) {
      if (thrown instanceof UserError) return false;
      throw thrown;
    }
  }

  async function holdsMessages(guildId: Snowflake, { id }: ChannelInfo): Promise<boolean> {
    return (await archive.neighbours(guildId, id, LAST_SNOWFLAKE, "before", 1)).length > 0;
  }

  /** Brings what is stored up to date. @returns what is out of reach now */
  async function note(guildId: Snowflake, listed: readonly HistoryChannel[]): Promise<Map<Snowflake, OutOfReach>> {
    const byId = new Map(listed.map((channel) => [channel.id, channel]));
    const stored = await archive.channels(guildId);
    const leftOut = await archive.channelsLeftOut(guildId, stored);
    const before = await archive.outOfReach(guildId);
    const now = new Map<Snowflake, OutOfReach>();
    for (const channel of stored) {
      const { id } = channel;
      const known = before.get(id);
      const isReadable = byId.get(id) !== undefined && byId.get(id)?.unreadable === undefined;
      const isOut =
        !isReadable &&
        !leftOut.has(id) &&
        (await holdsMessages(guildId, channel)) &&
        !(await canBeRead(channel, byId.get(id)));
      if (!isOut) {
        if (known !== undefined) await archive.saveOutOfReach(guildId, id, undefined);
        continue;
      }
      const state = known ?? { since: parts.now() };
      if (known === undefined) await archive.saveOutOfReach(guildId, id, state);
      now.set(id, state);
    }
    return now;
  }

  async function look(guildId: Snowflake, listed: readonly HistoryChannel[]): Promise<void> {
    if (!Number.isFinite(keepDays)) return;
    const now = parts.now();
    const out = await note(guildId, listed);
    // Those that end on the same day are told in one message.
    const toTell = new Map<number, Snowflake[]>();
    for (const [channelId, state] of out) {
      const { isDue } = await lookAtExpiry(state, keepDays, now, async (at) => {
        const day = Math.ceil(at / DAY_MS) * DAY_MS;
        toTell.set(day, [...(toTell.get(day) ?? []), channelId]);
        return true;
      });
      // Told just now, or in time.
      if (isDue && state.toldAt !== undefined) await expire(guildId, channelId);
    }
    for (const [at, channelIds] of toTell) {
      const isTold = await parts.tell(guildId, { channelIds, at });
      for (const channelId of channelIds) {
        const { since } = out.get(channelId) ?? { since: now };
        const { state, isDue } = await lookAtExpiry({ since }, keepDays, now, async () => isTold);
        if (isDue) await expire(guildId, channelId);
        else if (isTold) await archive.saveOutOfReach(guildId, channelId, state);
      }
    }
  }

  async function expire(guildId: Snowflake, channelId: Snowflake): Promise<void> {
    await archive.addDeed(guildId, { at: parts.now(), what: "channel-expired", targetId: channelId });
    await archive.beginRemoval(guildId, { by: "channel", id: channelId });
    parts.onRemoval(guildId);
    logger.info("channel:expired", { guildId, channelId });
  }

  return {
    async daily(guildId) {
      // On the first day the bot catches up, and lists them for that.
      if (begun.has(guildId)) await look(guildId, await history.channels(guildId));
      begun.add(guildId);
    },
    async upcoming(guildId) {
      if (!Number.isFinite(keepDays)) return [];
      const now = parts.now();
      const out = [...(await archive.outOfReach(guildId))].map(([channelId, state]) => ({
        channelId,
        at: expiresAt(state, keepDays, state.toldAt ?? now),
        isNear: state.toldAt !== undefined || now >= state.since + keepDays * DAY_MS - NOTICE_MS,
      }));
      const near = out.filter(({ isNear }) => isNear).map(({ channelId, at }) => ({ channelId, at }));
      return near.sort((one, other) => one.at - other.at);
    },
    async listed(guildId, channels) {
      try {
        await look(guildId, channels);
      } catch (thrown) {
        logger[levelOf(thrown)]("expiry:postponed", { guildId, error: toError(thrown).message });
      }
    },
  };
}
