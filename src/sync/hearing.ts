// Which channels and threads are heard without a gap: per guild a stretch of unbroken listening, and in it the channels of which
// everything before has been fetched. Only there may a message that is heard move on what is known to be complete.

import { getOrMake } from "../maps.ts";
import type { Hearing, HearingMark, Stretch } from "../ports/discord.ts";
import { compareSnowflakes, type Snowflake } from "../snowflake.ts";

export function createHearing(): Hearing {
  const stretches = new Map<Snowflake, Stretch>();
  return {
    of: (guildId) => getOrMake(stretches, guildId, createStretch),
    interrupted: (guildId) => void stretches.delete(guildId),
  };
}

export function createStretch(): Stretch {
  const completedAt = new Map<Snowflake, HearingMark>();
  const lostAt = new Map<Snowflake, HearingMark>();
  let now: HearingMark = 0;
  let firstHeardId: Snowflake | undefined;

  return {
    get firstHeardId() {
      return firstHeardId;
    },
    heard(messageId) {
      if (firstHeardId === undefined || compareSnowflakes(messageId, firstHeardId) < 0) firstHeardId = messageId;
    },
    mark: () => now,
    completed(channelId, since) {
      completedAt.set(channelId, Math.max(since, completedAt.get(channelId) ?? 0));
    },
    lost(channelId) {
      now += 1;
      lostAt.set(channelId, now);
    },
    isComplete({ id, parentId }) {
      const since = completedAt.get(id);
      if (since === undefined) return false;
      return [id, parentId].every((each) => each === undefined || (lostAt.get(each) ?? 0) <= since);
    },
  };
}
