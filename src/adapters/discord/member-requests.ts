// Asks the gateway for members by id, sparingly: Discord allows 120 gateway requests a minute for everything a client does, the host
// bot's own included. Ids wanted at about the same time go into one request.

import { setTimeout as sleep } from "node:timers/promises";
import { slices } from "../../slices.ts";
import type { Snowflake } from "../../snowflake.ts";

/** The most a gateway request for members takes. Naming them needs no privileged intent. */
const MEMBERS_PER_REQUEST = 100;
/** Leaves half of the 120 a minute to others. */
const BETWEEN_REQUESTS_MS = 1_000;

export interface MemberRequests {
  /** Resolves when these members have been asked for, in this or in an earlier call. */
  want(userIds: Iterable<Snowflake>): Promise<void>;
}

/** @param ask asks for at most 100 members at once; never rejects */
export function createMemberRequests(ask: (userIds: readonly Snowflake[]) => Promise<void>): MemberRequests {
  /** Members wanted and not asked for yet, with the promise of the request that will carry them. */
  let waiting = new Set<Snowflake>();
  let next: Promise<void> | undefined;
  let current = Promise.resolve();
  let allowedAt = 0;

  async function send(after: Promise<void>): Promise<void> {
    await after;
    await sleep(Math.max(0, allowedAt - performance.now()), undefined, { ref: false });
    const userIds = [...waiting];
    waiting = new Set();
    next = undefined;
    allowedAt = performance.now() + BETWEEN_REQUESTS_MS * Math.ceil(userIds.length / MEMBERS_PER_REQUEST);
    for (const some of slices(userIds, MEMBERS_PER_REQUEST)) await ask(some);
  }

  return {
    async want(userIds) {
      const wanted = [...userIds];
      if (wanted.length === 0) return;
      for (const userId of wanted) waiting.add(userId);
      if (next === undefined) {
        next = send(current);
        current = next;
      }
      await next;
    },
  };
}
