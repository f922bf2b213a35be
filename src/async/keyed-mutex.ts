// One thing at a time per guild: who starts, takes up or rolls back a run knows that nobody else does.

import { UserError } from "../errors.ts";
import type { Snowflake } from "../snowflake.ts";

export interface Turns {
  /** Does the work when all that was asked for before is done. @throws UserError when turns are closed; whatever the work throws */
  take<Result>(guildId: Snowflake, work: () => Promise<Result>): Promise<Result>;
  /** Resolves when nothing is being done, however it ended: whoever asked for it is told. */
  finished(guildId: Snowflake): Promise<void>;
  /** Gives no more turns; resolves when those given have ended. */
  close(): Promise<void>;
  isClosed(): boolean;
}

export const shuttingDown = () =>
  new UserError("The bot is shutting down. Nothing is lost; try again when it is back.");

export function createTurns(): Turns {
  /** The last in line of each guild. */
  const last = new Map<Snowflake, Promise<unknown>>();
  let closed = false;

  return {
    async take(guildId, work) {
      const before = last.get(guildId);
      const working = Promise.allSettled([before]).then(() => {
        if (closed) throw shuttingDown();
        return work();
      });
      last.set(guildId, working);
      try {
        return await working;
      } finally {
        if (last.get(guildId) === working) last.delete(guildId);
      }
    },
    async finished(guildId) {
      await Promise.allSettled([last.get(guildId)]);
    },
    async close() {
      closed = true;
      await Promise.allSettled(last.values());
    },
    isClosed: () => closed,
  };
}
