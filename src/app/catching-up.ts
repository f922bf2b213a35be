// The guilds of this process: entered once there is a core to look after them, remembered, caught up with after each absence, and
// forgotten once the bot has left them. Before there is a core, nothing is caught up with.

import type { Directory } from "../adapters/discord/directory.ts";
import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hearing, History } from "../ports/discord.ts";
import type { Logger } from "../ports/logger.ts";
import type { Snowflake } from "../snowflake.ts";
import { createResync, type Resync } from "../sync/resync.ts";
import type { GuildMembership } from "./guild-membership.ts";
import type { Core } from "./services.ts";

export interface CatchingUp extends Pick<Resync, "begin" | "look" | "leave" | "rechecking" | "gaps"> {
  /** There is a core. */
  start(core: Core): Promise<void>;
  /** The bot is connected again. */
  connected(): void;
  /** It has been invited to a guild: what was written before it came back, if it had been here before, is caught up with. */
  invited(guildId: Snowflake): Promise<void>;
  stop(): Promise<void>;
}

export function createCatchingUp({
  guildIds,
  membership,
  directory,
  settled,
  onLeft,
  background,
  archive,
  history,
  hearing,
  clock,
  logger,
}: {
  /** Those that the bot is in now. */
  guildIds(): Snowflake[];
  readonly membership: GuildMembership;
  readonly directory: Pick<Directory, "channel" | "isGone" | "hasLeft">;
  /** Resolves when the events heard of a guild until now are archived. */
  settled(guildId: Snowflake): Promise<void>;
  onLeft(guildId: Snowflake): Promise<void>;
  /** Work that nobody waits for. */
  background(subject: string, work: Promise<void>): void;
  readonly archive: Archive;
  readonly history: History;
  readonly hearing: Hearing;
  readonly clock: Clock;
  readonly logger: Logger;
}): CatchingUp {
  let started: { readonly core: Core; readonly resync: Resync } | undefined;

  function connected(): void {
    if (started === undefined) return;
    for (const guildId of guildIds()) started.resync.begin(guildId);
    background("forget", membership.forget(started.core));
  }

  return {
    async start(core) {
      const { channel, isGone, hasLeft } = directory;
      const { live } = core;
      const resync = createResync({
        archive,
        history,
        live,
        settled,
        hearing,
        channel,
        isGone,
        hasLeft,
        onLeft,
        onListed: core.channelsListed,
        clock,
        logger,
      });
      started = { core, resync };
      const present = guildIds();
      await core.enter(...present);
      background("remember", membership.remember(present));
      connected();
    },
    connected,
    async invited(guildId) {
      if (started === undefined) return;
      await started.core.enter(guildId);
      await membership.remember([guildId]);
      started.resync.begin(guildId);
    },
    begin: (guildId) => started?.resync.begin(guildId),
    look: (guildId, channelId) => started?.resync.look(guildId, channelId),
    leave: (guildId) => started?.resync.leave(guildId),
    rechecking: (guildId) => started?.resync.rechecking(guildId),
    gaps: (guildId) => started?.resync.gaps(guildId) ?? { isKnown: false, channels: 0 },
    async stop() {
      const before = started;
      started = undefined;
      await before?.resync.stop();
    },
  };
}
