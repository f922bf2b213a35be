// What a message with page buttons still has to know: kept in memory under a short id, for a while and for a bounded number.

import type { Clock } from "../ports/clock.ts";

/** Every click brings a token of its own, so pages may be turned for as long as somebody does. */
const LIFETIME_MS = 60 * 60_000;
const MAX_SESSIONS = 1_000;

export interface Sessions<State> {
  /** @returns the new session's id */
  open(state: State): string;
  /** Undefined when it has been left alone for an hour, or made room for newer ones. */
  find(id: string): State | undefined;
}

export function createSessions<State>(clock: Pick<Clock, "elapsed">, newId: () => string): Sessions<State> {
  const sessions = new Map<string, { readonly state: State; readonly until: number }>();

  function keep(id: string, state: State): void {
    // Set anew, it is the last; so the first is the one that was left alone the longest.
    sessions.delete(id);
    sessions.set(id, { state, until: clock.elapsed() + LIFETIME_MS });
    for (const [oldest, { until }] of sessions) {
      if (sessions.size <= MAX_SESSIONS && until > clock.elapsed()) break;
      sessions.delete(oldest);
    }
  }

  return {
    open(state) {
      const id = newId();
      keep(id, state);
      return id;
    },
    find(id) {
      const session = sessions.get(id);
      if (!session || session.until <= clock.elapsed()) return undefined;
      keep(id, session.state);
      return session.state;
    },
  };
}
