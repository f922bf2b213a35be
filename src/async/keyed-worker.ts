// Works off what there is to do for a key, pass after pass: one at a time for each key, again when it was asked for meanwhile, and again
// after a failure.

export interface KeyedWorker {
  /** Says that there may be something to do. */
  kick(key: string): void;
  /** Whether a pass is under way, or is to be made again. */
  isAtWork(key: string): boolean;
  /** Those at work. */
  keys(): string[];
  /** Resolves when nothing of the key is being done; without one, of any. */
  idle(key?: string): Promise<void>;
}

export interface KeyedWorkerParts {
  mayWork(key: string): boolean;
  /** @returns true when there is more to do, of which nobody will tell */
  pass(key: string): Promise<boolean>;
  /** Tells of a failure, and resolves when it is to be tried again. */
  failed(key: string, thrown: unknown): Promise<void>;
}

export function createKeyedWorker({ mayWork, pass, failed }: KeyedWorkerParts): KeyedWorker {
  /** `again`: it was asked for, or is needed, once more. */
  const working = new Map<string, { again: boolean; done: Promise<void> }>();

  async function work(key: string, entry: { again: boolean }): Promise<void> {
    do {
      entry.again = false;
      try {
        if (await pass(key)) entry.again = true;
      } catch (thrown) {
        entry.again = true;
        await failed(key, thrown);
      }
    } while (entry.again && mayWork(key));
    working.delete(key);
  }

  return {
    kick(key) {
      const current = working.get(key);
      if (current !== undefined) {
        current.again = true;
        return;
      }
      if (!mayWork(key)) return;
      const entry = { again: false, done: Promise.resolve() };
      working.set(key, entry);
      entry.done = work(key, entry);
    },
    isAtWork: (key) => working.has(key),
    keys: () => [...working.keys()],
    async idle(key) {
      if (key !== undefined) return await working.get(key)?.done;
      while (working.size > 0) await Promise.all([...working.values()].map(({ done }) => done));
    },
  };
}
