// A counting semaphore that serves in order of arrival.

export interface Semaphore {
  /** Resolves when a slot is free. @returns how to release it, which may be called twice; undefined when `stop` aborted before */
  acquire(stop: AbortSignal): Promise<(() => void) | undefined>;
}

export function createSemaphore(slots: number): Semaphore {
  let free = slots;
  const waiting = new Set<() => void>();

  function takeSlot(): () => void {
    free -= 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      free += 1;
      const [first] = waiting;
      first?.();
    };
  }

  return {
    async acquire(stop) {
      if (stop.aborted) return undefined;
      if (free > 0) return takeSlot();
      return await new Promise((resolve) => {
        const end = (release: (() => void) | undefined) => {
          waiting.delete(enter);
          stop.removeEventListener("abort", giveUp);
          resolve(release);
        };
        const enter = () => end(takeSlot());
        const giveUp = () => end(undefined);
        waiting.add(enter);
        stop.addEventListener("abort", giveUp);
      });
    },
  };
}
