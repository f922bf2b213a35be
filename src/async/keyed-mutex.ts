// One piece of work at a time per key, in the order asked for.

export interface KeyedMutex {
  /** Does the work when all that was asked for before is done. @throws what `whenClosed` makes once closed; whatever the work throws */
  runExclusive<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
  /** Resolves when nothing of this key is being done, however it ended: the caller of the work is told. */
  finished(key: string): Promise<void>;
  /** Begins no more work; resolves when what has begun has ended. */
  close(): Promise<void>;
  isClosed(): boolean;
}

/** @param whenClosed makes the error that work gets which was not begun before `close` */
export function createKeyedMutex(whenClosed: () => Error): KeyedMutex {
  /** The last in line of each key. */
  const last = new Map<string, Promise<unknown>>();
  let closed = false;

  return {
    async runExclusive(key, work) {
      const before = last.get(key);
      const working = Promise.allSettled([before]).then(() => {
        if (closed) throw whenClosed();
        return work();
      });
      last.set(key, working);
      try {
        return await working;
      } finally {
        if (last.get(key) === working) last.delete(key);
      }
    },
    async finished(key) {
      await Promise.allSettled([last.get(key)]);
    },
    async close() {
      closed = true;
      await Promise.allSettled(last.values());
    },
    isClosed: () => closed,
  };
}
