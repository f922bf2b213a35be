// Waiting for something to become true in the world: looks after every change, with a deadline, without polling.

import type { State } from "./state.ts";

/**
 * Resolves with the first truthy result of `check`, which is tried now and after every change of the world.
 * @throws Error naming `what` when the deadline passes (real time), or what `check` throws
 */
export async function waitFor<T>(
  state: State,
  what: string,
  check: () => T | undefined | null | false,
  timeoutMs = 10_000,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer);
      unsubscribe();
      act();
    };
    const look = () => {
      try {
        const result = check();
        if (result) finish(() => resolve(result));
      } catch (thrown) {
        finish(() => reject(thrown));
      }
    };
    const timer = setTimeout(() => finish(() => reject(new Error(`no ${what} within ${timeoutMs} ms`))), timeoutMs);
    const unsubscribe = state.subscribe(look);
    look();
  });
}
