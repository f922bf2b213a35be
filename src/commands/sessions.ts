// What a message with page buttons still has to know: kept in memory under a short id, for a while and for a bounded number.

import type { Clock } from "../ports.ts";

/** A reply's token lives 15 minutes; its buttons end a little earlier. */
const LIFETIME_MS = 14 * 60_000;
const MAX_SESSIONS = 1_000;

export interface Sessions<State> {
  /** @returns the new session's id */
  open(state: State): string;
  /** Undefined when it has expired or made room for newer ones. */
  find(id: string): State | undefined;
}

export function createSessions<State>(clock: Pick<Clock, "elapsed">, newId: () => string): Sessions<State> {
  const sessions = new Map<string, { readonly state: State; readonly until: number }>();
  return {
    open(state) {
      const id = newId();
      sessions.set(id, { state, until: clock.elapsed() + LIFETIME_MS });
      // All live equally long, so the first is the oldest.
      for (const [oldest, { until }] of sessions) {
        if (sessions.size <= MAX_SESSIONS && until > clock.elapsed()) break;
        sessions.delete(oldest);
      }
      return id;
    },
    find(id) {
      const session = sessions.get(id);
      return session && session.until > clock.elapsed() ? session.state : undefined;
    },
  };
}
