// Which process owns which guild.

import type { Snowflake } from "../snowflake.ts";

/** A process's sign of life, which it must prolong. For as long as it lasts, the guilds that the process has taken are its own. */
export interface Heartbeat {
  /** Made for this heartbeat; never used again. */
  readonly id: string;
  /** Names the process to people. */
  readonly holder: string;
  /** Milliseconds since 1970, by the process's own clock. */
  readonly expiresAt: number;
}

/** Proof of owning a guild, good for as long as its heartbeat lasts. `token` grows with every change of owner. */
export interface Lease {
  readonly guildId: Snowflake;
  readonly heartbeatId: string;
  readonly token: number;
}

/** Which process owns which guild. The cost of staying an owner does not depend on the number of guilds. */
export interface OwnerStore {
  /** A new heartbeat, that owns nothing yet. */
  start(holder: string, now: number, durationMs: number): Promise<Heartbeat>;
  /**
   * Lasts from `now` on; also when it had expired and nobody has ended it since.
   * @returns undefined when it has been ended: none of its guilds is its own any more
   */
  beat(heartbeat: Heartbeat, now: number, durationMs: number): Promise<Heartbeat | undefined>;
  /** Its end, for good: all its guilds are free at once, and what was to be saved by their leases is refused. */
  end(heartbeat: Heartbeat): Promise<void>;
  /** Its end, unless it has been prolonged since it was read as this. */
  endSilent(heartbeat: Heartbeat): Promise<void>;
  /**
   * Takes those of the guilds that are free, and says who holds the others. A heartbeat that has expired at `now` and holds one of
   * them is ended first, for good, so that its process can never go on as if nothing had happened. What is this heartbeat's
   * already stays so.
   */
  take(
    heartbeat: Heartbeat,
    guildIds: readonly Snowflake[],
    now: number,
  ): Promise<{
    readonly taken: readonly Lease[];
    readonly held: readonly { readonly guildId: Snowflake; readonly by: Heartbeat }[];
  }>;
  /** Whose a guild is, if anybody's; its heartbeat may have expired. */
  ownerOf(guildId: Snowflake): Promise<Heartbeat | undefined>;
  /** Gives one guild up. */
  release(lease: Lease): Promise<void>;
}
