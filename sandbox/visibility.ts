// Notices channels that come into the bot's sight (a changed role, overwrite or membership), for THREAD_LIST_SYNC.

import type { Snowflake } from "../src/snowflake.ts";
import { type Dispatch, threadListSync, visibleThreadedChannels } from "./dispatch.ts";
import type { Guild, WorldEvent } from "./model.ts";
import type { RenderContext } from "./render-message.ts";

export interface VisibilityTracker {
  /** What must be synced after this change; to be called for every change, in order. */
  after(event: WorldEvent): Dispatch[];
}

const MAY_CHANGE_VISIBILITY: readonly WorldEvent["type"][] = [
  "role:updated",
  "role:deleted",
  "member:updated",
  "channel:updated",
];

export function createVisibilityTracker(context: RenderContext): VisibilityTracker {
  const seen = new Map<Snowflake, Set<Snowflake>>();
  const remember = (guild: Guild) => {
    const visible = visibleThreadedChannels(context, guild);
    seen.set(guild.id, new Set(visible.map(({ id }) => id)));
    return visible;
  };
  for (const guild of context.state.guilds.values()) remember(guild);

  return {
    after(event) {
      if (event.type === "guild:created" || event.type === "channel:created" || event.type === "channel:deleted") {
        remember(event.guild);
        return [];
      }
      if (event.type === "guild:deleted") seen.delete(event.guild.id);
      if (!MAY_CHANGE_VISIBILITY.includes(event.type) || !("guild" in event)) return [];
      const before = seen.get(event.guild.id) ?? new Set();
      const revealed = remember(event.guild).filter(({ id }) => !before.has(id));
      return revealed.length > 0 ? [threadListSync(context, event.guild, revealed)] : [];
    },
  };
}
