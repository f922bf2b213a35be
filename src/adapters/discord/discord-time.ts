// What time it is at Discord: every id that is heard tells. This machine's clock may be wrong, and must not decide what is kept.

import { type Client, GatewayDispatchEvents } from "discord.js";
import type { Clock } from "../../ports/clock.ts";
import type { DiscordTime } from "../../ports/discord.ts";
import type { Logger } from "../../ports/logger.ts";
import { compareSnowflakes, type Snowflake, snowflakeTime } from "../../snowflake.ts";
import { listenToGateway } from "./listen.ts";

/** An id may be heard late, and then makes this clock look ahead: the smallest difference among the latest is the truest. */
const LATEST = 5;
/** So much is said to people; less does no harm. */
const TOO_FAR_MS = 60_000;

export interface DiscordTimeSource extends DiscordTime {
  /** Stops listening, removing nobody else's listeners. */
  stop(): void;
}

export function watchDiscordTime(client: Client, clock: Pick<Clock, "now">, logger: Logger): DiscordTimeSource {
  let newestId: Snowflake | undefined;
  let differences: number[] = [];
  let isTold = false;

  function aheadMs(): number | undefined {
    return differences.length === 0 ? undefined : Math.min(...differences);
  }

  function heard({ id }: { readonly id: Snowflake }): void {
    if (newestId !== undefined && compareSnowflakes(id, newestId) <= 0) return;
    newestId = id;
    differences = [...differences.slice(1 - LATEST), clock.now() - snowflakeTime(id)];
    const ahead = aheadMs() ?? 0;
    const isTooFar = Math.abs(ahead) > TOO_FAR_MS;
    if (isTooFar !== isTold) {
      if (isTooFar) logger.warn("clock:wrong", { aheadOfDiscordMs: ahead });
      else logger.info("clock:right-again", { aheadOfDiscordMs: ahead });
    }
    isTold = isTooFar;
  }

  // An edit has the id of a message that may be old.
  const { MessageCreate, InteractionCreate } = GatewayDispatchEvents;
  const stop = listenToGateway(client, { [MessageCreate]: heard, [InteractionCreate]: heard });
  return { newestId: () => newestId, aheadMs, stop };
}
