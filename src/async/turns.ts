// For loops over thousands of things that hold up the event loop, and with it a member's message, Discord's heartbeat, a search.

import { setImmediate } from "node:timers/promises";

/** So long a loop goes on before others have their turn. Milliseconds. */
const SLICE_MS = 2;

/**
 * To be called in each round of a loop, which awaits what it returns.
 * @returns undefined while nobody has waited for long
 */
export function createTurns(): () => Promise<unknown> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}
